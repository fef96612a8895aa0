"""How events and cursors become rows of the outbox's tables, and rows events again."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import ValidationError

from movinet_edge.api import ActionEvent, EventType, StopReason
from movinet_edge.delivery.history import happened_at_s


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one sink has come: nothing up to `acknowledged` is offered to it again."""

    acknowledged: int
    dropped: int


def save_cursors(connection: sqlite3.Connection, cursors: Iterable[tuple[str, Cursor]]) -> None:
    """Write the cursors of some sinks, by name."""
    connection.executemany(
        "INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)",
        [(sink, cursor.acknowledged, cursor.dropped) for sink, cursor in cursors],
    )


def insert(connection: sqlite3.Connection, events: Sequence[ActionEvent], now_s: float) -> None:
    """Store numbered events, each with the score of its occurrence's start, and note which occurrences are open."""
    for event in events:
        body = event.to_json().encode()
        start_score = _start_score(connection, event)
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (event.seq, event.event_type, event.stream, event.action, happened_at_s(event), now_s, body, start_score),
        )
        if event.event_type is EventType.STOP:
            connection.execute("DELETE FROM open_occurrences WHERE id = ?", (event.id,))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO open_occurrences VALUES (?, ?, ?, ?)", (event.id, event.seq, body, start_score)
            )


def parse(body: bytes) -> ActionEvent | None:
    """The event in a row; None when it is unreadable."""
    try:
        return ActionEvent.from_json(body)
    except ValidationError:
        return None


def closing_stop(last: ActionEvent) -> ActionEvent:
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


def _start_score(connection: sqlite3.Connection, event: ActionEvent) -> float | None:
    if event.event_type is EventType.START:
        return event.score
    row = connection.execute("SELECT start_score FROM open_occurrences WHERE id = ?", (event.id,)).fetchone()
    return None if row is None else row[0]
