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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.delivery import dead_letters
from movinet_edge.delivery.database import OutboxUnavailable, connect, explained, prepare, transaction
from movinet_edge.delivery.history import EventHistory
from movinet_edge.delivery.rows import Cursor, closing_stop, insert, parse, save_cursors

_log = structlog.get_logger(__name__)


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
                sink: Cursor(acknowledged, dropped)
                for sink, acknowledged, dropped in self._durable.execute("SELECT * FROM cursors").fetchall()
            }
            self._connections = opened.pop_all()
        self._earlier_seq = self._last_seq  # up to here an earlier process stored it
        self._unsaved: set[str] = set()  # sinks whose cursor in memory is ahead of the file
        self._dropping: set[str] = set()  # sinks that lost something at the latest append
        self._with_failed: set[str] = set()  # sinks for which refused events are kept, as far as was looked
        self._with_retries: set[str] = set()  # sinks to which some of them may have to be offered again
        self._sent_again: set[tuple[str, int]] = set()  # sink and seq, still to be removed from the file
        self._forgetting = False

    def register_sinks(self, names: Sequence[str]) -> None:
        """Say which sinks there are. A new one begins with the next event, one no longer named is forgotten."""
        with self._changed:
            new = Cursor(self._last_seq, 0)
            for name, cursor in self._cursors.items():
                if name not in names and (pending := self._last_seq - cursor.acknowledged):
                    _log.warning(
                        "sink is gone from the configuration, its pending events with it", sink=name, lost=pending
                    )
            cursors = {name: self._cursors.get(name, new) for name in names}
            with self._commit(self._durable, "register sinks in"):
                self._durable.execute("DELETE FROM cursors")
                save_cursors(self._durable, cursors.items())
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
                insert(self._durable, stored, now_s)
                dropped = self._drop_oldest(last_seq, now_s)
                save_cursors(
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
            last_events = {occurrence: parse(body) for occurrence, body in rows}
            unreadable = [occurrence for occurrence, event in last_events.items() if event is None]
            if unreadable:
                _log.error("open occurrences unreadable, forgotten", ids=unreadable)
                with self._commit(self._durable, "recover"):
                    self._durable.executemany("DELETE FROM open_occurrences WHERE id = ?", [(i,) for i in unreadable])
            return self.append([closing_stop(event) for event in last_events.values() if event is not None])

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
                    event = parse(body)
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

    def reject(self, sink: str, event: ActionEvent, reason: str) -> bool:
        """The sink will never take this event: keep it with the reason, and go on. As `acknowledge`, False when it is
        too late for that. For an event of `next_retry`, count one more try.

        Raises:
            OutboxUnavailable: it cannot be kept now; it is still the sink's next event.
        """
        seq = event.seq or 0
        with self._changed:
            cursor, now_s = self._cursor(sink), self._clock()
            if seq <= cursor.acknowledged:
                with self._commit(self._quick, "keep a refused event in"):
                    return dead_letters.keep_again(self._quick, sink, seq, reason, now_s)
            moved = replace(cursor, acknowledged=seq)
            with self._commit(self._quick, "keep a refused event in"):
                forgotten = dead_letters.keep(self._quick, sink, event, reason, now_s)
                save_cursors(self._quick, [(sink, moved)])
            self._cursors[sink] = moved
            self._unsaved.discard(sink)
            self._with_failed.add(sink)
        if forgotten and not self._forgetting:
            self._forgetting = True
            _log.warning("too many refused events, the oldest are forgotten", kept=dead_letters.MOST_FAILED)
        return True

    def next_retry(self, sink: str) -> ActionEvent | None:
        """The first of the sink's refused events that is to be offered again, marked as late; None when there is none.

        Raises:
            OutboxUnavailable: the file cannot be read now.
        """
        with self._changed, self._reading():
            self._with_retries.discard(sink)
            if not dead_letters.has_any(self._quick, sink):
                self._with_failed.discard(sink)
                return None
            self._with_failed.add(sink)
            for seq, event in dead_letters.marked_for_retry(self._quick, sink):
                if (sink, seq) not in self._sent_again:
                    self._with_retries.add(sink)
                    return event.model_copy(update={"late": True})
            return None

    def settle_retry(self, sink: str, seq: int) -> None:
        """The sink has taken an event of `next_retry`. Never fails for the disk's sake, as `acknowledge`.

        Raises:
            OutboxUnavailable: the outbox is closed.
        """
        with self._changed:
            self._refuse_closed()
            self._sent_again.add((sink, seq))
            self._save_unsaved()

    def retry_failed(self, sink: str | None = None) -> int:
        """Have everything that a sink refused (None: every sink) offered to it again, at once; how many events that is.

        Raises:
            OutboxUnavailable: the file cannot be written now.
        """
        with self._changed:
            sinks = set(self._cursors) if sink is None else {sink}
            for name in sinks:
                self._cursor(name)
            with self._commit(self._durable, "mark refused events in"):
                marked = sum(dead_letters.mark_for_retry(self._durable, name) for name in sinks)
            self._with_retries |= sinks
            self._changed.notify_all()
            return marked

    def has_failed(self, sink: str) -> bool:
        """True when refused events are kept for this sink, any of which another process may have marked."""
        with self._changed:
            return sink in self._with_failed

    def start_score(self, seq: int) -> float | None:
        """The score (0 to 1) of the start of the occurrence that an event belongs to; None when it is not known.

        Raises:
            OutboxUnavailable: the file cannot be read now.
        """
        with self._changed, self._reading():
            row = self._quick.execute("SELECT start_score FROM events WHERE seq = ?", (seq,)).fetchone()
            return None if row is None else row[0]

    def wait_for(self, sink: str, timeout_s: float | None = None, stop: Callable[[], bool] = lambda: False) -> bool:
        """Sleep until there is something for the sink (True), or `stop()` holds, time is up or the outbox is closed.

        Whoever makes `stop()` true calls `wake()`; nothing is polled.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or stop() or self._has_work(sink), timeout_s)
            return self._has_work(sink)

    def wake(self) -> None:
        """Let everyone in `wait_for` look at their `stop()`."""
        with self._changed:
            self._changed.notify_all()

    @property
    def earlier_seq(self) -> int:
        """The number of the last event that an earlier process stored; 0 when there is none."""
        return self._earlier_seq

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

    def _has_work(self, sink: str) -> bool:
        return self.pending(sink) > 0 or sink in self._with_retries

    def _cursor(self, sink: str) -> Cursor:
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

    def _drop_oldest(self, last_seq: int, now_s: float) -> dict[str, Cursor]:
        """Enforce the bounds inside the transaction of an append; new cursors of the sinks that lost something."""
        (oldest_young,) = self._durable.execute(
            "SELECT seq FROM events WHERE committed_at_s >= ? ORDER BY seq LIMIT 1", (now_s - self._max_age_s,)
        ).fetchone()  # the event just stored is young, so there is one
        floor = max(last_seq - self._max_events, oldest_young - 1)
        self._durable.execute("DELETE FROM events WHERE seq <= ?", (floor,))
        dead_letters.forget_older(self._durable, now_s - self._max_age_s)
        return {
            sink: Cursor(floor, cursor.dropped + floor - cursor.acknowledged)
            for sink, cursor in self._cursors.items()
            if cursor.acknowledged < floor
        }

    def _skip_unreadable(self, sink: str, seq: int) -> None:
        # A rotten byte in one event must not hold up all that follow.
        _log.error("stored event unreadable, dropped", sink=sink, seq=seq)
        self._move(sink, Cursor(seq, self._cursor(sink).dropped + 1))

    def _move(self, sink: str, cursor: Cursor) -> None:
        self._cursors[sink] = cursor
        self._unsaved.add(sink)
        self._save_unsaved()

    def _save_unsaved(self) -> None:
        if not self._unsaved and not self._sent_again:
            return
        try:
            with self._commit(self._quick, "acknowledge in"):
                save_cursors(self._quick, [(sink, self._cursors[sink]) for sink in self._unsaved])
                dead_letters.remove(self._quick, self._sent_again)
        except OutboxUnavailable as error:
            _log.debug("acknowledgement not written yet", error=str(error))
        else:
            self._unsaved.clear()
            self._sent_again.clear()
