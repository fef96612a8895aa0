"""Frames, what the daemon asks of a source, and the sampler's promises."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from movinet_edge.api import Frame, FrameRequest, Sampler

RATES = st.floats(min_value=0.1, max_value=240.0)
STARTS_S = st.floats(min_value=-1e4, max_value=1e6)
# What a sampler forgives, and what a sum of floats adds to it.
ROUNDING_S = 2e-4


@st.composite
def clocks(draw):
    """Rising times in seconds, even or not, with pauses."""
    start_s = draw(STARTS_S)
    steps_s = draw(st.lists(st.floats(min_value=0.001, max_value=5.0), max_size=200))
    return list(start_s + np.concatenate([[0.0], np.cumsum(steps_s)]))


def sampled(fps, times_s):
    sampler = Sampler(fps)
    return [time_s for time_s in times_s if sampler.due(time_s)]


@settings(deadline=None)
@given(RATES, clocks())
def test_the_first_frame_is_due(fps, times_s):
    assert sampled(fps, times_s)[0] == times_s[0]


@settings(deadline=None)
@given(RATES, clocks())
def test_the_rate_is_never_exceeded_on_average(fps, times_s):
    due = sampled(fps, times_s)
    for number, time_s in enumerate(due):
        assert number <= (time_s - due[0] + ROUNDING_S) * fps + 1e-6


@settings(deadline=None)
@given(RATES, clocks())
def test_no_period_that_has_a_frame_goes_by_without_one(fps, times_s):
    # The frames that were passed over come sooner than a period after one that was not.
    due = iter([*sampled(fps, times_s), math.inf])
    latest_s, next_s = next(due), next(due)
    for time_s in times_s[1:]:
        if time_s == next_s:
            latest_s, next_s = time_s, next(due)
        else:
            assert time_s - latest_s < 1.0 / fps + ROUNDING_S


@settings(deadline=None)
@given(RATES, clocks())
def test_sampling_what_was_sampled_changes_nothing(fps, times_s):
    due = sampled(fps, times_s)
    assert sampled(fps, due) == due


@settings(deadline=None)
@given(clocks())
def test_without_a_rate_every_frame_is_due(times_s):
    assert sampled(None, times_s) == times_s


@pytest.mark.parametrize(
    ("source_fps", "fps", "expected"),
    [
        (25.0, 5.0, 51),
        (30.0, 5.0, 51),
        (30000 / 1001, 5.0, 50),  # the grid begins with a frame, and the last one comes too late for it
        (24.0, 5.0, 51),
        (5.0, 5.0, 51),
        (3.0, 5.0, 31),  # a slower source is looked at whole
    ],
)
def test_ten_seconds_of_a_steady_source(source_fps, fps, expected):
    times_s = [n / source_fps for n in range(math.floor(10 * source_fps + 1e-9) + 1)]
    assert len(sampled(fps, times_s)) == expected


def test_the_pace_does_not_drift():
    due = sampled(5.0, [n * 1001 / 30000 for n in range(30 * 3600)])
    assert len(due) == pytest.approx(5 * 3600 * 1.001, abs=2)


def test_timestamps_rounded_to_milliseconds_lose_no_frame():
    times_s = [round(n / 15, 3) for n in range(150)]
    assert sampled(5.0, times_s) == pytest.approx([n / 5 for n in range(50)], abs=0.001)


@settings(deadline=None)
@given(RATES, STARTS_S, st.floats(min_value=10.0, max_value=1e5), st.sampled_from([-1, 1]))
def test_after_a_jump_of_the_clock_the_next_frame_is_due(fps, start_s, jump_s, sign):
    assume(jump_s * fps > 3.0)
    sampler = Sampler(fps)
    assert sampler.due(start_s)
    after_s = start_s + sign * jump_s
    assert sampler.due(after_s)
    assert not sampler.due(after_s)


def test_a_small_step_back_is_no_jump():
    sampler = Sampler(5.0)
    assert sampler.due(10.0)
    assert not sampler.due(9.95)
    assert sampler.due(10.2)


def test_reset_makes_the_next_frame_due():
    sampler = Sampler(1.0)
    assert [sampler.due(0.0), sampler.due(0.1)] == [True, False]
    sampler.reset()
    assert [sampler.due(0.2), sampler.due(1.1), sampler.due(1.2)] == [True, False, True]


@pytest.mark.parametrize("fps", [0, 0.0, -5.0, math.nan, math.inf])
def test_a_rate_must_be_a_positive_number(fps):
    with pytest.raises(ValueError, match="positive"):
        Sampler(fps)


def test_a_request_asks_for_everything_unless_told_otherwise():
    request = FrameRequest()
    assert request.fps is None
    assert request.size_for(640, 480) == (640, 480)


@pytest.mark.parametrize("shape", [(48, 64, 3), (48, 64, 4), (48, 64)])
def test_the_size_is_width_and_height(shape):
    assert Frame(np.zeros(shape, np.uint8), 0.0).size_px == (64, 48)


def test_a_frame_cannot_be_changed():
    frame = Frame(np.zeros((2, 2, 3), np.uint8), 1.5)
    assert (frame.colour, frame.wall_time_s, frame.discontinuity) == ("rgb", None, False)
    with pytest.raises(AttributeError):
        frame.time_s = 2.0
