"""Sink `jsonl`: one line of JSON per event, appended to a file that is rotated by size."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field

from movinet_edge.api import ActionEvent, DeliveryError, PluginSettings

# Far longer than any event: a file that does not end in a line of at most this length is not one of ours.
_LONGEST_LINE_BYTES = 1024 * 1024

# How every event's JSON begins.
_EVENT_BEGINS = b'{"schema":'


class JsonlSettings(PluginSettings):
    """Where to write and how much to keep."""

    path: Path = Field(description="file to append to; its folder is made when missing")
    max_bytes: int = Field(default=10 * 1024 * 1024, ge=1, description="a file is rotated before it grows past this")
    keep: int = Field(default=5, ge=0, description="rotated files kept beside the current one")
    fsync: bool = Field(
        default=True, description="wait for the disk at every event; without, a power cut may lose some"
    )


class JsonlSink:
    """Appends events to `path`; an event is accepted once its whole line is on the disk.

    Older files are `path.1` (the youngest) to `path.N`. Lines are never split over two files, and a line that a crash
    cut short is removed at the next opening: it was never accepted, so it comes again.
    """

    Settings: ClassVar[type[BaseModel]] = JsonlSettings

    def __init__(self, settings: JsonlSettings) -> None:
        self._settings = settings
        self._path = settings.path
        self._descriptor: int | None = None

    def open(self) -> None:
        """Open the file for appending, with its folder; raises DeliveryError when that is not possible."""
        with self._explained("open"):
            self._opened()

    def deliver(self, event: ActionEvent) -> None:
        """Append one line; raises DeliveryError with the file's name and the reason when that is not possible."""
        line = f"{event.to_json()}\n".encode()
        with self._explained("write to"):
            if self._descriptor is not None and not self._is_in_place(self._descriptor):
                self.close()  # moved or deleted by somebody: what is written there would be lost or misplaced
            descriptor = self._opened()
            size = os.fstat(descriptor).st_size
            if size and size + len(line) > self._settings.max_bytes:
                self._rotate()
                descriptor, size = self._opened(), 0
            self._append(descriptor, line, size)

    def close(self) -> None:
        """Close the file; twice does no harm."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with suppress(OSError):
                self.close()  # the next try begins afresh and removes what is half written
            raise DeliveryError(f"cannot {doing} {self._path}: {error.strerror or error}") from error

    def _opened(self) -> int:
        if self._descriptor is None:
            with suppress(FileExistsError):  # a parent that is no folder is explained better by the opening below
                self._path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self._path.exists()
            # Private when it is made here, since it tells who did what; the mode of a file that exists is its owner's.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                self._remove_torn_line(descriptor)
                if is_new:
                    self._sync_folder()
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor
        return self._descriptor

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def _append(self, descriptor: int, line: bytes, size: int) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if self._settings.fsync:
                os.fsync(descriptor)
        except OSError:
            with suppress(OSError):  # the line will come again
                os.ftruncate(descriptor, size)
            raise

    def _remove_torn_line(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DeliveryError(f"cannot append events to {self._path}: it is not a regular file")
        start = max(0, status.st_size - _LONGEST_LINE_BYTES)
        tail = os.pread(descriptor, _LONGEST_LINE_BYTES, start)
        torn = tail[tail.rfind(b"\n") + 1 :]
        if not torn:
            return
        # After a power cut some file systems leave zeros where data had not arrived. Anything else is no event of
        # ours, and somebody else's file is not to be cut.
        is_whole = len(torn) < len(tail) or start == 0
        if not is_whole or (torn.strip(b"\0") and not _may_be_event(torn)):
            raise DeliveryError(
                f"cannot append events to {self._path}: its last line is not an event; is it the right file?"
            )
        os.ftruncate(descriptor, status.st_size - len(torn))

    def _rotate(self) -> None:
        self.close()
        older = [self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._settings.keep + 1)]
        if not older:
            self._path.unlink()
        else:
            # Only up to the first gap (a rotation that was cut short leaves one), so that no file is lost to it.
            gap = next((n for n, path in enumerate(older) if not path.exists()), len(older) - 1)
            for n in range(gap, 0, -1):
                older[n - 1].replace(older[n])
            self._path.replace(older[0])
        self._sync_folder()

    def _sync_folder(self) -> None:
        # A name in a folder survives a power cut only once the folder is on the disk.
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _may_be_event(torn: bytes) -> bool:
    """True for the beginning of a line that this sink wrote."""
    return torn.startswith(_EVENT_BEGINS) or _EVENT_BEGINS.startswith(torn)
