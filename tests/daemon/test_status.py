"""How the daemon's parts are put together into what it says of itself."""

import pytest
from coloured_scenes import PATIENCE_S, ScriptedSource, make_pipeline, scene
from stream_run import FRAME, make_runner, until, wait

from movinet_edge.api import SourceInfo, StreamState
from movinet_edge.daemon.status import action_statuses, stream_status
from movinet_edge.daemon.turns import Turns


class MainStream(ScriptedSource):
    """A source whose frames are far larger than the model needs."""

    info = SourceInfo(codec="h264", width_px=1920, height_px=1080, fps=25.0)


@pytest.mark.parametrize(("live", "pieces"), [(True, 1), (False, 0)], ids=["camera", "file"])
def test_only_a_camera_that_is_live_is_given_advice(model, live, pieces):
    """A file is decoded as fast as possible, which is no reason to look for a sub-stream."""
    turns, pipeline = Turns(["porch"]), make_pipeline(model)
    runner = make_runner(MainStream.lives([FRAME, wait], live=live), turns, meter=pipeline.meter)
    runner.start()
    until(lambda: runner.state is StreamState.LIVE)
    status = stream_status(runner, pipeline, turns)
    assert (status.state, len(status.advice), status.health.read) == ("live", pieces, 1)
    assert status.health.source == MainStream.info
    runner.disable()
    assert stream_status(runner, pipeline, turns).advice == ()
    turns.close()
    assert runner.stop(PATIENCE_S)


def test_what_goes_on_is_told_with_the_newest_score(model):
    pipeline = make_pipeline(model)
    for frame in scene(("black", 1), ("red", 1)):
        pipeline.feed(frame)
    red, blue = action_statuses(pipeline)
    assert (red.name, red.active, blue.name, blue.active) == ("red", True, "blue", False)
    assert red.score > red.on
    assert blue.score < blue.on
    assert (red.on, red.off) == (0.6, 0.4)


def test_of_all_labels_only_those_that_go_on_are_listed(model):
    pipeline = make_pipeline(model, actions={}, all_labels={"on": 0.6, "off": 0.4, "min_duration": 0})
    assert action_statuses(pipeline) == ()
    for frame in scene(("black", 1), ("red", 1)):
        pipeline.feed(frame)
    assert [status.name for status in action_statuses(pipeline)] == ["red"]
