"""The `file` source: recorded video from files and folders, once or in a loop, or as a recorder adds to them."""

import glob
import itertools
import re
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import structlog
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from movinet_edge.api import Duration, Frame, FrameRequest, PluginSettings, SourceInfo, SourceRejected, TakePacket
from movinet_edge_plugins._folder import did_you_mean

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

    follow: Path | None = Field(
        default=None,
        description="instead of path, a folder that a recorder (NVR) puts clips into, sub-folders included: each is"
        " looked at once, when it is finished",
    )
    path: Path | Annotated[list[Path], Field(min_length=1)] | None = Field(
        default=None,
        description="a video file, a glob such as clips/*.mp4, a folder (its video files, in natural order), or a list",
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
    backlog: Literal["skip", "process"] = Field(
        default="skip", description="what is in a followed folder at the very first start: leave it, or look at it too"
    )
    settle: Duration = Field(
        default=5.0, description="a file in a followed folder is finished once nothing was written to it for so long"
    )
    poll: Duration = Field(default=2.0, ge=0.1, description="how often a followed folder is looked at")
    done_file: Path | None = Field(
        default=None,
        description="where it is remembered which clips of a followed folder are done; null: with the daemon's state",
    )

    @field_validator("path")
    @classmethod
    def _instead_of_follow(cls, path: Any, info: ValidationInfo) -> Any:
        follow = info.data.get("follow")
        if path is not None and follow is not None:
            raise ValueError("cannot be given together with `follow`")
        if path is None and follow is None and "follow" in info.data:
            raise PydanticCustomError("missing", "is missing, or `follow`")  # the type of any key that is missing
        return path

    @field_validator("pace", "loop", "concat")
    @classmethod
    def _not_with_follow(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("follow") is not None and value != cls.model_fields[info.field_name or ""].default:
            raise ValueError("cannot be given together with `follow`")
        return value

    @field_validator("backlog", "settle", "poll", "done_file")
    @classmethod
    def _with_follow(cls, value: Any, info: ValidationInfo) -> Any:
        if info.data.get("follow", ...) is None and value != cls.model_fields[info.field_name or ""].default:
            raise ValueError("needs `follow`")
        return value


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
    is rejected. With `follow`, it waits for further files for ever.
    """

    Settings = FileSettings

    def __init__(self, settings: FileSettings) -> None:
        from movinet_edge_plugins import _follow, _video

        self._video = _video
        self._following = _follow
        self._settings = settings
        self._closed = threading.Event()
        self._faults: dict[Path, str] = {}
        self.live = settings.pace == "realtime"
        self.frames_read = 0
        self._info: SourceInfo | None = None
        self._cpu_s = 0.0
        self._take_packet: TakePacket | None = None

    def tap(self, take: TakePacket) -> None:
        """Hand out the files' video as it is read: H.264 and H.265 that need no turning."""
        self._take_packet = take

    @property
    def info(self) -> SourceInfo | None:
        """Codec, size and rate of the newest file, and the processor time of all; None before the first frame."""
        return None if self._info is None else self._info.model_copy(update={"cpu_s": self._cpu_s})

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield the frames that are due at `request.fps`: uint8 RGB, scaled to `request.size_for` their size."""
        # What the thread does between two frames is the work of whoever asked for them.
        since_s = time.thread_time()
        for frame in self._all_frames(request):
            self._cpu_s += time.thread_time() - since_s
            yield frame
            since_s = time.thread_time()

    def _all_frames(self, request: FrameRequest) -> Iterator[Frame]:
        if self._settings.follow is not None:
            return self._follow(self._settings.follow, request)
        return self._play_all(request)

    def _play_all(self, request: FrameRequest) -> Iterator[Frame]:
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

    def _follow(self, root: Path, request: FrameRequest) -> Iterator[Frame]:
        settings = self._settings
        following = self._following.Following(
            root, _VIDEO_SUFFIXES, settings.settle, settings.poll, settings.backlog == "skip", settings.done_file
        )
        playback = _Playback(self._video.Sieve(request.fps))
        with self._following.follow(following, self._closed) as follower:
            for recording in follower:
                file, last = root / recording.name, None
                try:
                    for frame in self._play(file, playback, request, self._following.began_at_s(file, recording)):
                        yield frame
                        last = frame
                except SourceRejected as error:
                    self._report(file, str(error))
                self._faults.clear()  # none comes twice
                if self._closed.is_set():
                    return
                if last is not None:
                    # Nothing may follow for hours: a cut of its own closes what is still open.
                    wall_time_s = (playback.wall_zero_s or 0.0) + playback.next_s
                    yield replace(last, time_s=playback.next_s, wall_time_s=wall_time_s, discontinuity=True)
                follower.done(recording)

    def _play(
        self, file: Path, playback: _Playback, request: FrameRequest, began_at_s: float | None = None
    ) -> Iterator[Frame]:
        """Play one file, which began at the wall time `began_at_s`; None: it is played as if it happened now."""
        _check_file(file)
        with self._video.Video(
            file, skip_loop_filter=self._settings.skip_loop_filter, take_packet=self._take_packet
        ) as video:
            read_before = self.frames_read
            discontinuity = playback.next_s > 0.0 and not self._settings.concat
            if discontinuity:
                playback.sieve.reset()
            if discontinuity or playback.wall_zero_s is None:
                playback.wall_zero_s = (time.time() if began_at_s is None else began_at_s) - playback.next_s
            for time_s, picture in video.frames(playback.sieve, start_s=playback.next_s, stopped=self._closed.is_set):
                self.frames_read = read_before + video.packets_read
                playback.next_s = time_s + video.frame_s
                if not playback.sieve.due(time_s):
                    continue
                image = video.rgb(picture, request.size_for)
                self._info = video.info
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
        named = self._settings.path
        paths = named if isinstance(named, list) else [named] if named is not None else []
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
        raise SourceRejected(f"there is no such file{did_you_mean(path)}") from None
    except OSError as error:
        raise SourceRejected(f"cannot be read ({error.strerror})") from error
