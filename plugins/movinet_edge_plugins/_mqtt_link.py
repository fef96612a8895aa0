"""One connection of the `mqtt` sink to its broker, from beginning to end. Imports paho-mqtt.

A connection that is lost is never brought back: paho would then send what it had not got a confirmation for, after
newer states. A new `Link` begins with nothing in flight; what is not confirmed is still in the outbox.
"""

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from paho.mqtt.client import Client, DisconnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from movinet_edge.api import DeliveryError
from movinet_edge_plugins._mqtt_broker import (
    Broker,
    connection_problem,
    explain_loss,
    explain_refusal,
    explain_silence,
    tls_context,
)

_log = structlog.get_logger(__name__)

# What most brokers take at once; paho sends more than the broker allows unless it is told not to.
_IN_FLIGHT = 20

# What a PUBLISH has beside topic, payload and properties, at most.
_FRAME_BYTES = 16

# How long an orderly goodbye may take before the socket is closed.
_GOODBYE_S = 1.0

# How often a wait for a confirmation looks whether the connection is still there; the confirmation itself ends it.
_TURN_S = 0.2

# Reason codes of MQTT 5 after which sending the same again cannot help: the topic's name is invalid, the packet is
# too large, the payload's format is invalid.
_FINAL = (0x90, 0x95, 0x99)

# What becomes of an answer that paho cannot read, like mosquitto's to a message over its limit.
_PROTOCOL_ERROR = 0x82

# Malformed packet, protocol error, packet too large: sending the same again may end the same way.
_SUSPICIOUS = (0x81, _PROTOCOL_ERROR, 0x95)

OnMessage = Callable[[str, bytes, bool], None]
"""Topic, payload, and whether it is a retained message. Called in paho's thread."""


class Refusal(Exception):
    """The broker does not take a message; `final` when it never will."""

    def __init__(self, text: str, *, final: bool) -> None:
        super().__init__(text)
        self.final = final


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message on its way."""

    topic: str
    info: MQTTMessageInfo


@dataclass(slots=True)
class _Answer:
    reason: ReasonCode | None = None
    max_packet_bytes: int | None = None
    granted: dict[int, Sequence[ReasonCode]] = field(default_factory=dict)


class Link:
    """A connection. Everything but the two callbacks happens in the caller's threads; the methods are thread-safe."""

    def __init__(
        self,
        broker: Broker,
        *,
        name: str,
        will: tuple[str, str] | None = None,
        on_message: OnMessage = lambda *_: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`will` is topic and payload that the broker publishes when the connection breaks, retained."""
        self._broker = broker
        self._on_message_do, self._on_lost_do = on_message, on_lost
        self._lost: str | None = None
        self.suspicious_loss = False
        self._answer = _Answer()
        self._changed = threading.Condition()
        self._refusals: dict[int, ReasonCode] = {}
        # At random, so that no other client has it and a restart is not held up by the broker's memory of the last
        # one; at most 23 characters, which every broker of MQTT 3.1.1 takes.
        client_id = f"{name[:14]}-{secrets.token_hex(4)}"
        self._client = _client(broker, client_id, will)
        self._client.on_end = self._on_end
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @property
    def lost(self) -> str | None:
        """How the connection ended; None while it is there."""
        return self._lost

    def open(self) -> None:
        """Connect; raises DeliveryError, saying what is wrong, when that fails."""
        broker = self._broker
        try:
            if broker.tls is not None:
                self._client.tls_set_context(tls_context(broker.tls))
            self._client.connect(broker.host, broker.port, keepalive=max(1, round(broker.keepalive_s)))
        except (OSError, ValueError) as error:
            raise DeliveryError(connection_problem(broker, error)) from error
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer.reason or self._lost, broker.timeout_s)
            reason, lost = self._answer.reason, self._lost
        if reason is not None and not reason.is_failure:
            return
        self.close()
        if reason is not None:
            raise DeliveryError(explain_refusal(broker, reason.value, str(reason)))
        if lost is not None:
            raise DeliveryError(explain_silence(broker))
        raise DeliveryError(f"{broker} takes the connection, but does not answer within {broker.timeout_s:g} s")

    def publish(
        self, topic: str, payload: str | bytes, *, retain: bool = False, qos: int = 1, **properties: Any
    ) -> Receipt:
        """Send a message; with QoS 1 `settle` the receipt. `properties` are those of MQTT 5 by paho's names.

        Raises:
            Refusal: it is larger than the broker allows.
            DeliveryError: the connection is lost.
        """
        body = payload.encode() if isinstance(payload, str) else payload
        packed = _publish_properties(properties) if self._broker.is_v5 else None
        size_bytes = len(topic.encode()) + len(body) + _packed_bytes(packed) + _FRAME_BYTES
        limit_bytes = self._answer.max_packet_bytes
        if limit_bytes is not None and size_bytes > limit_bytes:
            text = f"message of {size_bytes} bytes on {topic}: {self._broker} takes {limit_bytes} bytes at most"
            raise Refusal(text, final=True)
        info = self._client.publish(topic, body, qos=qos, retain=retain, properties=packed)
        if info.rc > 0:
            raise self._lost_error()
        return Receipt(topic, info)

    def settle(self, receipt: Receipt, timeout_s: float) -> bool:
        """Wait for the broker's confirmation; False when there is none in time.

        Raises:
            Refusal: the broker does not take the message.
            DeliveryError: the connection is lost.
        """
        give_up_s = time.monotonic() + timeout_s
        while not receipt.info.is_published():
            if self._lost is not None:
                raise self._lost_error()
            left_s = give_up_s - time.monotonic()
            if left_s <= 0.0:
                return False
            receipt.info.wait_for_publish(min(left_s, _TURN_S))
        refusal = self._refusals.pop(receipt.info.mid, None)
        if refusal is not None:
            text = f"{self._broker} does not take messages on {receipt.topic} ({refusal})"
            raise Refusal(text, final=refusal.value in _FINAL)
        return True

    def subscribe(self, filters: Sequence[str], *, as_published: bool = False) -> list[str]:
        """Subscribe with QoS 1; those of the filters that the broker does not allow. Raises DeliveryError.

        With `as_published` a message that somebody publishes now, to be retained, counts as retained, too; only MQTT 5
        can tell.
        """
        if self._broker.is_v5:
            options = SubscribeOptions(qos=1, retainAsPublished=as_published)
            _, mid = self._client.subscribe([(topic, options) for topic in filters])
        else:
            _, mid = self._client.subscribe([(topic, 1) for topic in filters])
        with self._changed:
            granted = self._answer.granted
            self._changed.wait_for(lambda: mid in granted or self._lost is not None, self._broker.timeout_s)
            codes = granted.pop(mid, None) if mid is not None else None
        if codes is None:
            raise self._lost_error()
        return [topic for topic, code in zip(filters, codes, strict=True) if code.is_failure]

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """No more messages of these filters, some time soon."""
        self._client.unsubscribe(list(filters))

    def close(self) -> None:
        """End the connection in an orderly way if it is there: the will is not published then. Twice does no harm."""
        if self._client.disconnect() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            with self._changed:
                self._changed.wait_for(lambda: self._lost is not None, _GOODBYE_S)
        socket = self._client.socket()
        if socket is not None:
            socket.close()
        # paho's thread forgets itself when it ends, which may be between two steps of this call.
        with contextlib.suppress(AttributeError):
            self._client.loop_stop()

    def _lost_error(self) -> DeliveryError:
        return DeliveryError(self._lost or f"{self._broker} does not answer within {self._broker.timeout_s:g} s")

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._answer.reason = reason
            self._answer.max_packet_bytes = getattr(properties, "MaximumPacketSize", None)
            self._changed.notify_all()

    def _on_disconnect(
        self, _client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        by_broker = flags.is_disconnect_packet_from_server
        self._end(reason.value, explain_loss(self._broker, reason.value, str(reason), by_broker=by_broker))

    def _on_end(self, error: Exception | None) -> None:
        if error is not None:
            _log.debug("mqtt client failed", error=repr(error))
        code = _PROTOCOL_ERROR if error else 0
        self._end(code, explain_loss(self._broker, code, "", by_broker=False))

    def _end(self, code: int, text: str) -> None:
        with self._changed:
            if self._lost is not None:
                return  # only the first to tell has the reason
            self.suspicious_loss = code in _SUSPICIOUS
            self._lost = text
            self._changed.notify_all()
        self._on_lost_do()

    # Called with a lock of paho's that publishing takes too, so it must not wait for anything.
    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._refusals[mid] = reason
        else:
            self._refusals.pop(mid, None)  # of an earlier message with this number that nobody waited for

    def _on_subscribe(self, _client: Client, _data: Any, mid: int, codes: Sequence[ReasonCode], _props: Any) -> None:
        with self._changed:
            self._answer.granted[mid] = codes
            self._changed.notify_all()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with contextlib.suppress(UnicodeDecodeError):  # a topic that is no text is none of ours
            self._on_message_do(message.topic, bytes(message.payload), message.retain)


class _Client(Client):
    """paho's client, which tells when its thread ends, for whatever reason."""

    on_end: Callable[[Exception | None], None]

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """What paho's thread does; before 2.2 an answer that paho cannot read ends it without another word."""
        try:
            result = super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001 - a thread that dies unnoticed would look like a silent broker
            self.on_end(error)
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        self.on_end(None)
        return result


def _client(broker: Broker, client_id: str, will: tuple[str, str] | None) -> _Client:
    client = _Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if broker.is_v5 else MQTTProtocolVersion.MQTTv311,
        transport="websockets" if broker.websocket_path is not None else "tcp",
        reconnect_on_failure=False,
    )
    client.connect_timeout = broker.timeout_s
    client.max_inflight_messages_set(_IN_FLIGHT)
    if broker.websocket_path is not None:
        client.ws_set_options(broker.websocket_path)
    if broker.user is not None:
        client.username_pw_set(broker.user, broker.password)
    if will is not None:
        client.will_set(*will, qos=1, retain=True)
    return client


def _packed_bytes(properties: Properties | None) -> int:
    return 0 if properties is None else len(properties.pack())  # type: ignore[no-untyped-call] # paho leaves it out


def _publish_properties(values: dict[str, Any]) -> Properties | None:
    if not values:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho leaves it out
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
