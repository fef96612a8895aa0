"""After ten minutes of one scene a new action is told in time, with the settings that nobody has touched."""

import itertools

import pytest

from movinet_edge.api import EventType, Frame, FrameRequest, StopReason
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.library import load
from movinet_edge_plugins.file import FileSettings, FileSource

FPS = 5
SCENE_FRAMES = 10 * 60 * FPS
SHOWN_FRAMES = 10 * FPS


@pytest.fixture(scope="module")
def model(a0_int8):
    return load(a0_int8)


def read_pictures(path, model):
    request = FrameRequest(FPS, model.new_state().preprocessor.frame_size)
    return [frame.image for frame in FileSource(FileSettings(path=path)).frames(request)]


@pytest.mark.slow
def test_a_new_action_after_ten_minutes_of_another_scene(model, clips_dir):
    scene = itertools.cycle(read_pictures(clips_dir / "carving_ice_rpi.mp4", model))
    shown = itertools.cycle(read_pictures(clips_dir / "synthetic_cc0_Jumping_Jacks.mp4", model))
    pictures = [
        *itertools.islice(scene, SCENE_FRAMES),
        *itertools.islice(shown, SHOWN_FRAMES),
        *itertools.islice(scene, SHOWN_FRAMES),
    ]
    settings = StreamSettings.model_validate(
        {"name": "porch", "source": {"type": "file"}, "actions": {"jumping": {"labels": ["jumping jacks"]}}}
    )
    pipeline = build_pipeline("porch", settings, model, watch_list(settings.actions, None, model.labels))
    events = []
    for index, picture in enumerate(pictures):
        events += pipeline.feed(Frame(picture, index / FPS))
    events += pipeline.end(StopReason.SOURCE_LOST)

    start, stop = events
    begin_s, end_s = SCENE_FRAMES / FPS, (SCENE_FRAMES + SHOWN_FRAMES) / FPS
    assert (start.event_type, stop.event_type, stop.reason) == (EventType.START, EventType.STOP, StopReason.BELOW)
    assert begin_s < start.time_s <= begin_s + 3
    assert end_s < stop.time_s <= end_s + 6
    assert begin_s <= start.started_s < start.time_s
    assert stop.ended_s == pytest.approx(end_s, abs=1.5)
    assert pipeline.figures.scored == len(pictures)
