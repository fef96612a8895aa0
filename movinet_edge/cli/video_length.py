"""How long videos say they are, for a progress bar's total."""

from collections.abc import Sequence
from pathlib import Path


def total_length_s(videos: Sequence[Path]) -> float | None:
    """Seconds of all files together; None when one does not say, cannot be opened, or is no ordinary file."""
    import av

    total_s = 0.0
    for video in videos:
        if not video.is_file():  # opening a pipe could wait for ever
            return None
        try:
            # An absolute path cannot be mistaken for an address ("a:b.mp4").
            with av.open(str(video.absolute())) as container:
                if container.duration is None:
                    return None
                total_s += container.duration / av.time_base
        except (OSError, ValueError, av.FFmpegError):  # ValueError: a title in another encoding, up to PyAV 18
            return None
    return total_s
