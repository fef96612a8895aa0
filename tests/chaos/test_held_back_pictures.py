"""A network that holds pictures back and then delivers them all at once: none of the old ones is scored."""

import time

import findings
from clock_camera import clock_camera
from peers.tcp_relay import TcpRelay
from watched_daemon import WatchedDaemon

from movinet_edge_plugins.rtsp import RtspSource

# Longer than a picture may be late, and shorter than what the age of a picture is known modulo of.
HELD_S = 2.4


def test_pictures_without_timestamps_are_not_scored_when_they_were_held_back(tmp_path):
    with clock_camera() as camera, TcpRelay(camera) as relay:
        settings = RtspSource.Settings(url=f"http://127.0.0.1:{relay.port}/")
        daemon = WatchedDaemon({"web": lambda: RtspSource(settings)}, tmp_path, stall_after_s=6.0)
        with daemon.running():
            daemon.wait_scored(5, 20.0)
            relay.manner = "stalled"
            time.sleep(HELD_S)
            relay.manner = "whole"
            daemon.wait_scored(5, 20.0)
            assert daemon.supervisor.runner("web").reconnects == 0
    assert max(look.age_s for look in daemon.notes.looks["web"]) < findings.FRESH_S + findings.PATH_S
