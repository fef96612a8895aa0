"""Cameras that never answer, refuse, or hang up at once: no harm to the others, and no storm of connections."""

import random
import socket
import threading
import time
from itertools import accumulate

import pytest
from clock_camera import clock_camera
from coloured_scenes import PATIENCE_S
from peers.black_hole import black_hole
from peers.tcp_relay import TcpRelay
from steady_source import SteadySource
from watched_daemon import WatchedDaemon

from movinet_edge.api import StreamState
from movinet_edge.daemon.supervisor import STOP_S
from movinet_edge.delivery import Backoff
from movinet_edge_plugins.rtsp import RtspSource

OPEN_TIMEOUT_S = 1.5

# The usual pauses twenty times as fast: three seconds here are a minute in a house.
MINUTE_S = 3.0
FIRST_S, CAP_S = 1.0 * MINUTE_S / 60, 60.0 * MINUTE_S / 60


def rtsp(url):
    return lambda: RtspSource(RtspSource.Settings(url=url, open_timeout=OPEN_TIMEOUT_S, read_timeout=1.0))


def test_a_black_hole_at_the_start_holds_nobody_up(tmp_path):
    with black_hole() as hole, clock_camera() as camera:
        sources = {
            "hole": rtsp(f"rtsp://127.0.0.1:{hole}/1"),
            "web": rtsp(f"http://127.0.0.1:{camera}/"),
            "steady": lambda: SteadySource(10),
        }
        daemon = WatchedDaemon(sources, tmp_path)
        with daemon.running():
            runner = daemon.supervisor.runner("hole")
            give_up_s = time.monotonic() + PATIENCE_S
            while runner.state is not StreamState.BACKING_OFF:
                assert time.monotonic() < give_up_s
                time.sleep(0.01)
            assert "time-out" in runner.reason
            # While the hole was waited for, the others were looked at.
            assert min(daemon.scored("web"), daemon.scored("steady")) >= 3
            leave_s = time.monotonic()
        assert time.monotonic() - leave_s < STOP_S
    assert daemon.scored("hole") == 0


def pauses() -> Backoff:
    return Backoff(first_s=FIRST_S, cap_s=CAP_S, rng=random.Random(1))  # noqa: S311 (the same pauses in every run)


@pytest.mark.parametrize("hangs_up", ["at once", "after some pictures"])
def test_a_camera_that_hangs_up_is_not_stormed(tmp_path, hangs_up):
    backoff = pauses()
    tries_s = accumulate(backoff.next_s() for _ in range(100))
    most = 1 + sum(try_s < MINUTE_S for try_s in tries_s)
    assert most < 10, "connections in the first minute"
    with clock_camera() as camera, TcpRelay(camera if hangs_up == "after some pictures" else unused_port()) as relay:
        daemon = WatchedDaemon({"rude": rtsp(f"http://127.0.0.1:{relay.port}/")}, tmp_path, backoff=pauses)
        ended = threading.Event()

        def hang_up():
            while not ended.wait(0.6):
                relay.cut()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        with daemon.running():
            time.sleep(MINUTE_S)
            came = relay.connections
        ended.set()
        hanging_up.join()
    assert 1 < came <= most
    # On a busy machine it may hang up before the first picture each time, which changes nothing about the storm.
    assert hangs_up == "after some pictures" or daemon.scored("rude") == 0


def unused_port() -> int:
    """Nobody listens on it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
