"""What systemd hears while the daemon runs: signs of life only from a daemon that lives."""

import socket

import pytest

from movinet_edge.api import DaemonStatus
from movinet_edge.daemon.heartbeat import Heartbeat
from movinet_edge.daemon.notify import Notifier


class Systemd:
    """The socket of a service manager, and a daemon whose clock and engine the test sets."""

    def __init__(self, path, watchdog_s):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.busy_s, self.lost = 0.0, 0
        self.heartbeat = Heartbeat(Notifier(str(path), watchdog_s), self._status, lambda _now_s: self.busy_s)

    def _status(self):
        started_at = "2026-01-01T00:00:00Z"
        return DaemonStatus(version="1", started_at=started_at, streams=(), sinks=(), lost_events=self.lost)

    def beat(self, now_s):
        """What is heard at a moment, and when the next is due."""
        due_s = self.heartbeat.beat(now_s)
        heard = []
        while True:
            try:
                heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return [line.partition("=")[0] for line in heard], due_s

    def close(self):
        self._socket.close()


@pytest.fixture
def systemd(tmp_path):
    made = []

    def make(watchdog_s=30.0):
        made.append(Systemd(tmp_path / "notify", watchdog_s))
        return made[0]

    yield make
    for one in made:
        one.close()


def test_it_is_fed_three_times_in_its_patience_and_told_what_is_new(systemd):
    manager = systemd()
    assert manager.beat(0.0) == (["STATUS", "WATCHDOG"], 10.0)
    assert manager.beat(5.0) == ([], 10.0)
    assert manager.beat(10.0) == (["WATCHDOG"], 20.0)
    manager.lost = 1
    assert manager.beat(20.0) == (["STATUS", "WATCHDOG"], 30.0)


def test_an_engine_that_hangs_in_a_frame_is_no_sign_of_life(systemd):
    manager = systemd()
    manager.beat(0.0)
    manager.busy_s = 10.5
    assert manager.beat(10.0) == ([], 11.0)
    manager.busy_s = 0.1
    assert manager.beat(11.0)[0] == ["WATCHDOG"]


def test_without_a_watchdog_there_is_only_the_status(systemd):
    manager = systemd(watchdog_s=None)
    assert manager.beat(0.0) == (["STATUS"], 10.0)
    assert manager.beat(10.0) == ([], 20.0)


def test_nobody_is_woken_where_nobody_listens():
    assert Heartbeat(Notifier(), lambda: 1 / 0, lambda _now_s: 1 / 0).beat(0.0) == float("inf")
