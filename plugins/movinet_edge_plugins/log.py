"""Sink `log`: one line in the daemon's own log per event."""

from typing import Any, ClassVar

import structlog
from pydantic import BaseModel

from movinet_edge.api import ActionEvent, EventType, PluginSettings

_log = structlog.get_logger(__name__)

_PHRASES = {
    EventType.START: "action started",
    EventType.UPDATE: "action goes on",
    EventType.STOP: "action stopped",
}


class LogSettings(PluginSettings):
    """Nothing to set."""


class LogSink:
    """Writes events where the daemon logs: readable on a terminal, JSON under systemd."""

    Settings: ClassVar[type[BaseModel]] = LogSettings

    def __init__(self, settings: LogSettings) -> None:
        """`settings` is there because every sink has them."""

    def open(self) -> None:
        """Nothing to start."""

    def deliver(self, event: ActionEvent) -> None:
        """Log the event; never refused."""
        details: dict[str, Any] = {
            "stream": event.stream,
            "action": event.action,
            "score": round(event.score, 3),
            "started_at": event.started_at.isoformat(timespec="milliseconds"),
        }
        if event.event_type is not EventType.START:
            details |= {"duration_s": round(event.duration_s, 3), "peak_score": round(event.peak_score, 3)}
        if event.reason is not None:
            details["reason"] = event.reason.value
        if event.late:
            details["late"] = True
        _log.info(_PHRASES[event.event_type], **details, event_id=event.id)

    def close(self) -> None:
        """Nothing to release."""
