"""Where evidence lies: files in a folder for each day and stream, which never take more than they may."""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

import structlog

from movinet_edge.api import ActionEvent, MovinetEdgeError
from movinet_edge.evidence.retention import Kept, Quota, in_the_way, on_disk_bytes, outdated

_log = structlog.get_logger(__name__)

Kind: TypeAlias = Literal["snapshot", "clip", "scores"]

Part: TypeAlias = Literal["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]
"""What there may be of one event; the end of its file's name."""

_KINDS: dict[Part, Kind] = {
    "peak.jpg": "snapshot",
    "start.jpg": "snapshot",
    "clip.mp4": "clip",
    "scores.json": "scores",
}

EVIDENCE_FOLDER = "evidence"
"""In the daemon's state folder."""

# Of a write that a power cut or a full disk has ended.
_UNFINISHED = ".part"

# An id becomes part of a path, and may come from an address that somebody typed.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class EvidenceRefused(MovinetEdgeError):
    """Evidence was not stored; the text says why."""


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One file that belongs to an event.

    Attributes:
        kind: a `snapshot` is a JPEG, a `clip` an MP4, `scores` are JSON, see `score_curve`.
        name: what it shows, and the end of the file's name: `peak.jpg` comes before `start.jpg`.
    """

    kind: Kind
    name: Part
    path: Path


@dataclass(slots=True)
class _Entry:
    kept: Kept
    files: dict[Path, int]
    is_new: bool = False
    """Stored since the last sweep, so its event may not be in the outbox yet."""


class EvidenceStore:
    """Stores and finds the evidence of events. Thread-safe; one process writes, any number may `find`.

    `DAY/STREAM/ID-PART` below `folder`; the day is that of the event's start, in UTC. Files appear whole or not at all.
    """

    def __init__(
        self,
        folder: Path,
        quota: Quota | None = None,
        *,
        clock: Callable[[], float] = time.time,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """Nothing is touched before something is stored or swept. `clock` gives seconds since 1970."""
        self.folder = folder
        self._quota = quota or Quota()
        self._clock, self._free_bytes = clock, free_bytes
        self._turn = threading.Lock()
        self._entries: dict[str, _Entry] | None = None

    def path(self, event: ActionEvent, part: Part) -> Path:
        """Where a part of the event's evidence is, or would be."""
        return self.folder / f"{event.started_at.astimezone(UTC):%Y-%m-%d}" / event.stream / f"{event.id}-{part}"

    def put(self, event: ActionEvent, part: Part, data: bytes) -> Path:
        """Store a part of the event's evidence, after deleting what is in the way.

        Raises:
            EvidenceRefused: there is no room for it, or the disk refuses it.
        """
        path = self.path(event, part)
        try:
            with self._turn:
                self._make_room(event, on_disk_bytes(len(data)))
                _write(path, data)
                entry = self._known()[event.id] = self._entry(event.id, event.stream)
                entry.files[path] = on_disk_bytes(len(data))
                entry.is_new = True
                entry.kept = replace(entry.kept, stored_s=self._clock(), size_bytes=sum(entry.files.values()))
        except OSError as error:
            raise EvidenceRefused(f"{path}: {error.strerror or error}") from error
        return path

    def find(self, event_id: str) -> list[EvidenceItem]:
        """All that there is of an event, a snapshot of the peak first; nothing for what is no id."""
        if not _ID.fullmatch(event_id):
            return []
        folders = list(self.folder.glob(f"{_day_of(event_id) or '*'}/*"))
        return [
            EvidenceItem(kind, part, path)
            for part, kind in _KINDS.items()
            for folder in folders
            if (path := folder / f"{event_id}-{part}").is_file()
        ]

    def sweep(self, known_ids: Collection[str] | None = None) -> int:
        """Delete what is too old, and what belongs to no event in `known_ids` (None: that is not known).

        Evidence that was stored since the last sweep is left alone: its event may be about to be stored. Returns how
        many events have lost their evidence.
        """
        with self._turn:
            entries = self._known()
            going = {one.event_id for one in outdated([e.kept for e in entries.values()], self._quota, self._clock())}
            if known_ids is not None:
                going |= {i for i, entry in entries.items() if i not in known_ids and not entry.is_new}
            for event_id in going:
                self._delete(event_id)
            for entry in entries.values():
                entry.is_new = False
            for folder in [*self.folder.glob("*/*"), *self.folder.glob("*")]:
                with suppress(OSError):  # it is not empty
                    folder.rmdir()
        return len(going)

    def __len__(self) -> int:
        with self._turn:
            return len(self._known())

    def size_bytes(self, stream: str) -> int:
        """What the evidence of a stream takes of the disk."""
        with self._turn:
            return sum(e.kept.size_bytes for e in self._known().values() if e.kept.stream == stream)

    # What follows is called within `_turn`.

    def _known(self) -> dict[str, _Entry]:
        """What is there, read from the folder the first time; what was left unfinished is deleted."""
        if self._entries is None:
            self._entries = {}
            for path, size_bytes, changed_s in _files(self.folder):
                event_id, _, part = path.name.rpartition("-")
                if path.suffix == _UNFINISHED or (size_bytes == 0 and part in _KINDS):
                    path.unlink(missing_ok=True)
                elif part in _KINDS:
                    entry = self._entry(event_id, path.parent.name)
                    entry.files[path] = on_disk_bytes(size_bytes)
                    stored_s = max(entry.kept.stored_s, changed_s)
                    entry.kept = replace(entry.kept, stored_s=stored_s, size_bytes=sum(entry.files.values()))
                    self._entries[event_id] = entry
        return self._entries

    def _entry(self, event_id: str, stream: str) -> _Entry:
        entries = self._entries or {}
        return entries.get(event_id) or _Entry(Kept(event_id, stream, 0.0, 0), {})

    def _make_room(self, event: ActionEvent, size_bytes: int) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = [entry.kept for entry in self._known().values()]
        free_bytes = self._free_bytes(self.folder)
        going = in_the_way(
            kept, self._quota, event_id=event.id, stream=event.stream, size_bytes=size_bytes, free_bytes=free_bytes
        )
        if going is None:
            raise EvidenceRefused(
                f"no room for {size_bytes / 1e6:.1f} MB of evidence: {free_bytes / 1e6:.0f} MB are free on the disk of"
                f" {self.folder}, and {self._quota.keep_free_bytes / 1e6:.0f} are to stay so; a stream's evidence may"
                f" take {self._quota.max_bytes / 1e6:.0f} MB"
            )
        for one in going:
            self._delete(one.event_id)

    def _delete(self, event_id: str) -> None:
        entry = self._known().pop(event_id)
        for path in entry.files:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("evidence not deleted", path=str(path), reason=error.strerror)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Every file two folders below, with its size in bytes and the time of its last change."""
    for path in folder.glob("*/*/*"):
        with suppress(FileNotFoundError):
            status = path.stat()
            yield path, status.st_size, status.st_mtime


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also in a power cut; private, since it shows who did what."""
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_name(path.name + _UNFINISHED)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _day_of(event_id: str) -> str | None:
    """The day in a UUID of version 7, which begins with the milliseconds since 1970; None for another id."""
    if not re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", event_id):
        return None
    with suppress(OverflowError, ValueError, OSError):  # a time beyond the calendar
        return f"{datetime.fromtimestamp(int(event_id[:13].replace('-', ''), 16) / 1000, UTC):%Y-%m-%d}"
    return None
