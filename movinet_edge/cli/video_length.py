"""How long videos say they are, for a progress bar's total."""

from collections.abc import Sequence
from pathlib import Path


def total_length_s(videos: Sequence[Path]) -> float | None:
    """Seconds of all files together; None when one does not say, or cannot be opened."""
    import av

    total_s = 0.0
    for video in videos:
        try:
            with av.open(str(video)) as container:
                if container.duration is None:
                    return None
                total_s += container.duration / av.time_base
        except (OSError, av.FFmpegError):
            return None
    return total_s
