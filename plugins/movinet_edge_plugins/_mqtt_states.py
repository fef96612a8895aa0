"""What the `mqtt` sink says of the daemon's state: retained topics with their payloads, and figures. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from movinet_edge.api import DaemonStatus, StreamState, StreamStatus
from movinet_edge_plugins._mqtt_topics import DISABLED, OFFLINE, ONLINE, Topics, slug

NO_ACTION = "none"
"""What stands for no action where the current one is named."""

_STREAM_STATUS = {StreamState.LIVE: ONLINE, StreamState.DISABLED: DISABLED}


def state_payloads(topics: Topics, status: DaemonStatus, *, controllable: bool) -> dict[str, str]:
    """All retained topics of the streams with what stands there; those of settings only when they can be commanded."""
    payloads = {}
    for stream in status.streams:
        payloads[topics.stream_status(stream.name)] = _STREAM_STATUS.get(stream.state, OFFLINE)
        payloads[topics.label(stream.name)] = _current_action(stream)
        if controllable:
            payloads[f"{topics.enabled(stream.name)}/state"] = _on_off(stream.state is not StreamState.DISABLED)
        for action in stream.actions:
            # The names are there for people: they may have lost characters in the topic.
            said = {"state": _on_off(action.active), "stream": stream.name, "action": action.name}
            payloads[topics.action_state(stream.name, action.name)] = json.dumps(said, ensure_ascii=False)
            if controllable:
                payloads[f"{topics.threshold(stream.name, action.name)}/state"] = f"{action.on:.6g}"
    return payloads


def changes(standing: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """What to publish so that `wanted` stands instead of `standing`; an empty payload clears a retained topic."""
    gone = {topic: "" for topic in standing if topic not in wanted}
    return gone | {topic: payload for topic, payload in wanted.items() if standing.get(topic) != payload}


def stats_payload(status: DaemonStatus) -> str:
    """The daemon's figures as JSON, by the streams' slugs."""
    figures = {
        "version": status.version,
        "started_at": status.started_at.isoformat(),
        "lost_events": status.lost_events,
        "streams": {slug(stream.name): _stream_figures(stream) for stream in status.streams},
        "sinks": {
            sink.name: sink.model_dump(include={"state", "pending", "delivered", "rejected", "dropped"})
            for sink in status.sinks
        },
    }
    return json.dumps(figures, ensure_ascii=False)


def _stream_figures(stream: StreamStatus) -> dict[str, Any]:
    health = stream.health
    return {
        "name": stream.name,
        "state": str(stream.state),
        "reason": stream.reason,
        "fps_in": _rounded(health.fps_in),
        "fps_scored": _rounded(health.fps_scored),
        "frame_age_s": _rounded(health.frame_age_s),
        "inference_p95_ms": _rounded(health.inference_p95_ms),
        "read": health.read,
        "scored": health.scored,
        "dropped": sum(health.dropped.values()),
        "reconnects": health.reconnects,
    }


def _current_action(stream: StreamStatus) -> str:
    active = [action for action in stream.actions if action.active]
    return max(active, key=lambda action: action.score).name if active else NO_ACTION


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _on_off(value: bool) -> str:
    return "ON" if value else "OFF"
