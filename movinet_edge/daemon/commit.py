"""Puts events into the outbox; those that a full or read-only disk refuses wait in memory and are tried again."""

import threading
from collections.abc import Callable, Sequence

import structlog

from movinet_edge.api import ActionEvent
from movinet_edge.delivery import Outbox, OutboxUnavailable

_log = structlog.get_logger(__name__)

_MOST_WAITING = 1000
"""Events of about a kilobyte each that may wait in memory for the disk."""

AGAIN_S = 5.0
"""Between two tries to store what waits in memory: often enough to lose little in a power cut."""


class EventCommitter:
    """Stores events in order. Methods may be called from any thread."""

    def __init__(
        self, outbox: Outbox, *, on_event: Callable[[ActionEvent], None] | None, on_change: Callable[[], None]
    ) -> None:
        """`on_event` sees each event after it is stored; it must not block. `on_change`: events wait from now on."""
        self._outbox, self._on_event, self._on_change = outbox, on_event, on_change
        self._turn = threading.Lock()
        self._waiting: list[ActionEvent] = []
        self.lost = 0
        """Events that could not be stored."""

    @property
    def waiting(self) -> int:
        """Events that wait in memory."""
        return len(self._waiting)

    def commit(self, events: Sequence[ActionEvent] = ()) -> None:
        """Store what waits and these."""
        with self._turn:
            waiting = [*self._waiting, *events]
            if not waiting:
                return
            try:
                committed = self._outbox.append(waiting)
            except OutboxUnavailable as error:
                self._keep(waiting, error)
                return
            if self._waiting:
                _log.info("the outbox can be written again", events=len(self._waiting))
            self._waiting = []
            # Within the lock, so that the events of two engines are seen in the order of their numbers.
            if self._on_event is not None:
                for event in committed:
                    self._on_event(event)

    def give_up(self) -> None:
        """The end: store what waits, or count it as lost."""
        self.commit()
        if self._waiting:
            self.lost += len(self._waiting)
            _log.error("events lost: the outbox could not be written until the end", lost=len(self._waiting))

    def _keep(self, waiting: list[ActionEvent], error: OutboxUnavailable) -> None:
        level = _log.debug if self._waiting else _log.error
        level("the outbox cannot be written, events wait in memory", events=len(waiting), reason=str(error))
        lost = max(0, len(waiting) - _MOST_WAITING)
        if lost:
            self.lost += lost
            _log.error("events lost: too many wait for the outbox", lost=lost, lost_in_all=self.lost)
        first = not self._waiting
        self._waiting = waiting[lost:]
        if first:
            self._on_change()
