"""The wall clock is set while streams run: no stream notices, and events carry the time that was right by then."""

import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from clock_camera import clock_camera
from coloured_scenes import QUICK, check_pairs
from steady_source import BLINK_S, SteadySource
from watched_daemon import WatchedDaemon

from movinet_edge.api import EventType, StreamState
from movinet_edge_plugins.rtsp import RtspSource

HOUR_S = 3600.0
ERA_S = 2.0
# A few pictures at five a second.
MOST_PAUSE_S = 1.0


def test_a_clock_that_jumps_by_an_hour_disturbs_nothing(tmp_path, monkeypatch):
    right = time.time
    with clock_camera() as camera:
        address = RtspSource.Settings(url=f"http://127.0.0.1:{camera}/")
        sources = {"web": lambda: RtspSource(address), "steady": lambda: SteadySource(10)}
        daemon = WatchedDaemon(sources, tmp_path, window=1, actions={"red": {"labels": ["red"], **QUICK}})
        with daemon.running():
            daemon.wait_scored(3, 20.0)
            for offset_s in (HOUR_S, -HOUR_S, 0.0):
                monkeypatch.setattr(time, "time", lambda offset_s=offset_s: right() + offset_s)
                time.sleep(ERA_S)
            status = daemon.supervisor.status()
    for stream in status.streams:
        states = [state for _, state in daemon.notes.states[stream.name]]
        assert states in ([StreamState.CONNECTING, StreamState.LIVE], [StreamState.LIVE])
        assert (stream.health.reconnects, stream.health.gaps, stream.health.abandoned) == (0, 0, 0)
        looks_s = [look.at_s for look in daemon.notes.looks[stream.name]]
        assert max(two - one for one, two in pairwise(looks_s)) < MOST_PAUSE_S
    check_pairs(daemon.events)
    for event in daemon.events:
        if event.event_type is EventType.STOP:
            assert 0.0 <= event.duration_s < BLINK_S + MOST_PAUSE_S
            assert (event.ended_at - event.started_at).total_seconds() == pytest.approx(event.duration_s, abs=0.01)
    eras = {round((event.started_at - datetime.now(UTC)).total_seconds() / HOUR_S) for event in daemon.events}
    assert eras == {-1, 0, 1}
