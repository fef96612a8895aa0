"""Commands that the `mqtt` sink takes from the broker: checked, handed on, or refused with a word in the log."""

import re
import time
from collections.abc import Callable

import structlog

from movinet_edge.api import CommandRefused, Control, DaemonStatus
from movinet_edge_plugins._mqtt_topics import Topics, slug

_log = structlog.get_logger(__name__)

# The longest valid payload is a number; what is longer is not worth looking at.
_LONGEST_PAYLOAD_BYTES = 32

# A number as Home Assistant writes it; `float` would take nan, 1e999 and 1_0 as well.
_NUMBER = re.compile(r"(?:\d{1,3}(?:\.\d{0,17})?|\.\d{1,17})(?:[eE]-?\d{1,2})?", re.ASCII)

# Whoever floods the topics with nonsense must not flood the log.
_LOG_EVERY_S = 10.0


class Commands:
    """Knows the topics of commands and what they are about. `take` is called from paho's thread and never raises."""

    def __init__(self, topics: Topics, control: Control, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._topics = topics
        self._control = control
        self._clock = clock
        self._streams: dict[str, str] = {}
        self._actions: dict[tuple[str, str], str] = {}
        self._log_again_s = float("-inf")
        self._unlogged = 0

    def know(self, status: DaemonStatus) -> None:
        """Commands are for these streams and actions."""
        self._streams = {slug(stream.name): stream.name for stream in status.streams}
        self._actions = {
            (slug(stream.name), slug(action.name)): action.name
            for stream in status.streams
            for action in stream.actions
        }

    def take(self, topic: str, payload: bytes, retained: bool) -> bool:
        """Do what a message says, or refuse it; False when its topic is none of a command."""
        command = self._topics.command(topic)
        if command is None:
            return False
        try:
            if retained:
                raise CommandRefused("it is retained, so it may be old; publish commands without retain")
            stream = self._streams.get(command.stream)
            if stream is None:
                raise CommandRefused(f"there is no stream {command.stream!r}{_among(self._streams)}")
            if command.action is None:
                self._control.set_enabled(stream, _on_or_off(payload))
            else:
                action = self._actions.get((command.stream, command.action))
                if action is None:
                    known = {slugs[1] for slugs in self._actions if slugs[0] == command.stream}
                    raise CommandRefused(f"{stream!r} has no action {command.action!r}{_among(known)}")
                self._control.set_threshold(stream, action, _threshold(payload))
        except CommandRefused as error:
            self._refused(topic, payload, str(error))
        except Exception:  # noqa: BLE001 - in paho's thread, where it would end the connection
            _log.exception("command failed", topic=topic)
        else:
            _log.info("command taken", topic=topic, payload=payload.decode())
        return True

    def _refused(self, topic: str, payload: bytes, reason: str) -> None:
        now_s = self._clock()
        if now_s < self._log_again_s:
            self._unlogged += 1
            return
        shown = repr(payload[:_LONGEST_PAYLOAD_BYTES])
        _log.warning("command refused", topic=topic, payload=shown, reason=reason, not_logged_before=self._unlogged)
        self._log_again_s = now_s + _LOG_EVERY_S
        self._unlogged = 0


def _on_or_off(payload: bytes) -> bool:
    try:
        return {b"ON": True, b"OFF": False}[payload]
    except KeyError:
        raise CommandRefused("the payload must be ON or OFF") from None


def _threshold(payload: bytes) -> float:
    text = payload.decode("ascii", "replace") if len(payload) <= _LONGEST_PAYLOAD_BYTES else ""
    if not _NUMBER.fullmatch(text) or not 0.0 < float(text) <= 1.0:
        raise CommandRefused("the payload must be a number over 0 and at most 1")
    return float(text)


def _among(known: dict[str, str] | set[str]) -> str:
    return f"; there is {', '.join(sorted(known))}" if known else ""
