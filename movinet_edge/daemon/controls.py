"""What may be changed while the daemon runs: checks it, applies it, keeps it over restarts, and tells the sinks."""

import math
import threading
from collections.abc import Iterable
from difflib import get_close_matches

import structlog

from movinet_edge.actions import ActionRule
from movinet_edge.api import CommandRefused, DaemonStatus
from movinet_edge.daemon.adjustments import Adjustments
from movinet_edge.daemon.supervisor import StreamParts, Supervisor

_log = structlog.get_logger(__name__)


class Controls:
    """The commands of the control socket and of sinks. Methods may be called from any thread."""

    def __init__(self, supervisor: Supervisor, adjustments: Adjustments) -> None:
        self._supervisor, self._adjustments = supervisor, adjustments
        self._turn = threading.Lock()
        supervisor.control = self

    def status(self) -> DaemonStatus:
        """How the daemon stands now."""
        return self._supervisor.status()

    def set_enabled(self, stream: str, enabled: bool) -> None:
        """Switch a stream on or off; one that has ended begins anew.

        Raises:
            CommandRefused: there is no such stream.
        """
        with self._turn:
            configured = configured_enabled(self._parts(stream))
            _log.info("stream switched", stream=stream, on=enabled)
            # Kept first: a reload meanwhile reads it for the new stream, or this finds the new stream below.
            self._adjustments.set_enabled(stream, configured=configured, now=enabled)
            runner = self._supervisor.runner(stream)
            if runner is not None:  # not removed in between
                (runner.enable if enabled else runner.disable)()
        self._supervisor.tell_sinks()

    def set_threshold(self, stream: str, action: str, on: float) -> None:
        """Set the score over which an action begins; `off` keeps its proportion to it.

        Raises:
            CommandRefused: there is no such stream or action, or `on` is not over 0 and at most 1.
        """
        with self._turn:
            parts = self._parts(stream)
            thresholds = parts.pipeline.thresholds
            if action not in thresholds:
                raise CommandRefused(_unknown(f"stream {stream!r} watches for no action", action, thresholds))
            if not (math.isfinite(on) and 0.0 < on <= 1.0):
                raise CommandRefused(f"{on!r} cannot be a threshold; it must be over 0 and at most 1, for example 0.6")
            _log.info("threshold set", stream=stream, action=action, on=on)
            self._adjustments.set_on(stream, action, configured=_rule(parts, action).on, now=on)
            current = self._supervisor.parts(stream)
            if current is not None and action in current.pipeline.thresholds:
                _apply_threshold(current, action, on)
        self._supervisor.tell_sinks()

    def _parts(self, stream: str) -> StreamParts:
        parts = self._supervisor.parts(stream)
        if parts is None:
            names = [status.name for status in self._supervisor.status().streams]
            raise CommandRefused(_unknown("there is no stream", stream, names))
        return parts


def adjust(stream: str, parts: StreamParts, adjustments: Adjustments) -> bool:
    """Apply what was changed earlier to a new stream; True when it is to be switched on."""
    for rule in parts.pipeline.detector.configured:
        on = adjustments.on(stream, rule.name, rule.on)
        if on != rule.on:
            _apply_threshold(parts, rule.name, on)
    return adjustments.enabled(stream, configured_enabled(parts))


def configured_enabled(parts: StreamParts) -> bool:
    """Is the stream switched on in the configuration?"""
    return parts.settings is None or parts.settings.enabled


def _rule(parts: StreamParts, action: str) -> ActionRule:
    return next(rule for rule in parts.pipeline.detector.configured if rule.name == action)


def _apply_threshold(parts: StreamParts, action: str, on: float) -> None:
    rule = _rule(parts, action)
    # `off` keeps the proportion that the configuration gives it.
    off = min(on, on * rule.off / rule.on) if rule.on > 0.0 else 0.0
    parts.pipeline.set_thresholds(action, on, off)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names[:20]) or 'none'}"
    return f"{what} {name!r}; {hint}"
