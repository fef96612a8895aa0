"""What the service manager hears, at a real datagram socket."""

import os
import socket
import time
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from movinet_edge.api import DaemonStatus, SinkStatus, StreamHealth, StreamState, StreamStatus
from movinet_edge.daemon.notify import Notifier, status_text

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Manager:
    """Systemd's end."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(5)
        self.address = address

    def heard(self):
        return self.socket.recv(4096).decode().split("\n")

    def hears_nothing(self):
        self.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.socket.recv(4096)
        return True


@pytest.fixture(params=["a path", "an abstract address"])
def manager(request, tmp_path):
    address = str(tmp_path / "notify") if request.param == "a path" else f"@movinet-edge-{os.getpid()}-{id(tmp_path)}"
    manager = Manager(address)
    yield manager
    manager.socket.close()


@pytest.mark.parametrize(
    ("send", "heard"),
    [
        (lambda n: n.ready("1 stream live"), ["READY=1", "STATUS=1 stream live"]),
        (lambda n: n.status("2 streams\nlive\n"), ["STATUS=2 streams live"]),
        (lambda n: n.stopping(), ["STOPPING=1", "STATUS=stopping"]),
        (lambda n: n.alive(), ["WATCHDOG=1"]),
    ],
)
def test_each_message_in_its_words(manager, send, heard):
    send(Notifier(manager.address, watchdog_s=30.0))
    assert manager.heard() == heard


def test_reloading_says_when_it_began(manager):
    before_us = time.monotonic_ns() // 1000
    Notifier(manager.address).reloading()
    word, stamp = manager.heard()
    assert word == "RELOADING=1"
    name, _, moment_us = stamp.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before_us <= int(moment_us) <= time.monotonic_ns() // 1000


def test_without_a_watchdog_no_sign_of_life_is_sent(manager):
    Notifier(manager.address).alive()
    assert manager.hears_nothing()


@pytest.mark.parametrize(
    ("environ", "feed_every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_what_the_environment_says(environ, feed_every_s):
    assert Notifier.from_environment(environ).feed_every_s == feed_every_s


def test_children_do_not_inherit_the_socket(manager):
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1", "HOME": "/"}
    Notifier.from_environment(environ).status("here")
    assert manager.heard() == ["STATUS=here"]
    assert environ == {"HOME": "/"}


def test_without_systemd_nothing_happens():
    with capture_logs() as logs:
        Notifier.from_environment({}).ready("1 stream live")
    assert logs == []


def test_a_manager_that_is_gone_is_told_of_once_and_found_again(tmp_path):
    notifier = Notifier(str(tmp_path / "notify"))
    with capture_logs() as logs:
        notifier.status("one")
        notifier.status("two")
    assert [log["event"] for log in logs] == ["the service manager cannot be reached"]
    manager = Manager(str(tmp_path / "notify"))
    notifier.status("three")
    assert manager.heard() == ["STATUS=three"]
    manager.socket.close()


def stream(state, fps_scored=None):
    return StreamStatus(name="porch", state=state, since=NOW, health=StreamHealth(fps_scored=fps_scored))


def sink(pending):
    return SinkStatus(name="mqtt", state="delivering", pending=pending, delivered=7, rejected=0, dropped=0)


LIVE = stream(StreamState.LIVE, 4.96)


@pytest.mark.parametrize(
    ("streams", "sinks", "lost", "text"),
    [
        ([LIVE] * 3, [sink(2), sink(0)], 0, "3 streams live, 14.9 fps scored, 2 events in the outbox"),
        ([LIVE], [sink(1)], 0, "1 stream live, 5.0 fps scored, 1 event in the outbox"),
        (
            [LIVE, stream(StreamState.STALLED)],
            [],
            3,
            "1 of 2 streams live, 5.0 fps scored, 0 events in the outbox, 3 events lost",
        ),
        ([LIVE, stream(StreamState.DISABLED, 4.0)], [], 0, "1 stream live, 5.0 fps scored, 0 events in the outbox"),
        ([stream(StreamState.CONNECTING)], [], 0, "0 of 1 stream live, 0.0 fps scored, 0 events in the outbox"),
    ],
)
def test_status_is_a_sentence(streams, sinks, lost, text):
    status = DaemonStatus(version="1", started_at=NOW, streams=streams, sinks=sinks, lost_events=lost)
    assert status_text(status) == text
