"""The recordings in a folder and its sub-folders, looked for again and again at little cost.

Asks instead of being told (inotify), because a network mount says nothing about what others put into it.
"""

import difflib
import math
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)

# So often everything is looked at anew, for what a folder's own time does not tell: a file that was written over, and
# mounts that leave that time alone.
_EVERYTHING_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A file as it was when it was looked at.

    Attributes:
        name: its path, from the folder that is searched.
        changed_ns: when it was last written, in nanoseconds since 1970.
    """

    name: str
    inode: int
    size_bytes: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class _Listing:
    """What was in one folder."""

    changed_ns: int
    # The folder's time was the same one look before: what comes next will change it, however coarse its ticks are.
    is_sure: bool
    files: frozenset[str]
    folders: tuple[str, ...]


_NEVER_LISTED = _Listing(-1, False, frozenset(), ())


class Folder:
    """What is in a folder, and which of its files have come to rest. For one thread; the clock is passed in.

    Left alone are names that begin with a dot, which programs that copy give to what is not finished, and folders
    behind symbolic links, which could lead in a circle.
    """

    def __init__(self, root: Path, suffixes: Collection[str], settle_s: float) -> None:
        """A file is at rest once its size and time have not changed for `settle_s` seconds of looking on.

        Its time is not compared with that of this machine, since the clock of a file server may be another.
        """
        self._root, self._suffixes, self._settle_s = root, tuple(suffixes), settle_s
        self._listings: dict[str, _Listing] = {}
        self._recordings: dict[str, Recording] = {}
        self._restless: dict[str, float] = {}  # with the monotonic time at which the file was first seen as it is
        self._unreadable: frozenset[str] = frozenset()
        self._everything_at_s = -math.inf

    @property
    def is_whole(self) -> bool:
        """True when the latest look was kept out of no sub-folder."""
        return not self._unreadable

    @property
    def recordings(self) -> Collection[Recording]:
        """All files that are there, at rest or not."""
        return self._recordings.values()

    def holds(self, recording: Recording) -> bool:
        """True when the file is there and has not changed."""
        return self._recordings.get(recording.name) == recording

    def look(self, now_s: float) -> list[Recording]:
        """Look again at the monotonic time `now_s`; those files that have come to rest since the look before.

        Raises:
            OSError: the folder itself cannot be read.
        """
        everything = now_s >= self._everything_at_s
        listings = self._list_all(anew=everything)
        if everything:
            self._everything_at_s = now_s + _EVERYTHING_EVERY_S
        before, self._listings = self._listings, listings
        for folder, listing in before.items():
            for name in listing.files - listings.get(folder, _NEVER_LISTED).files:
                self._forget(name)
        names = {*self._restless}
        for folder, listing in listings.items():
            if everything or listing is not before.get(folder):
                names |= listing.files
        return [recording for name in names if (recording := self._come_to_rest(name, now_s))]

    def _list_all(self, *, anew: bool) -> dict[str, _Listing]:
        listings: dict[str, _Listing] = {}
        unreadable = set()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            before = self._listings.get(folder, _NEVER_LISTED)
            try:
                listing = self._list(folder, before, anew=anew)
            except OSError as error:
                if not folder:
                    raise
                if isinstance(error, FileNotFoundError):
                    continue
                unreadable.add(folder)
                listing = before  # what was in there may well be there still
                if folder not in self._unreadable:
                    _log.warning("sub-folder cannot be read", path=str(self._root / folder), reason=error.strerror)
            listings[folder] = listing
            waiting += listing.folders
        self._unreadable = frozenset(unreadable)
        return listings

    def _list(self, folder: str, before: _Listing, *, anew: bool) -> _Listing:
        path = self._root / folder
        changed_ns = path.stat().st_mtime_ns
        if before.is_sure and before.changed_ns == changed_ns and not anew:
            return before
        files, folders = [], []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{folder}{entry.name}/")
                elif entry.name.lower().endswith(self._suffixes):
                    files.append(f"{folder}{entry.name}")
        return _Listing(changed_ns, before.changed_ns == changed_ns, frozenset(files), tuple(folders))

    def _come_to_rest(self, name: str, now_s: float) -> Recording | None:
        """Look at one file; the file when it was not at rest before and is by now."""
        try:
            status = (self._root / name).stat()
        except FileNotFoundError:  # just gone, or a link to nothing
            self._forget(name)
            return None
        except OSError:  # kept from us for now
            return None
        if not stat.S_ISREG(status.st_mode):
            self._forget(name)
            return None
        recording = Recording(name, status.st_ino, status.st_size, status.st_mtime_ns)
        # An empty file is one that somebody is about to write.
        if recording != self._recordings.get(name) or not recording.size_bytes:
            self._recordings[name] = recording
            self._restless[name] = now_s
        if name not in self._restless or not recording.size_bytes or now_s - self._restless[name] < self._settle_s:
            return None
        del self._restless[name]
        return recording

    def _forget(self, name: str) -> None:
        self._recordings.pop(name, None)
        self._restless.pop(name, None)


def did_you_mean(path: Path) -> str:
    """What to add to "there is no such file": the nearest name beside it, if there is one."""
    try:
        near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    except OSError:
        return ""
    return f"; did you mean {near[0]}?" if near else ""
