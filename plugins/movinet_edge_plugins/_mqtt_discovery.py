"""How the `mqtt` sink describes itself to Home Assistant: one device with an entity for all there is to see. Pure.

Keys are the abbreviations of Home Assistant's MQTT discovery.
Source: https://www.home-assistant.io/integrations/mqtt/#discovery-messages
"""

import json
from collections.abc import Mapping
from typing import Any

from movinet_edge.api import ActionStatus, DaemonStatus, EventType, StreamStatus
from movinet_edge_plugins._mqtt_states import NO_ACTION
from movinet_edge_plugins._mqtt_topics import ONLINE, Topics, slug

ORIGIN = "movinet-edge"

# Home Assistant ignores an availability it does not know, and `stopped` or `disabled` are no more available than
# `offline` is.
_AVAILABILITY = f"{{{{ 'online' if value == '{ONLINE}' else 'offline' }}}}"

# Steps of the slider; a score of less is noise.
_LEAST_THRESHOLD = 0.01

Component = dict[str, Any]


def device_payload(topics: Topics, status: DaemonStatus, *, controllable: bool) -> dict[str, Any]:
    """The device with all its entities; with switches and thresholds only when they can be commanded."""
    components: dict[str, Component] = {}
    for stream in status.streams:
        make = _Builder(topics, stream.name)
        components |= _stream_components(make, stream, controllable=controllable)
        for action in stream.actions:
            components |= _action_components(make, action, controllable=controllable)
    return {
        "dev": {
            "ids": [f"{ORIGIN}_{topics.node}"],
            # Not the bare node: a name of an entity must not begin with the device's, and streams are named freely.
            "name": f"{ORIGIN} {topics.node}",
            "mf": ORIGIN,
            "mdl": "Action detection",
            "sw": status.version,
        },
        "o": {"name": ORIGIN, "sw": status.version},
        "avty": [{"t": topics.status, "val_tpl": _AVAILABILITY}],
        "qos": 1,
        "cmps": components,
    }


def removal_payload(announced: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """What to publish before `wanted` so that entities which were announced and are not wanted any more go away.

    An entity is removed by reducing it to its platform; one that is merely left out would stay. None when all stay.
    """
    components = wanted["cmps"]
    gone = {key: {"p": component["p"]} for key, component in announced["cmps"].items() if key not in components}
    return {**wanted, "cmps": {**components, **gone}} if gone else None


def parse_announced(payload: bytes) -> dict[str, Any] | None:
    """A device payload that stands on the broker; None when it is none of ours."""
    try:
        announced = json.loads(payload)
        if announced["o"]["name"] != ORIGIN:
            return None
        components = {str(key): {"p": str(component["p"])} for key, component in announced["cmps"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {"cmps": components}


class _Builder:
    """Makes the entities of one stream."""

    def __init__(self, topics: Topics, stream: str) -> None:
        self.topics = topics
        self.stream = stream

    def component(
        self, platform: str, kind: str, name: str, *, action: str | None = None, object_id: str = "", **options: Any
    ) -> dict[str, Component]:
        """One entity under its key. `kind` tells the stream's entities apart, `object_id` is for the entity id."""
        key = "__".join([slug(self.stream), kind, *([] if action is None else [slug(action)])])
        entity_id = f"{slug(self.stream)}_{object_id or kind}".lower().replace("-", "_")
        component = {
            "p": platform,
            "uniq_id": f"{ORIGIN}__{self.topics.node}__{key}",
            "def_ent_id": f"{platform}.{entity_id}",
            "name": f"{self.stream} {name}",
        }
        return {key: component | options}

    def stream_component(self, *arguments: Any, **options: Any) -> dict[str, Component]:
        """An entity that is available while the stream is, too; its list stands instead of the device's."""
        availability = [
            {"t": topic, "val_tpl": _AVAILABILITY}
            for topic in (self.topics.status, self.topics.stream_status(self.stream))
        ]
        return self.component(*arguments, avty=availability, avty_mode="all", **options)


def _stream_components(make: _Builder, stream: StreamStatus, *, controllable: bool) -> dict[str, Component]:
    topics, name = make.topics, stream.name
    options = [NO_ACTION, *(action.name for action in stream.actions if action.name != NO_ACTION)]
    components = {
        # Available without the stream: the stop that comes because the stream has gone is an event, too.
        **make.component("event", "event", "event", stat_t=topics.event(name), evt_typ=[*map(str, EventType)]),
        **make.stream_component(
            "sensor", "current_action", "current action", stat_t=topics.label(name), dev_cla="enum", ops=options
        ),
        **make.component(
            "binary_sensor",
            "connection",
            "connection",
            stat_t=topics.stream_status(name),
            val_tpl=f"{{{{ 'ON' if value == '{ONLINE}' else 'OFF' }}}}",
            dev_cla="connectivity",
            ent_cat="diagnostic",
        ),
        **_figure(make, "fps_scored", "inference rate", unit_of_meas="fps", stat_cla="measurement"),
        **_figure(make, "frame_age_s", "frame age", unit_of_meas="s", dev_cla="duration", stat_cla="measurement"),
        **_figure(make, "dropped", "dropped frames", stat_cla="total_increasing"),
    }
    if stream.snapshots:
        components |= make.component(
            "image", "snapshot", "snapshot", img_t=topics.snapshot(name), cont_type="image/jpeg"
        )
    if controllable:
        enabled = topics.enabled(name)
        components |= make.component(
            "switch", "enabled", "detection", stat_t=f"{enabled}/state", cmd_t=f"{enabled}/set", ent_cat="config"
        )
    return components


def _figure(make: _Builder, field: str, name: str, **options: Any) -> dict[str, Component]:
    # `get`: in the moment between two configurations the figures may be without this stream.
    template = f"{{{{ value_json.streams.get('{slug(make.stream)}', {{}}).get('{field}') }}}}"
    return make.component(
        "sensor", field, name, stat_t=make.topics.stats, val_tpl=template, ent_cat="diagnostic", **options
    )


def _action_components(make: _Builder, action: ActionStatus, *, controllable: bool) -> dict[str, Component]:
    stream, topics = make.stream, make.topics
    components = make.stream_component(
        "binary_sensor",
        "action",
        action.name,
        action=action.name,
        object_id=slug(action.name),
        stat_t=topics.action_state(stream, action.name),
        val_tpl="{{ value_json.state }}",
    )
    if controllable:
        threshold = topics.threshold(stream, action.name)
        components |= make.component(
            "number",
            "threshold",
            f"{action.name} threshold",
            action=action.name,
            object_id=f"{slug(action.name)}_threshold",
            stat_t=f"{threshold}/state",
            cmd_t=f"{threshold}/set",
            ent_cat="config",
            mode="box",
            min=min(_LEAST_THRESHOLD, action.on),
            max=1,
            step=_LEAST_THRESHOLD,
        )
    return components
