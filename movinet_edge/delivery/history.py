"""Looking back: the stored events, read beside a running daemon and without changing anything."""

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from pydantic import ValidationError

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.delivery.database import OutboxUnavailable, connect_readonly, explained

_log = structlog.get_logger(__name__)


def unix_s(moment: datetime) -> float:
    """Seconds since 1970; a moment without a zone is UTC, as in events."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def happened_at_s(event: ActionEvent) -> float:
    """When it happened, in seconds since 1970: a start at its beginning, an update or a stop at its end so far."""
    if event.event_type is EventType.START:
        return unix_s(event.started_at)
    if event.ended_at is not None:
        return unix_s(event.ended_at)
    return unix_s(event.started_at) + event.duration_s


class EventHistory:
    """A read-only view of an outbox file; a context manager. Every query sees one consistent state."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OutboxUnavailable: there is none, or it cannot be read.
            OutboxTooNew: a newer movinet-edge wrote it.
        """
        if not path.exists():
            raise OutboxUnavailable(f"no events are stored yet: there is no outbox at {path}")
        self._path = path
        with explained("read", path):
            self._connection = connect_readonly(path)

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
        """The newest `limit` events that match everything given, oldest first.

        `since` (included) and `until` (not included) mean when it happened, not when it was stored.

        Raises:
            OutboxUnavailable: the file cannot be read.
        """
        wanted: dict[str, object] = {
            "happened_at_s >= ?": None if since is None else unix_s(since),
            "happened_at_s < ?": None if until is None else unix_s(until),
            "stream = ?": stream,
            "action = ?": action,
            "event_type = ?": event_type,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        where = " AND ".join(given) or "TRUE"
        statement = f"SELECT seq, body FROM events WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - no input in it
        with explained("read", self._path):
            # A negative limit is SQLite's word for none.
            rows = self._connection.execute(statement, [*given.values(), -1 if limit is None else limit]).fetchall()
        events: list[ActionEvent] = []
        for seq, body in reversed(rows):
            try:
                events.append(ActionEvent.from_json(body))
            except ValidationError as error:
                _log.warning("stored event unreadable", seq=seq, error=str(error))
        return events

    def ids(self) -> set[str]:
        """The ids of all occurrences of which an event is stored; what is unreadable has none.

        Raises:
            OutboxUnavailable: the file cannot be read.
        """
        statement = (
            "SELECT DISTINCT json_extract(CAST(body AS TEXT), '$.id') FROM events WHERE json_valid(CAST(body AS TEXT))"
        )
        with explained("read", self._path):
            return {occurrence for (occurrence,) in self._connection.execute(statement)}

    def close(self) -> None:
        """Release the file; twice does no harm."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
