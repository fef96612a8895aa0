"""The thread that writes clips and score curves, and clears away what is old: nothing that has time waits elsewhere."""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

import structlog

from movinet_edge.api import ActionEvent, VideoPacket
from movinet_edge.delivery import EventHistory, OutboxUnavailable
from movinet_edge.evidence import ClipImpossible, EvidenceRefused, EvidenceStore, Part, as_mp4

_log = structlog.get_logger(__name__)

_SWEEP_S = 3600.0
"""Between two looks at what is old; nothing is written when there is nothing to delete."""

_MOST_WAITING = 64
"""While the disk is slow: what eight cameras leave when they end together."""

_MOST_WAITING_BYTES = 128 * 1024 * 1024
"""Clips wait in memory, and a Pi may have no more than a gigabyte of it."""

_FAREWELL_S = 2.0
"""For what still waits when the daemon stops: a moment for packets, and for some encoding of pictures."""

_NICE = 10
"""Pictures may have to be encoded, and the model comes first."""


class EvidenceWriter:
    """Stores evidence; what takes time is done in a thread of its own while `running`. Thread-safe."""

    def __init__(self, store: EvidenceStore, known_ids: Callable[[], Collection[str] | None]) -> None:
        """`known_ids` gives the ids of all events that are stored; None when they cannot be read now."""
        self.store = store
        self._known_ids = known_ids
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._failing = False
        self._turn = threading.Lock()
        self._waiting_bytes = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Work on what is handed over, and clear away what is old, until the end of the context."""
        thread = threading.Thread(target=self._run, name="evidence", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._jobs.put(None)
            thread.join(_FAREWELL_S)
            if thread.is_alive():
                _log.warning("evidence was still being written when the daemon stopped", waiting=self._jobs.qsize())

    def put(self, event: ActionEvent, part: Part, data: bytes) -> Path | None:
        """Store something now; None, and a line in the log, when that is not possible."""
        try:
            path = self.store.put(event, part, data)
        except EvidenceRefused as error:
            self._complain(event, str(error))
            return None
        self._failing = False
        return path

    def put_later(self, event: ActionEvent, part: Part, make: Callable[[], bytes], *, size_bytes: int = 0) -> None:
        """Store what `make` gives, in the thread; until then it takes `size_bytes` of memory."""
        with self._turn:
            is_full = self._jobs.qsize() >= _MOST_WAITING or self._waiting_bytes + size_bytes > _MOST_WAITING_BYTES
            if not is_full:
                self._waiting_bytes += size_bytes
        if is_full:
            self._complain(event, "too much waits to be written; the disk is too slow")
            return
        self._jobs.put(partial(self._make_and_put, event, part, make, size_bytes))

    def clip(self, event: ActionEvent, packets: Sequence[VideoPacket]) -> None:
        """Store a clip of the packets, in the thread."""
        size_bytes = sum(len(packet.data) for packet in packets)
        self.put_later(event, "clip.mp4", partial(as_mp4, packets), size_bytes=size_bytes)

    def sweep(self) -> None:
        """Clear away what is old, and what belongs to events that are no longer stored."""
        # The ids of a hundred thousand events are not read for nothing.
        deleted = self.store.sweep(self._known_ids()) if len(self.store) else 0
        if deleted:
            _log.info("old evidence deleted", events=deleted)

    def _make_and_put(self, event: ActionEvent, part: Part, make: Callable[[], bytes], size_bytes: int) -> None:
        try:
            self.put(event, part, make())
        except ClipImpossible as error:
            self._complain(event, str(error))
        finally:
            with self._turn:
                self._waiting_bytes -= size_bytes

    def _run(self) -> None:
        with suppress(OSError, AttributeError):  # a wish, and only Linux lets a thread have it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        job: Callable[[], None] | None = self.sweep
        sweep_at_s = time.monotonic() + _SWEEP_S
        while job is not None:
            try:
                job()
            except Exception:  # noqa: BLE001  # whatever one clip provokes, the next ones are wanted
                _log.exception("evidence could not be written")
            try:
                job = self._jobs.get(timeout=max(0.0, sweep_at_s - time.monotonic()))
            except Empty:
                job, sweep_at_s = self.sweep, time.monotonic() + _SWEEP_S

    def _complain(self, event: ActionEvent, reason: str) -> None:
        # A full disk is told once, not with each event.
        (_log.debug if self._failing else _log.error)("evidence not stored", event_id=event.id, reason=reason)
        self._failing = True


def stored_ids(outbox: Path) -> Collection[str] | None:
    """The ids of all events in an outbox file; None when it cannot be read."""
    try:
        with EventHistory(outbox) as history:
            return history.ids()
    except OutboxUnavailable as error:
        _log.debug("which evidence has no event is not known", reason=str(error))
        return None
