"""From stored events to what a person calls an event: one row from its start to its stop. Pure."""

from collections.abc import Iterable
from typing import Any

from movinet_edge.api import ActionEvent, EventType


def occurrences(events: Iterable[ActionEvent]) -> list[dict[str, Any]]:
    """One row for each occurrence, the newest first; ready for JSON. What has not stopped has no `ended_at`."""
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        row = rows.get(event.id)
        if row is None:
            row = rows[event.id] = {
                "id": event.id,
                "stream": event.stream,
                "action": event.action,
                "snapshot": False,
                "clip": False,
            }
        # Times of the row's last event; the peak is told by each event as it was until then.
        row |= {
            "labels": event.labels,
            "started_at": event.started_at.isoformat(),
            "ended_at": None if event.ended_at is None else event.ended_at.isoformat(),
            "duration_s": event.duration_s,
            "peak_score": max(event.peak_score, row.get("peak_score", 0.0)),
            "reason": event.reason,
            "stopped": event.event_type is EventType.STOP,
            "model": event.model.name,
        }
        row["snapshot"] = row["snapshot"] or event.snapshot is not None
        row["clip"] = event.clip is not None
    return sorted(rows.values(), key=lambda row: row["started_at"], reverse=True)
