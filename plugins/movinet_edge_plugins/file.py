"""The `file` source: recorded video from files, globs and folders, once or in a loop, fast or at its own pace."""

import difflib
import glob
import itertools
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import structlog
from pydantic import Field

from movinet_edge.api import Frame, FrameRequest, PluginSettings, SourceRejected

if TYPE_CHECKING:
    from movinet_edge_plugins._video import Sieve

_log = structlog.get_logger(__name__)

# What a folder is searched for; a file named by itself or by a glob may have any ending.
_VIDEO_SUFFIXES = frozenset(
    {
        ".3gp",
        ".avi",
        ".h264",
        ".m2ts",
        ".m4v",
        ".mjpeg",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ts",
        ".webm",
    }
)


class FileSettings(PluginSettings):
    """What can be set for a `file` source."""

    path: Path | Annotated[list[Path], Field(min_length=1)] = Field(
        description="a video file, a glob such as clips/*.mp4, a folder (its video files, in natural order), or a list"
    )
    pace: Literal["fast", "realtime"] = Field(
        default="fast",
        description="fast: as fast as the engine takes the frames, all of them are looked at;"
        " realtime: as a camera would give them, late ones may be dropped",
    )
    loop: bool | Annotated[int, Field(ge=1)] = Field(
        default=False, description="true: start again for ever; a number: play that many times"
    )
    concat: bool = Field(
        default=False, description="true: all files and rounds are one recording, nothing is forgotten between them"
    )
    skip_loop_filter: bool = Field(
        default=False,
        description="decode H.264 and H.265 without their smoothing of block edges: less work, slightly coarser",
    )


@dataclass(slots=True)
class _Playback:
    """What goes on from one file to the next."""

    sieve: "Sieve"
    next_s: float = 0.0  # the stream's time at which the next file begins
    wall_zero_s: float | None = None  # wall time at the stream's time 0
    monotonic_zero_s: float | None = None  # time.monotonic() at the stream's time 0


class FileSource:
    """Frames of recorded video, paced by the timestamps in the files.

    The stream's clock starts at 0 and goes on over all files and rounds; unless `concat` is set, the first frame of
    each further file is a discontinuity. A file that cannot be read is reported and left out; when none can, the source
    is rejected.
    """

    Settings = FileSettings

    def __init__(self, settings: FileSettings) -> None:
        from movinet_edge_plugins import _video

        self._video = _video
        self._settings = settings
        self._closed = threading.Event()
        self._faults: dict[Path, str] = {}
        self.live = settings.pace == "realtime"
        self.frames_read = 0

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield the frames that are due at `request.fps`: uint8 RGB, scaled to `request.size_for` their size."""
        files = self._find_files()
        alone = len(files) == 1 and not self._faults  # then the error that ends the source says it all
        playback = _Playback(self._video.Sieve(request.fps))
        loop = self._settings.loop
        rounds = itertools.count() if loop is True else range(max(1, int(loop)))
        for _ in rounds:
            readable = False
            for file in files:
                try:
                    yield from self._play(file, playback, request)
                    readable = True
                except SourceRejected as error:
                    self._report(file, str(error), quietly=alone)
                if self._closed.is_set():
                    return
            if not readable:
                raise SourceRejected("; ".join(f"{path}: {fault}" for path, fault in self._faults.items()))

    def close(self) -> None:
        """End `frames()`, also one that waits in another thread, which then closes its file."""
        self._closed.set()

    def _play(self, file: Path, playback: _Playback, request: FrameRequest) -> Iterator[Frame]:
        _check_file(file)
        with self._video.Video(file, skip_loop_filter=self._settings.skip_loop_filter) as video:
            read_before = self.frames_read
            discontinuity = playback.next_s > 0.0 and not self._settings.concat
            if discontinuity:
                playback.sieve.reset()
            if discontinuity or playback.wall_zero_s is None:
                playback.wall_zero_s = time.time() - playback.next_s
            for time_s, picture in video.frames(playback.sieve, start_s=playback.next_s, stopped=self._closed.is_set):
                self.frames_read = read_before + video.packets_read
                playback.next_s = time_s + video.frame_s
                if not playback.sieve.due(time_s):
                    continue
                image = video.rgb(picture, request.size_for)
                if self.live:
                    self._wait(playback, time_s)
                if self._closed.is_set():
                    return
                yield Frame(image, time_s, "rgb", playback.wall_zero_s + time_s, discontinuity)
                discontinuity = False
            self.frames_read = read_before + video.packets_read
            if complaint := video.complaint():
                self._report(file, complaint)

    def _wait(self, playback: _Playback, time_s: float) -> None:
        now_s = time.monotonic()
        if playback.monotonic_zero_s is None:
            playback.monotonic_zero_s = now_s - time_s
        self._closed.wait(max(0.0, playback.monotonic_zero_s + time_s - now_s))

    def _report(self, path: Path, fault: str, *, quietly: bool = False) -> None:
        # Once per file, not once per round of a loop.
        if self._faults.get(path) != fault and not quietly:
            _log.warning("trouble with a video file", path=str(path), reason=fault)
        self._faults[path] = fault

    def _find_files(self) -> list[Path]:
        paths = self._settings.path if isinstance(self._settings.path, list) else [self._settings.path]
        files: list[Path] = []
        for path in paths:
            try:
                files += _expand(path.expanduser())
            except SourceRejected as error:
                self._report(path, str(error), quietly=len(paths) == 1)
        return files


def _expand(path: Path) -> list[Path]:
    """The files that a path stands for; a single one may turn out not to exist."""
    try:
        return _search(path)
    except OSError as error:
        raise SourceRejected(f"cannot be read ({error.strerror})") from error


def _search(path: Path) -> list[Path]:
    if path.is_dir():
        files = [file for file in path.iterdir() if file.suffix.lower() in _VIDEO_SUFFIXES and file.is_file()]
        reason = "has no video files in it (sub-folders are not searched; a glob such as folder/**/*.mp4 does that)"
    elif glob.has_magic(str(path)) and not path.exists():
        names = glob.glob(str(path), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        files = [Path(name) for name in names if not Path(name).is_dir()]
        reason = "matches no file"
    else:
        return [path]
    if not files:
        raise SourceRejected(reason)
    return sorted(files, key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts clip2 before clip10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path).casefold())]


def _check_file(path: Path) -> None:
    """Raise SourceRejected for what is better said before FFmpeg says it in general terms."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceRejected("is not a regular file")  # opening a pipe could wait for ever
        if status.st_size == 0:
            raise SourceRejected("is empty (0 bytes)")
        path.open("rb").close()
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, _names_beside(path), n=1)
        raise SourceRejected(f"there is no such file{f'; did you mean {near[0]}?' if near else ''}") from None
    except OSError as error:
        raise SourceRejected(f"cannot be read ({error.strerror})") from error


def _names_beside(path: Path) -> Sequence[str]:
    try:
        return [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return []
