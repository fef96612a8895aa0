"""What the `mqtt` sink has put on the broker to stay, so that it changes with the daemon and leaves nothing behind.

The broker is the memory across restarts: what stands there from before is looked up once, and what is not wanted any
more is taken away.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from movinet_edge.api import DaemonStatus
from movinet_edge_plugins._mqtt_discovery import device_payload, parse_announced, removal_payload
from movinet_edge_plugins._mqtt_states import changes, state_payloads, stats_payload
from movinet_edge_plugins._mqtt_topics import OFFLINE, ONLINE, Topics

if TYPE_CHECKING:
    from movinet_edge_plugins._mqtt_link import Link

_log = structlog.get_logger(__name__)

# Retained messages come at once after a subscription; a broker that has not sent them by then sends none.
_SURVEY_S = 2.0

# Figures are published so often, however often something else changes.
STATS_EVERY_S = 60.0

# A device without entities: what stood before anything was announced.
_NOTHING: Mapping[str, Any] = {"cmps": {}}


@dataclass(frozen=True, slots=True)
class Message:
    """What to publish."""

    topic: str
    payload: str
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Messages, in this order, and what stands on the broker once it has them."""

    messages: tuple[Message, ...]
    device: Mapping[str, Any]
    states: Mapping[str, str]
    stats_at_s: float


class Survey:
    """Hears which retained messages of the node stand on the broker."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._complete = threading.Event()
        self.found: dict[str, bytes] = {}

    def hear(self, topic: str, payload: bytes, retained: bool) -> None:
        """Give it every message that arrives."""
        if retained:
            self.found[topic] = payload
        elif topic == self._topics.status:
            self._complete.set()

    def run(self, link: "Link") -> None:
        """Ask the broker; its messages must reach `hear`. Leaves the node's status as offline."""
        filters = [f"{self._topics.root}/#", self._topics.discovery]
        for topic in link.subscribe(filters):
            _log.warning("mqtt broker does not let us read what stands there from before", topic=topic)
        # It comes back to us after all that is retained, and says that we are there when it ends.
        link.publish(self._topics.status, OFFLINE, retain=True)
        if not self._complete.wait(_SURVEY_S):
            _log.warning("mqtt broker does not show what stands there from before", topic=f"{self._topics.root}/#")
        link.unsubscribe(filters)


@dataclass(slots=True)
class Announcer:
    """Plans what to publish, from what stands on the broker and what should. `controllable`: commands are taken."""

    topics: Topics
    discovery: bool
    controllable: bool
    surveyed: bool = False
    _device: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    _states: Mapping[str, str] = field(default_factory=dict)
    _stats_at_s: float = float("-inf")

    def learn(self, found: Mapping[str, bytes]) -> None:
        """Take over what a survey has found."""
        self._device = parse_announced(found.get(self.topics.discovery, b"")) or _NOTHING
        # The payloads do not matter: all of them are published anew.
        self._states = {topic: "" for topic in found if self.topics.is_state(topic)}
        self.surveyed = True

    def plan(self, status: DaemonStatus, *, everything: bool, now_s: float, contradict: bool = False) -> Plan:
        """What to publish so that the broker shows `status`: all of it, or what has changed.

        `contradict` says that the node is online although somebody has said otherwise.
        """
        device = device_payload(self.topics, status, controllable=self.controllable) if self.discovery else _NOTHING
        states = state_payloads(self.topics, status, controllable=self.controllable)
        messages = [*self._device_messages(device, everything=everything)]
        standing = dict.fromkeys(self._states, "") if everything else self._states
        messages += [Message(topic, payload) for topic, payload in changes(standing, states).items()]
        stats_at_s = self._stats_at_s
        if everything or device != self._device or now_s >= stats_at_s + STATS_EVERY_S:
            messages.append(Message(self.topics.stats, stats_payload(status), retain=False))
            stats_at_s = now_s
        if everything or contradict:
            messages.append(Message(self.topics.status, ONLINE))
        return Plan(tuple(messages), device, states, stats_at_s)

    def done(self, plan: Plan) -> None:
        """The broker has it."""
        self._device, self._states, self._stats_at_s = plan.device, plan.states, plan.stats_at_s

    def _device_messages(self, device: Mapping[str, Any], *, everything: bool) -> list[Message]:
        topic = self.topics.discovery
        if device is _NOTHING:
            return [] if self._device is _NOTHING else [Message(topic, "")]
        if not everything and device == self._device:
            return []
        steps = [removal_payload(self._device, device), device]
        return [Message(topic, json.dumps(step, ensure_ascii=False)) for step in steps if step is not None]
