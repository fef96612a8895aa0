"""A model that is too slow for all of its streams: they share it fairly, and somebody is told."""

import time

import pytest
from steady_source import SteadySource
from structlog.testing import capture_logs
from watched_daemon import WatchedDaemon

from movinet_edge.daemon import pace

# Of 40 pictures per second that are wanted, fewer than 20 can be scored.
STEP_S = 0.05
WANTED_FPS = 5.0
WATCHED_S = 6.0
# On a quiet machine all are within a fifth; one that is busy with something else too starves some cameras' own threads.
FAIR = 0.4

# Cameras that send more than they are asked for, or hardly enough, get no more and no less.
CAMERAS_FPS = (10, 10, 10, 10, 10, 10, 6, 30)


def test_every_stream_gets_the_same_pace_and_somebody_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "_OVER_S", 3.0)
    sources = {f"camera-{index}": lambda fps=fps: SteadySource(fps) for index, fps in enumerate(CAMERAS_FPS)}
    daemon = WatchedDaemon(sources, tmp_path, step_takes_s=STEP_S)
    with capture_logs() as logs, daemon.running():
        daemon.wait_scored(2, 20.0)
        before = {name: daemon.scored(name) for name in sources}
        begin_s = time.monotonic()
        time.sleep(WATCHED_S)
        took_s = time.monotonic() - begin_s
        scored = {name: daemon.scored(name) - before[name] for name in sources}
        status = daemon.supervisor.status()
    fair = sum(scored.values()) / len(scored)
    assert fair / took_s < 0.6 * WANTED_FPS, "the model was to be too slow"
    assert scored == {name: pytest.approx(fair, rel=FAIR) for name in sources}
    for stream in status.streams:
        assert stream.health.fps_scored == pytest.approx(fair / took_s, rel=FAIR)
        assert stream.health.fps_wanted == WANTED_FPS
        assert stream.health.dropped["engine busy"] > 0
        assert any("the engine cannot keep up: watch fewer streams" in sentence for sentence in stream.advice)
    told = {log["stream"] for log in logs if (log["event"], log["log_level"]) == ("scored too slowly", "warning")}
    assert told == set(sources)
