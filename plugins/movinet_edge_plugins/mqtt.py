"""Sink `mqtt`: events and states on an MQTT broker, and Home Assistant's discovery, switches and thresholds."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from pydantic import BaseModel

from movinet_edge.api import ActionEvent, Control, DaemonStatus, DeliveryError, DeliveryRejected
from movinet_edge_plugins._mqtt_settings import MqttSettings
from movinet_edge_plugins._mqtt_topics import OFFLINE

if TYPE_CHECKING:
    from movinet_edge_plugins._mqtt_link import Link, OnMessage, Receipt
    from movinet_edge_plugins._mqtt_session import Session

_log = structlog.get_logger(__name__)

# For subscribers that were away: no automation should act on what happened the day before yesterday.
_EVENT_EXPIRY_S = 86_400

_SCHEMA = "movinet-edge/event/1"

# So often in a row the connection must have broken on an event before the event is held responsible: in a way that
# points to the message, or in any way, since over MQTT 3.1.1 a broker just hangs up on a message that is too large.
_CUTS_TO_GIVE_UP = 2
_WORDLESS_CUTS_TO_GIVE_UP = 5


class MqttSink:
    """Publishes events and states; an event is accepted when the broker has confirmed it.

    States are retained, and all of them are published anew on every connection and when Home Assistant starts. Nothing
    waits in the MQTT client for a broker that is away: events wait in the daemon's outbox, states are as they are then.
    """

    Settings: ClassVar[type[BaseModel]] = MqttSettings

    status_every_s = 60.0

    def __init__(self, settings: MqttSettings) -> None:
        import paho.mqtt.client  # noqa: F401 - a package that is missing is missed here, and not at every connection

        self._settings = settings
        self._topics = settings.topics()
        self._broker = settings.broker()
        self._control: Control | None = None
        self._session: Session | None = None
        self._sent: _Sent | None = None
        self._cut: tuple[object, bool, int] = (None, False, 0)  # the event on which it broke, if strangely, how often

    def attach(self, control: Control) -> None:
        """Take commands from the broker and hand them to `control`."""
        self._control = control

    def open(self) -> None:
        """Connect; raises DeliveryError that says what is wrong."""
        from movinet_edge_plugins._mqtt_announcer import Announcer
        from movinet_edge_plugins._mqtt_commands import Commands
        from movinet_edge_plugins._mqtt_session import Session

        commands = None if self._control is None else Commands(self._topics, self._control)
        announcer = Announcer(self._topics, self._settings.discovery, controllable=commands is not None)
        session = Session(self._make_link, announcer, commands, timeout_s=self._broker.timeout_s)
        session.open()
        self._session = session

    def report(self, status: DaemonStatus) -> None:
        """Let the broker show how the daemon stands; raises DeliveryError when it cannot now."""
        self._opened().show(status)

    def deliver(self, event: ActionEvent) -> None:
        """Publish one event and wait for the confirmation.

        Raises:
            DeliveryError: not connected, or no confirmation in time.
            DeliveryRejected: the broker will never take it, for example because it is too large.
        """
        from movinet_edge_plugins._mqtt_link import Refusal

        session = self._opened()
        link = session.link()
        key = (event.seq, event.id, event.event_type)
        try:
            # After a time-out the message is still on its way, and publishing it again would double it.
            if self._sent is None or self._sent[:2] != (key, link):
                self._sent = (key, link, self._publish(link, event, with_snapshot=self._cut[0] != key))
            if not link.settle(self._sent[2], self._broker.timeout_s):
                raise DeliveryError(f"{self._broker} does not confirm the event within {self._broker.timeout_s:g} s")
        except Refusal as refusal:
            self._sent = None
            raise (DeliveryRejected if refusal.final else DeliveryError)(str(refusal)) from refusal
        except DeliveryError as error:
            if self._is_to_blame(key, link):
                raise DeliveryRejected(f"the connection breaks each time that this event is sent: {error}") from error
            session.leave_unattended()
            raise
        self._sent = None

    def close(self) -> None:
        """Say goodbye and disconnect; twice does no harm."""
        session, self._session, self._sent = self._session, None, None
        if session is not None:
            session.close()

    def check(self) -> str:
        """Connect and try what is needed, without disturbing a daemon that runs; what works, in a sentence.

        Raises:
            DeliveryError: what does not work, for example the certificate, the password or a topic.
        """
        from movinet_edge_plugins._mqtt_visit import check

        return check(self._broker, self._topics, discovery=self._settings.discovery)

    def preview(self, status: DaemonStatus, *, controllable: bool = True) -> list[tuple[str, str]]:
        """Topics and payloads that would be retained for such a status, discovery first. Nothing is sent."""
        from movinet_edge_plugins._mqtt_announcer import Announcer

        announcer = Announcer(self._topics, self._settings.discovery, controllable=controllable)
        plan = announcer.plan(status, everything=True, now_s=0.0)
        return [(message.topic, message.payload) for message in plan.messages if message.retain]

    def cleanup(self) -> list[str]:
        """Clear all that stands on the broker for this node; the topics. For when its daemon does not run.

        Raises:
            DeliveryError: the broker is not reached, or does not allow it.
        """
        from movinet_edge_plugins._mqtt_visit import cleanup

        return cleanup(self._broker, self._topics)

    def _opened(self) -> "Session":
        if self._session is None:
            raise DeliveryError(f"the sink for {self._broker} is not open")
        return self._session

    def _make_link(self, on_message: "OnMessage", on_lost: Callable[[], None]) -> "Link":
        from movinet_edge_plugins._mqtt_link import Link

        will = (self._topics.status, OFFLINE)
        return Link(self._broker, name=self._topics.node, will=will, on_message=on_message, on_lost=on_lost)

    def _publish(self, link: "Link", event: ActionEvent, *, with_snapshot: bool) -> "Receipt":
        if with_snapshot:
            self._publish_snapshot(link, event)
        elif event.snapshot is not None:
            _log.warning("mqtt snapshot left out, the connection has broken with it", event_id=event.id)
        properties: dict[str, Any] = {
            "MessageExpiryInterval": _EVENT_EXPIRY_S,
            "ContentType": "application/json",
            "UserProperty": ("schema", _SCHEMA),
        }
        # A path on this machine is of no use elsewhere, and tells of it; the picture has a topic of its own.
        payload = event.model_copy(update={"snapshot": None, "clip": None}).to_json()
        return link.publish(self._topics.event(event.stream), payload, **properties)

    def _publish_snapshot(self, link: "Link", event: ActionEvent) -> None:
        """Send the event's picture before it, so that it is there for whoever hears of the event.

        It may get lost: the file is still there, and no event waits for a picture.
        """
        from movinet_edge_plugins._mqtt_link import Refusal

        if event.snapshot is None:
            return
        try:
            picture = Path(event.snapshot).read_bytes()
            link.publish(self._topics.snapshot(event.stream), picture, qos=0, ContentType="image/jpeg")
        except (OSError, Refusal) as error:  # the oldest pictures are deleted in time; a broker may limit messages
            _log.debug("mqtt snapshot not sent", event_id=event.id, error=str(error))

    def _is_to_blame(self, key: object, link: "Link") -> bool:
        """Whether the connection seems to break because of this event, which would hold up all others for ever."""
        if link.lost is None:
            return False
        strange = link.suspicious_loss
        self._cut = (key, strange, self._cut[2] + 1 if self._cut[:2] == (key, strange) else 1)
        return self._cut[2] >= (_CUTS_TO_GIVE_UP if strange else _WORDLESS_CUTS_TO_GIVE_UP)


_Sent = tuple[object, "Link", "Receipt"]
"""What was published and is not confirmed yet: which event, over which connection, and how to settle it."""
