"""One stream's pipeline: sampling by timestamp, gaps, unusable frames, and figures that add up."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import toy_model
from coloured_scenes import FPS, SPEC, check_pairs, feed, make_pipeline, picture, scene, told
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from movinet_edge.api import Frame, StopReason
from movinet_edge.engine import load_model

RED_STARTS = ("start", "red", None)
RED_LOST = ("stop", "red", "source_lost")
RED_GAP = ("stop", "red", "gap")


def evenly(fps, seconds):
    return [index / fps for index in range(round(seconds * fps))]


def jittering(seconds):
    """A camera in poor light: 12 to 30 frames a second, by turns."""
    times, now = [], 0.0
    while now < seconds:
        times.append(now)
        now += (1 / 30, 1 / 12, 1 / 25, 1 / 15)[len(times) % 4]
    return times


@pytest.mark.parametrize(
    ("times", "frames"),
    [
        (evenly(30000 / 1001, 8), 40),
        (evenly(25, 8), 40),
        (evenly(10, 8), 40),
        (evenly(5, 8), 40),
        (evenly(7, 8), 40),
        (jittering(8), 40),
        ([1e6 + time_s for time_s in evenly(30000 / 1001, 8)], 40),
        (evenly(2, 8), 16),
        (evenly(1, 8), 8),
    ],
    ids=["29.97", "25", "10", "5", "7", "variable", "late clock", "2: too few", "1: too few"],
)
def test_the_models_pace_is_kept_by_timestamp(model, times, frames):
    scored_s = []
    pipeline = make_pipeline(model, on_scores=lambda _stream, time_s, _scores: scored_s.append(time_s))
    feed(pipeline, [Frame(picture("black"), time_s) for time_s in times])
    assert len(scored_s) == pipeline.figures.scored == pytest.approx(frames, abs=1)
    assert pipeline.figures.scored + pipeline.figures.skipped == len(times)
    assert pipeline.figures.gaps == 0
    # Each is the first frame at or after its place in the grid, so the pace does not drift.
    if frames == 40:
        for index, time_s in enumerate(scored_s):
            assert 0 <= time_s - times[0] - index / FPS + 1e-4 < 1 / FPS


def test_every_frame_is_scored_when_no_pace_is_asked_for(model):
    pipeline = make_pipeline(model, fps="native")
    feed(pipeline, scene(("black", 2), fps=30))
    assert pipeline.figures.scored == 60


@pytest.mark.parametrize("fps", [2.0, 10.0, 29.97])
def test_times_of_events_do_not_depend_on_the_cameras_pace(model, fps):
    frames = scene(("black", 4), ("red", 6), ("black", 4), fps=fps)
    start, stop = feed(make_pipeline(model), frames)
    assert told([start, stop]) == [RED_STARTS, ("stop", "red", "below")]
    assert start.started_s == pytest.approx(4, abs=1)
    # The memory is counted in frames: the toy, like the real model, averages over it twice, in layers and in the head.
    assert 10 < stop.time_s <= 10 + 2 * 5 / min(fps, FPS)


BEFORE = scene(("black", 1), ("red", 2))
LAST_S = BEFORE[-1].time_s
AFTER = [("red", 0.4), ("black", 1), ("blue", 1)]


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (scene(*AFTER, begin_s=LAST_S + 10), "silence"),
        (scene(*AFTER, begin_s=LAST_S - 2), "the clock falls"),
        ([replace(frame, discontinuity=index == 0) for index, frame in enumerate(scene(*AFTER, begin_s=3.0))], "cut"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_break_closes_what_is_open_and_forgets_the_stream(model, after, what):
    scores = []
    pipeline = make_pipeline(model, on_scores=lambda _stream, _time_s, found: scores.append(found.copy()))
    assert told(feed(pipeline, BEFORE)) == [RED_STARTS]
    already = len(scores)
    events = pipeline.feed(after[0])
    assert told(events[:1]) == [RED_GAP]
    assert events[0].time_s == LAST_S
    feed(pipeline, after[1:])

    fresh_scores = []
    fresh = make_pipeline(model, on_scores=lambda _stream, _time_s, found: fresh_scores.append(found.copy()))
    feed(fresh, after)
    # Bit for bit: nothing of what was before the break is in the scores after it.
    assert np.array_equal(scores[already:], fresh_scores)
    assert pipeline.figures.gaps == 1


def test_the_first_frame_after_a_cut_is_always_looked_at(model):
    pipeline = make_pipeline(model)
    feed(pipeline, BEFORE)
    scored = pipeline.figures.scored
    pipeline.feed(Frame(picture("red"), LAST_S + 0.02, discontinuity=True))
    assert pipeline.figures.scored == scored + 1


@pytest.mark.parametrize("silence_s", [0.4, 0.9, -0.5])
def test_a_pause_shorter_than_the_memory_is_no_break(model, silence_s):
    pipeline = make_pipeline(model)
    feed(pipeline, BEFORE)
    assert pipeline.feed(Frame(picture("red"), LAST_S + silence_s)) == []
    assert pipeline.figures.gaps == 0


def test_a_memory_of_one_frame_does_not_make_every_frame_a_break(model):
    pipeline = make_pipeline(model, window=1)
    feed(pipeline, scene(("red", 4), fps=3))
    assert pipeline.figures.gaps == 0


def test_a_cumulative_memory_breaks_too(model):
    pipeline = make_pipeline(model, memory="cumulative")
    feed(pipeline, BEFORE)
    assert told(pipeline.feed(Frame(picture("black"), LAST_S + 4))) == []
    assert told(pipeline.feed(Frame(picture("black"), LAST_S + 60)))[0] == RED_GAP


def test_the_end_closes_what_is_open_and_forgets_the_stream(model):
    pipeline = make_pipeline(model)
    feed(pipeline, BEFORE)
    assert told(pipeline.end(StopReason.SOURCE_LOST)) == [RED_LOST]
    assert pipeline.end(StopReason.SOURCE_LOST) == []
    # The next life of the source begins its clock anew, which is no break.
    assert told(feed(pipeline, BEFORE)) == [RED_STARTS]
    assert pipeline.figures.gaps == 0


@pytest.fixture(scope="module")
def fragile_model(tmp_path_factory):
    """Gives NaN for a bright picture."""
    return load_model(toy_model.write(replace(SPEC, nan_logits=True), tmp_path_factory.mktemp("nan") / "nan.tflite"))


def test_scores_that_are_no_numbers_are_a_break_and_no_more(fragile_model):
    pipeline = make_pipeline(fragile_model)
    bright = np.full((12, 16, 3), 255, np.uint8)
    feed(pipeline, BEFORE)
    with capture_logs() as logs:
        assert told(pipeline.feed(Frame(bright, LAST_S + 0.2))) == [RED_GAP]
        assert pipeline.feed(Frame(bright, LAST_S + 0.4)) == []
    assert [(log["log_level"], log["event"]) for log in logs] == [
        ("warning", "frame cannot be scored"),
        ("debug", "frame cannot be scored"),
    ]
    assert told(feed(pipeline, scene(("red", 1), begin_s=LAST_S + 0.6))) == [RED_STARTS]
    assert pipeline.figures.unusable == 2


@pytest.mark.parametrize(
    "frame",
    [
        Frame(np.zeros((12, 16, 3), np.float32), LAST_S + 0.2),
        Frame(np.zeros((0, 16, 3), np.uint8), LAST_S + 0.2),
        Frame(np.zeros((12, 16, 2), np.uint8), LAST_S + 0.2),
        Frame(np.zeros((12, 16, 4), np.uint8), LAST_S + 0.2, "bgr"),
        Frame(picture("red"), LAST_S + 0.2, "yuv"),
        Frame(picture("red"), math.nan),
        Frame(picture("red"), math.inf),
    ],
    ids=["dtype", "empty", "channels", "colour and channels", "colour", "time NaN", "time inf"],
)
def test_a_frame_that_is_no_picture_is_counted_and_changes_nothing(model, frame):
    pipeline = make_pipeline(model)
    feed(pipeline, BEFORE)
    assert pipeline.feed(frame) == []
    assert pipeline.feed(Frame(picture("red"), LAST_S + 0.4)) == []
    assert told(pipeline.end(StopReason.SOURCE_LOST)) == [RED_LOST]
    assert (pipeline.figures.unusable, pipeline.figures.gaps) == (1, 0)


def test_stops_before_a_frame_on_which_everything_fails_are_told(model):
    pipeline = make_pipeline(model)
    feed(pipeline, BEFORE)
    assert told(pipeline.feed(Frame(None, LAST_S + 10))) == [RED_GAP]
    assert pipeline.figures.unusable == 1


@pytest.mark.parametrize("wall_time_s", [None, math.nan, -5.0, 1.7e12, math.inf], ids=str)
def test_a_wall_time_that_is_none_means_now(model, wall_time_s):
    """A source that counts in milliseconds must not put its events into the year 55000, nor break the stream."""
    pipeline = make_pipeline(model)
    before = time.time()
    (start,) = feed(pipeline, [replace(frame, wall_time_s=wall_time_s) for frame in scene(("red", 1))])
    assert before - 2 < start.started_at.timestamp() < time.time() + 2


kinds = st.sampled_from(["black", "red", "blue", "not a picture", "nothing", "no time"])
steps = st.sampled_from([0.02, 0.1, 0.2, 0.2, 0.2, 0.5, 3.0, -0.3, -5.0])


def frame_of(kind, time_s, *, cut):
    if kind == "no time":
        return Frame(picture("red"), math.nan, discontinuity=cut)
    images = {"not a picture": np.zeros((3, 3), np.int64), "nothing": None}
    return Frame(images[kind] if kind in images else picture(kind), time_s, discontinuity=cut)


@given(st.lists(st.tuples(kinds, steps, st.integers(0, 9)), max_size=60))
@settings(deadline=None, max_examples=60)
def test_every_frame_is_in_one_count_and_every_start_has_its_stop(model, script):
    pipeline = make_pipeline(model)
    time_s, events = 0.0, []
    for kind, step_s, dice in script:
        time_s += step_s
        events += pipeline.feed(frame_of(kind, time_s, cut=dice == 0))
    events += pipeline.end(StopReason.SHUTDOWN)
    check_pairs(events)
    figures = pipeline.figures
    assert figures.scored + figures.skipped + figures.unusable == len(script)


def test_slowness_is_told_once_and_so_is_its_end(model):
    pipeline = make_pipeline(model)
    slow = scene(("black", 65), fps=2)
    fast = scene(("black", 65), fps=10, begin_s=65.0)
    with capture_logs() as logs:
        feed(pipeline, slow)
        feed(pipeline, fast)
    assert [(log["log_level"], log["event"], log["fps"]) for log in logs] == [
        ("warning", "scored too slowly", 2.0),
        ("info", "scored fast enough again", pytest.approx(5.0, abs=0.6)),
    ]
    assert logs[0]["wanted_fps"] == FPS


@pytest.mark.parametrize("fps", [4.5, 5, 25])
def test_a_pace_that_is_nearly_right_is_no_news(model, fps):
    pipeline = make_pipeline(model)
    with capture_logs() as logs:
        feed(pipeline, scene(("black", 65), fps=fps))
    assert logs == []
