"""Tells systemd how the daemon stands: ready, reloading, stopping, alive, and a line of status that people read.

Source: sd_notify(3). Without systemd, or in a service that does not want to know, every message is a no-op.
"""

import os
import socket
import time
from collections.abc import MutableMapping
from typing import Self

import structlog

from movinet_edge.api import DaemonStatus, StreamState

_log = structlog.get_logger(__name__)

_SEND_S = 1.0
"""The socket's queue is full only while the service manager itself is stuck; nobody waits longer for it."""

_FEEDS_PER_WATCHDOG = 3
"""sd_watchdog_enabled(3) asks for two; with three, one may be late."""


class Notifier:
    """Sends messages to the service manager. Thread-safe; never raises, since detection does not depend on it."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        """`address` is `$NOTIFY_SOCKET`, empty for none; `watchdog_s` is the silence after which we are killed."""
        self._address = address
        self._failed = False
        self.feed_every_s = None if watchdog_s is None else watchdog_s / _FEEDS_PER_WATCHDOG
        """How often `alive` is to be called while there is progress; None: nobody waits for it."""

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str] = os.environ) -> Self:
        """As systemd says in the environment, from which it is removed: it is not meant for our children."""
        address = environ.pop("NOTIFY_SOCKET", "")
        watched_pid, watchdog_us = environ.pop("WATCHDOG_PID", ""), environ.pop("WATCHDOG_USEC", "")
        is_ours = watchdog_us.isdecimal() and int(watchdog_us) > 0 and watched_pid in ("", str(os.getpid()))
        return cls(address, int(watchdog_us) / 1e6 if is_ours else None)

    @property
    def is_heard(self) -> bool:
        """False without a service manager that wants to know."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Started, or reloaded: everything is in place."""
        self._send("READY=1", _status_line(status))

    def status(self, status: str) -> None:
        """What `systemctl status` shows; one line."""
        self._send(_status_line(status))

    def reloading(self) -> None:
        """A reload begins; `ready` ends it, also when the old configuration goes on."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        # Without the time, newer versions of systemd wait for ever.
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_us}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1", _status_line("stopping"))

    def alive(self) -> None:
        """Work goes on; to be called when it does, never by a timer of its own."""
        if self.feed_every_s is not None:
            self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the 0 of Linux' abstract addresses.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
                connection.settimeout(_SEND_S)
                connection.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            if not self._failed:
                _log.warning("the service manager cannot be reached", reason=error.strerror or str(error))
            self._failed = True
        else:
            self._failed = False


def status_text(status: DaemonStatus) -> str:
    """A line that a person understands: "2 of 3 streams live, 9.9 fps scored, 2 events in the outbox"."""
    wanted = [stream for stream in status.streams if stream.state is not StreamState.DISABLED]
    live = sum(stream.state is StreamState.LIVE for stream in wanted)
    fps = sum(stream.health.fps_scored or 0.0 for stream in wanted)
    # Every sink has a place of its own in the outbox, and the slowest says how much is kept.
    waiting = max((sink.pending for sink in status.sinks), default=0)
    parts = [
        _count(live, "stream") + " live" if live == len(wanted) else f"{live} of {_count(len(wanted), 'stream')} live",
        f"{fps:.1f} fps scored",
        f"{_count(waiting, 'event')} in the outbox",
    ]
    if status.lost_events:
        parts.append(f"{_count(status.lost_events, 'event')} lost")
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _status_line(text: str) -> str:
    return "STATUS=" + " ".join(text.split())
