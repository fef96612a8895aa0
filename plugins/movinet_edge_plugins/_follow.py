"""Follows a folder that a recorder puts its clips into: each finished recording in turn, once, oldest first.

Imports PyAV at the top, so a plugin imports this module in its constructor.
"""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import av
import structlog

from movinet_edge.api import SourceRejected, SourceUnavailable
from movinet_edge_plugins._done_list import DoneList, default_done_file
from movinet_edge_plugins._folder import Folder, Recording, did_you_mean

_log = structlog.get_logger(__name__)

# For recordings that say neither how long they are nor how fast they run.
_ASSUMED_FPS = 25.0


@dataclass(frozen=True, slots=True)
class Following:
    """How to follow a folder.

    Attributes:
        settle_s: a file is finished once nothing was written to it for so long.
        done_file: where the list of what is done is kept; None: with the daemon's state.
        skip_backlog: at the very first look, what is there already counts as done.
        poll_s: how long to wait between two looks.
    """

    root: Path
    suffixes: Collection[str]
    settle_s: float
    poll_s: float
    skip_backlog: bool
    done_file: Path | None


@contextmanager
def follow(following: Following, stopped: threading.Event) -> Iterator["Follower"]:
    """Waits for recordings within a `with`; `stopped` ends that at once.

    Raises:
        SourceUnavailable: the list of what is done is in use, or cannot be written.
        SourceRejected: it is damaged, or another file.
    """
    with DoneList(following.done_file or default_done_file(following.root)) as done_list:
        yield Follower(following, done_list, stopped)


class Follower:
    """Iterate over it in one thread, and call `done` for each recording."""

    def __init__(self, following: Following, done_list: DoneList, stopped: threading.Event) -> None:
        self._root, self._poll_s, self._skip_backlog = following.root, following.poll_s, following.skip_backlog
        self._folder = Folder(following.root, following.suffixes, following.settle_s)
        self._done_list, self._stopped = done_list, stopped

    def __iter__(self) -> Iterator[Recording]:
        """Yield recordings.

        Raises:
            SourceUnavailable: the folder or the list cannot be read now.
            SourceRejected: they never can.
        """
        waiting: list[Recording] = []
        while not self._stopped.is_set():
            waiting += self._look()
            # Judged anew each time, because a recorder deletes old recordings, and while one is read others come.
            waiting = [recording for recording in waiting if self._folder.holds(recording)]
            if waiting:
                oldest = min(waiting, key=lambda recording: (recording.changed_ns, recording.name))
                waiting.remove(oldest)
                yield oldest
            else:
                self._stopped.wait(self._poll_s)

    def _look(self) -> list[Recording]:
        try:
            come_to_rest = self._folder.look(time.monotonic())
        except FileNotFoundError as error:
            raise SourceUnavailable(f"{self._root}: there is no such folder{did_you_mean(self._root)}") from error
        except NotADirectoryError as error:
            raise SourceRejected(f"{self._root}: is not a folder; a single file is named with `path:`") from error
        except OSError as error:
            raise SourceUnavailable(f"{self._root}: cannot be read ({error.strerror})") from error
        if self._done_list.is_new:
            backlog = [*self._folder.recordings]
            self._done_list.add(backlog if self._skip_backlog else [], self._folder)
            _log.info("begins to follow a folder", path=str(self._root), skipped=len(backlog) * self._skip_backlog)
        return [recording for recording in come_to_rest if not self._done_list.holds(recording)]

    def done(self, recording: Recording) -> None:
        """The recording was looked at, or cannot be read; it will not come again unless it changes."""
        path = self._root / recording.name
        with suppress(OSError):
            if path.stat().st_size > recording.size_bytes:
                _log.warning("recording grew while it was read and will come again; raise `settle:`", path=str(path))
        try:
            self._done_list.add([recording], self._folder)
        except SourceUnavailable as error:  # a full disk is no reason not to look at the next one
            _log.warning("recording will come again after a restart", path=str(path), reason=str(error))


def began_at_s(path: Path, recording: Recording) -> float:
    """When a recording began, in seconds since 1970: its length before it was last written."""
    return recording.changed_ns / 1e9 - _length_s(path)


def _length_s(path: Path) -> float:
    """The length in seconds that a file announces, or that its frames take when it does not; 0 if it is no video."""
    try:
        with av.open(str(path.absolute()), metadata_errors="ignore") as container:
            if container.duration is not None:
                return float(container.duration / av.time_base)
            stream = container.streams.best("video")
            if stream is None:
                return 0.0
            stamps = [packet.pts for packet in container.demux(stream) if packet.size]
            known = [stamp for stamp in stamps if stamp is not None]
            if known:
                return float((max(known) - min(known)) * stream.time_base)
            return len(stamps) / float(stream.average_rate or _ASSUMED_FPS)
    except (av.FFmpegError, OSError):  # whoever reads it next says what is wrong with it
        return 0.0
