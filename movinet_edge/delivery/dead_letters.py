"""Dead letters: events that a sink refused for good, kept with the reason until somebody has them sent again."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from movinet_edge.api import ActionEvent
from movinet_edge.delivery.database import OutboxUnavailable, connect, connect_readonly, explained, transaction
from movinet_edge.delivery.rows import parse

MOST_FAILED = 10_000
"""About 10 MB: more than anybody looks through, and little beside the events themselves."""


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """An event that a sink refused.

    Attributes:
        sink: its name.
        event: as it was offered.
        reason: the sink's words.
        failed_at: the latest refusal, in UTC.
        tries: how often it was refused.
        retry: it is going to be offered again.
    """

    sink: str
    event: ActionEvent
    reason: str
    failed_at: datetime
    tries: int
    retry: bool


# The following are steps of a transaction, or of reading, on a connection of the caller's.


def keep(connection: sqlite3.Connection, sink: str, event: ActionEvent, reason: str, now_s: float) -> int:
    """Keep a refused event; beyond MOST_FAILED the oldest go. Returns how many went."""
    connection.execute(
        "INSERT OR REPLACE INTO failed (sink, seq, reason, failed_at_s, tries, retry, body) "
        "VALUES (?, ?, ?, ?, 1, 0, ?)",
        (sink, event.seq, reason, now_s, event.to_json().encode()),
    )
    gone = connection.execute(
        "DELETE FROM failed WHERE number <= (SELECT number FROM failed ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (MOST_FAILED,),
    )
    return gone.rowcount


def keep_again(connection: sqlite3.Connection, sink: str, seq: int, reason: str, now_s: float) -> bool:
    """Note that a kept event was refused once more, and is not to be offered again; False when it is gone."""
    changed = connection.execute(
        "UPDATE failed SET reason = ?, failed_at_s = ?, tries = tries + 1, retry = 0 WHERE sink = ? AND seq = ?",
        (reason, now_s, sink, seq),
    )
    return changed.rowcount > 0


def forget_older(connection: sqlite3.Connection, failed_before_s: float) -> None:
    """Forget what was refused for the last time before a moment, in seconds since 1970."""
    connection.execute("DELETE FROM failed WHERE failed_at_s < ?", (failed_before_s,))


def mark_for_retry(connection: sqlite3.Connection, sink: str | None) -> int:
    """Ask for what a sink refused (None: every sink) to be offered again; how many events that are."""
    return connection.execute("UPDATE failed SET retry = 1 WHERE ?1 IS NULL OR sink = ?1", (sink,)).rowcount


def remove(connection: sqlite3.Connection, sent: Iterable[tuple[str, int]]) -> None:
    """Forget what a sink has taken after all, by sink and `seq`."""
    connection.executemany("DELETE FROM failed WHERE sink = ? AND seq = ?", sent)


def has_any(connection: sqlite3.Connection, sink: str) -> bool:
    """True when something is kept for a sink, to be offered again or not."""
    return connection.execute("SELECT 1 FROM failed WHERE sink = ? LIMIT 1", (sink,)).fetchone() is not None


def marked_for_retry(connection: sqlite3.Connection, sink: str) -> Iterator[tuple[int, ActionEvent]]:
    """What is to be offered to a sink again, with its `seq`, in the order of the events."""
    rows = connection.execute("SELECT seq, body FROM failed WHERE sink = ? AND retry ORDER BY seq", (sink,))
    for seq, body in rows:
        event = parse(body)
        if event is not None:
            yield seq, event


class FailedEvents:
    """The dead letters in an outbox file, for looking at them and for asking that they be sent again.

    Works whether or not a daemon runs. Only the daemon sends; it looks for what was asked within a minute.
    """

    def __init__(self, path: Path) -> None:
        """Raises OutboxUnavailable when there is no such file."""
        if not path.exists():
            raise OutboxUnavailable(f"no events are stored yet: there is no outbox at {path}")
        self._path = path

    def query(self, sink: str | None = None) -> list[FailedEvent]:
        """Those of one sink or of all, in the order in which they were refused first.

        Raises:
            OutboxUnavailable: the file cannot be read.
            OutboxTooNew: a newer movinet-edge wrote it.
        """
        with explained("read", self._path), closing(connect_readonly(self._path)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'failed'").fetchone() is None:
                return []  # the daemon that brings the table has not run yet
            rows = connection.execute(
                "SELECT sink, body, reason, failed_at_s, tries, retry FROM failed "
                "WHERE ?1 IS NULL OR sink = ?1 ORDER BY number",
                (sink,),
            ).fetchall()
        return [event for row in rows if (event := _failed_event(row)) is not None]

    def retry(self, sink: str | None = None) -> int:
        """Ask for them to be sent again; how many they are. Raises as `query` does."""
        if not self.query(sink):
            return 0
        with (
            explained("change", self._path),
            closing(connect(self._path, "FULL")) as connection,
            transaction(connection),
        ):
            return mark_for_retry(connection, sink)


def _failed_event(row: tuple[str, bytes, str, float, int, int]) -> FailedEvent | None:
    sink, body, reason, failed_at_s, tries, retry = row
    event = parse(body)
    if event is None:  # a rotten byte in one event must not hide the others
        return None
    return FailedEvent(sink, event, reason, datetime.fromtimestamp(failed_at_s, UTC), tries, bool(retry))
