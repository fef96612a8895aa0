"""Keeps systemd informed while the daemon runs: that work goes on, and in a line how it stands."""

import math
from collections.abc import Callable

from movinet_edge.api import DaemonStatus
from movinet_edge.daemon.notify import Notifier, status_text

_STATUS_EVERY_S = 10.0
"""A person looks at it now and then; the service manager is woken no more often."""

_BUSY_S = 10.0
"""A frame takes milliseconds; one that takes longer than this hangs, and is no sign of life."""


class Heartbeat:
    """Called by the loop that watches over the streams, so that it stops when that stops; never by a timer."""

    def __init__(
        self, notifier: Notifier, status: Callable[[], DaemonStatus], busy_s: Callable[[float], float]
    ) -> None:
        """`busy_s` says for how long the engine has been at one frame, at a moment of the monotonic clock."""
        self._notifier, self._status, self._busy_s = notifier, status, busy_s
        self._told, self._tell_at_s, self._feed_at_s = "", -math.inf, -math.inf

    def beat(self, now_s: float) -> float:
        """Say what is due; when to come again, in seconds of the monotonic clock."""
        if not self._notifier.is_heard:
            return math.inf
        if now_s >= self._tell_at_s:
            self._tell_at_s = now_s + _STATUS_EVERY_S
            text = status_text(self._status())
            if text != self._told:
                self._told = text
                self._notifier.status(text)
        if self._notifier.feed_every_s is None:
            return self._tell_at_s
        if now_s >= self._feed_at_s and self._busy_s(now_s) < _BUSY_S:
            self._feed_at_s = now_s + self._notifier.feed_every_s
            self._notifier.alive()
        return min(self._tell_at_s, max(self._feed_at_s, now_s + 1.0))
