"""The outbox: every event is on disk here before any sink sees it, and stays until it is old or crowded out.

One SQLite file (WAL), one cursor per sink. Durability is chosen by what a loss would mean:

- Events are committed with `synchronous=FULL`: what `append` returned survives a power cut. Events are rare (a few
  a minute), so one wait for the disk each is cheap even on an SD card.
- Acknowledgements are committed with `synchronous=NORMAL`: they survive the death of the process, not always a power
  cut, after which the sink gets the last events again with the same `id` and `seq`. They cost no wait for the disk.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from pydantic import ValidationError

from movinet_edge.api import ActionEvent, EventType, StopReason
from movinet_edge.delivery.database import OutboxUnavailable, connect, explained, prepare, transaction
from movinet_edge.delivery.history import EventHistory, happened_at_s

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far one sink has come: nothing up to `acknowledged` is offered to it again."""

    acknowledged: int
    dropped: int


class Outbox:
    """Stores events in order, hands them to each sink in that order, and remembers which occurrences are open.

    All methods may be called from any thread. Sequence numbers have no gaps. The file belongs to one daemon at a time.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_events: int = 100_000,
        max_age_s: float = 30 * 86400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the file, or begin one (with its folder) when there is none or a corrupt one.

        `max_events` and `max_age_s` bound what is kept, delivered or not; the age is by wall time, since it must hold
        across restarts. `clock` gives seconds since 1970.

        Raises:
            OutboxTooNew: a newer movinet-edge wrote the file.
            OutboxUnavailable: it cannot be opened.
        """
        if max_events < 1 or not max_age_s > 0:
            raise ValueError(f"an outbox needs max_events >= 1 and max_age_s > 0, not {max_events!r} and {max_age_s!r}")
        self.path = path
        self._max_events = max_events
        self._max_age_s = max_age_s
        self._clock = clock
        self._changed = threading.Condition()  # also the lock of everything below
        self._closed = False
        self.corruptions = int(prepare(path))
        """Corrupt files set aside when this was opened: 0 or 1."""
        with explained("open", path), ExitStack() as opened:
            self._durable = opened.enter_context(closing(connect(path, "FULL")))
            self._quick = opened.enter_context(closing(connect(path, "NORMAL")))
            self._last_seq = int(self._durable.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
            self._cursors = {
                sink: _Cursor(acknowledged, dropped)
                for sink, acknowledged, dropped in self._durable.execute("SELECT * FROM cursors").fetchall()
            }
            self._connections = opened.pop_all()
        self._earlier_seq = self._last_seq  # up to here an earlier process stored it
        self._unsaved: set[str] = set()  # sinks whose cursor in memory is ahead of the file
        self._dropping: set[str] = set()  # sinks that lost something at the latest append

    def register_sinks(self, names: Sequence[str]) -> None:
        """Say which sinks there are. A new one begins with the next event, one no longer named is forgotten."""
        with self._changed:
            new = _Cursor(self._last_seq, 0)
            for name, cursor in self._cursors.items():
                if name not in names and (pending := self._last_seq - cursor.acknowledged):
                    _log.warning(
                        "sink is gone from the configuration, its pending events with it", sink=name, lost=pending
                    )
            cursors = {name: self._cursors.get(name, new) for name in names}
            with self._commit(self._durable, "register sinks in"):
                self._durable.execute("DELETE FROM cursors")
                _save_cursors(self._durable, cursors.items())
            self._cursors = cursors
            self._unsaved.clear()
            self._dropping &= cursors.keys()

    def append(self, events: Sequence[ActionEvent]) -> list[ActionEvent]:
        """Commit the events in one transaction and return them with their `seq`; on an error nothing is stored.

        Raises:
            OutboxUnavailable: they could not be stored; the same call may succeed later.
        """
        if not events:
            return []
        with self._changed:
            stored = [event.model_copy(update={"seq": seq}) for seq, event in enumerate(events, self._last_seq + 1)]
            last_seq = self._last_seq + len(stored)
            now_s = self._clock()
            with self._commit(self._durable, "store events in"):
                _insert(self._durable, stored, now_s)
                dropped = self._drop_oldest(last_seq, now_s)
                _save_cursors(
                    self._durable, [(s, dropped.get(s, self._cursors[s])) for s in self._unsaved | set(dropped)]
                )
            lost = {sink: cursor.dropped - self._cursors[sink].dropped for sink, cursor in dropped.items()}
            self._last_seq = last_seq
            self._cursors.update(dropped)
            self._unsaved.clear()
            began, ended = lost.keys() - self._dropping, self._dropping - lost.keys()
            self._dropping = set(lost)
            self._changed.notify_all()
        for sink in began:
            _log.warning("outbox full, undelivered events are dropped, oldest first", sink=sink, dropped=lost[sink])
        for sink in ended:
            _log.info("outbox no longer drops undelivered events", sink=sink, dropped_in_all=self.dropped(sink))
        return stored

    def recover(self) -> list[ActionEvent]:
        """Close what a crash left open: append and return a stop with reason `shutdown` for every open occurrence.

        Call it once, before any stream starts. The end is the moment of the occurrence's last stored event (its start
        when there was no update), because nothing later is known: the action may have gone on for longer.

        Raises:
            OutboxUnavailable: the stops could not be stored.
        """
        with self._changed:
            with self._reading():
                rows = self._durable.execute("SELECT id, body FROM open_occurrences ORDER BY seq").fetchall()
            last_events = {occurrence: _parse(body) for occurrence, body in rows}
            unreadable = [occurrence for occurrence, event in last_events.items() if event is None]
            if unreadable:
                _log.error("open occurrences unreadable, forgotten", ids=unreadable)
                with self._commit(self._durable, "recover"):
                    self._durable.executemany("DELETE FROM open_occurrences WHERE id = ?", [(i,) for i in unreadable])
            return self.append([_closing(event) for event in last_events.values() if event is not None])

    def peek(self, sink: str, limit: int = 1, *, late_after_s: float | None = None) -> list[ActionEvent]:
        """The sink's next undelivered events in order, without taking them.

        With `late_after_s`, those stored longer ago than that, or by an earlier process, come with `late` set.

        Raises:
            OutboxUnavailable: the file cannot be read now.
        """
        with self._changed:
            while True:
                with self._reading():
                    rows = self._quick.execute(
                        "SELECT seq, committed_at_s, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
                        (self._cursor(sink).acknowledged, limit),
                    ).fetchall()
                events: list[ActionEvent] = []
                for seq, committed_at_s, body in rows:
                    event = _parse(body)
                    if event is None:
                        break
                    late = late_after_s is not None and self._is_late(seq, committed_at_s, late_after_s)
                    events.append(event.model_copy(update={"late": True}) if late else event)
                if events or not rows:
                    return events
                self._skip_unreadable(sink, rows[0][0])

    def acknowledge(self, sink: str, seq: int) -> bool:
        """Everything up to `seq` is settled for this sink; False when it was already, or had been dropped meanwhile.

        Never fails for the disk's sake: what cannot be written now is remembered and written with the next change.

        Raises:
            OutboxUnavailable: the outbox is closed.
        """
        with self._changed:
            self._refuse_closed()
            cursor = self._cursor(sink)
            if seq <= cursor.acknowledged:
                return False
            self._move(sink, replace(cursor, acknowledged=seq))
            return True

    def wait_for(self, sink: str, timeout_s: float | None = None, stop: Callable[[], bool] = lambda: False) -> bool:
        """Sleep until an event is pending for the sink (True), or `stop()` holds, time is up or the outbox is closed.

        Whoever makes `stop()` true calls `wake()`; nothing is polled.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or stop() or self.pending(sink) > 0, timeout_s)
            return self.pending(sink) > 0

    def wake(self) -> None:
        """Let everyone in `wait_for` look at their `stop()`."""
        with self._changed:
            self._changed.notify_all()

    def pending(self, sink: str) -> int:
        """How many events wait for this sink."""
        with self._changed:
            return self._last_seq - self._cursor(sink).acknowledged

    def dropped(self, sink: str) -> int:
        """How many events this sink never got because of the bounds (or rot), since it was first registered."""
        with self._changed:
            return self._cursor(sink).dropped

    def query(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        stream: str | None = None,
        action: str | None = None,
        event_type: EventType | None = None,
        limit: int | None = None,
    ) -> list[ActionEvent]:
        """Stored events, delivered or not; see `EventHistory.query`. Holds up neither writers nor workers."""
        with EventHistory(self.path) as history:
            return history.query(
                since=since, until=until, stream=stream, action=action, event_type=event_type, limit=limit
            )

    @staticmethod
    def open_readonly(path: Path) -> EventHistory:
        """The stored events of any outbox file, also while its daemon runs; raises what EventHistory raises."""
        return EventHistory(path)

    def close(self) -> None:
        """Write what is left and release the file; twice does no harm."""
        with self._changed:
            if self._closed:
                return
            self._save_unsaved()
            self._closed = True
            self._connections.close()
            self._changed.notify_all()

    def _cursor(self, sink: str) -> _Cursor:
        try:
            return self._cursors[sink]
        except KeyError:
            raise ValueError(f"no sink {sink!r} is registered, only {sorted(self._cursors)}") from None

    def _refuse_closed(self) -> None:
        if self._closed:
            raise OutboxUnavailable(f"the outbox {self.path} is closed")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._refuse_closed()
        with explained("read", self.path):
            yield

    @contextmanager
    def _commit(self, connection: sqlite3.Connection, doing: str) -> Iterator[None]:
        self._refuse_closed()
        with explained(doing, self.path), transaction(connection):
            yield

    def _is_late(self, seq: int, committed_at_s: float, late_after_s: float) -> bool:
        return seq <= self._earlier_seq or self._clock() - committed_at_s > late_after_s

    def _drop_oldest(self, last_seq: int, now_s: float) -> dict[str, _Cursor]:
        """Enforce the bounds inside the transaction of an append; new cursors of the sinks that lost something."""
        (oldest_young,) = self._durable.execute(
            "SELECT seq FROM events WHERE committed_at_s >= ? ORDER BY seq LIMIT 1", (now_s - self._max_age_s,)
        ).fetchone()  # the event just stored is young, so there is one
        floor = max(last_seq - self._max_events, oldest_young - 1)
        self._durable.execute("DELETE FROM events WHERE seq <= ?", (floor,))
        return {
            sink: _Cursor(floor, cursor.dropped + floor - cursor.acknowledged)
            for sink, cursor in self._cursors.items()
            if cursor.acknowledged < floor
        }

    def _skip_unreadable(self, sink: str, seq: int) -> None:
        # A rotten byte in one event must not hold up all that follow.
        _log.error("stored event unreadable, dropped", sink=sink, seq=seq)
        self._move(sink, _Cursor(seq, self._cursor(sink).dropped + 1))

    def _move(self, sink: str, cursor: _Cursor) -> None:
        self._cursors[sink] = cursor
        self._unsaved.add(sink)
        self._save_unsaved()

    def _save_unsaved(self) -> None:
        if not self._unsaved:
            return
        try:
            with self._commit(self._quick, "acknowledge in"):
                _save_cursors(self._quick, [(sink, self._cursors[sink]) for sink in self._unsaved])
        except OutboxUnavailable as error:
            _log.debug("acknowledgement not written yet", error=str(error))
        else:
            self._unsaved.clear()


def _insert(connection: sqlite3.Connection, events: Sequence[ActionEvent], now_s: float) -> None:
    for event in events:
        body = event.to_json().encode()
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (event.seq, event.event_type, event.stream, event.action, happened_at_s(event), now_s, body),
        )
        if event.event_type is EventType.STOP:
            connection.execute("DELETE FROM open_occurrences WHERE id = ?", (event.id,))
        else:
            connection.execute("INSERT OR REPLACE INTO open_occurrences VALUES (?, ?, ?)", (event.id, event.seq, body))


def _save_cursors(connection: sqlite3.Connection, cursors: Iterable[tuple[str, _Cursor]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)",
        [(sink, cursor.acknowledged, cursor.dropped) for sink, cursor in cursors],
    )


def _parse(body: bytes) -> ActionEvent | None:
    try:
        return ActionEvent.from_json(body)
    except ValidationError:
        return None


def _closing(last: ActionEvent) -> ActionEvent:
    """The stop of an occurrence of which `last` is the last word."""
    duration_s = max(0.0, last.time_s - last.started_s)
    return last.model_copy(
        update={
            "event_type": EventType.STOP,
            "seq": None,
            "ended_s": last.time_s,
            "ended_at": last.started_at + timedelta(seconds=duration_s),
            "duration_s": duration_s,
            "reason": StopReason.SHUTDOWN,
        }
    )
