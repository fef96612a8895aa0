"""Smoothers against their definitions, with even and uneven steps."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.actions import Ema, RollingMean, RollingMedian

MAKERS = [
    pytest.param(lambda: Ema(0.0), id="none"),
    pytest.param(lambda: Ema(0.3), id="ema"),
    pytest.param(lambda: RollingMean(1.0), id="mean"),
    pytest.param(lambda: RollingMedian(1.0), id="median"),
]


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def smoothed(smoother, times, values) -> list[float]:
    return [float(smoother.step(time_s, array(value))[0]) for time_s, value in zip(times, values, strict=True)]


def test_half_of_a_step_is_left_after_the_half_life():
    assert smoothed(Ema(0.3), [0.0, 0.3, 0.6, 1.2], [1, 0, 0, 0]) == pytest.approx([1, 0.5, 0.25, 0.0625])


@pytest.mark.parametrize("steps", [[0.6], [0.3, 0.3], [0.1, 0.4, 0.1], [0.05] * 12], ids=str)
def test_the_pace_does_not_depend_on_the_frame_rate(steps):
    times = np.cumsum([0.0, *steps])
    assert smoothed(Ema(0.3), times, [0.0] + [1.0] * len(steps))[-1] == pytest.approx(0.75)


def test_a_half_life_of_zero_changes_nothing():
    values = [0.1, 0.9, 0.0, 1.0]
    assert smoothed(Ema(0.0), range(4), values) == array(*values).tolist()


def test_after_a_long_silence_the_average_is_the_new_score():
    assert smoothed(Ema(0.3), [0.0, 1e5], [0.0, 1.0])[-1] == 1.0


def test_the_mean_covers_the_frames_of_the_last_seconds():
    times = [0.0, 0.1, 0.7, 0.9, 1.05, 3.0]
    values = [1.0, 0.5, 0.0, 0.0, 0.25, 0.125]
    expected = [1.0, 0.75, 0.5, 0.375, (0.5 + 0 + 0 + 0.25) / 4, 0.125]
    assert smoothed(RollingMean(1.0), times, values) == pytest.approx(expected)


def test_the_median_covers_the_frames_of_the_last_seconds():
    times = [0.0, 0.1, 0.7, 0.9, 1.05, 3.0]
    values = [1.0, 0.5, 0.0, 0.0, 0.25, 0.125]
    assert smoothed(RollingMedian(1.0), times, values) == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.125, 0.125])


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 1e6 + 0.3])
def test_a_window_of_a_second_holds_five_frames_of_five_a_second(offset_s):
    times = [offset_s + frame * 0.2 for frame in range(50)]
    impulse = [0.0] * 20 + [1.0] + [0.0] * 29
    mean = smoothed(RollingMean(1.0), times, impulse)
    assert mean == pytest.approx([0.0] * 20 + [0.2] * 5 + [0.0] * 25)


def test_a_burst_shorter_than_half_the_window_leaves_no_trace_in_the_median():
    times = [frame * 0.2 for frame in range(20)]
    burst = [0.1] * 10 + [0.9] * 2 + [0.1] * 8
    assert smoothed(RollingMedian(1.0), times, burst) == pytest.approx([0.1] * 20)


@pytest.mark.parametrize("make", [Ema, RollingMean, RollingMedian])
@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_seconds_that_cannot_be_are_refused(make, seconds):
    with pytest.raises(ValueError, match="finite"):
        make(seconds)


@pytest.mark.parametrize("make", [RollingMean, RollingMedian])
def test_an_empty_window_is_refused(make):
    with pytest.raises(ValueError, match="more than zero"):
        make(0.0)


@pytest.mark.parametrize("make", MAKERS)
def test_a_reset_smoother_is_a_new_one(make):
    used, new = make(), make()
    smoothed(used, range(9), [0.3] * 9)
    used.reset()
    times, values = [0.0, 0.2, 0.3, 0.9, 1.6], [0.0, 1.0, 0.5, 0.2, 0.0]
    assert smoothed(used, times, values) == smoothed(new, times, values)


@pytest.mark.parametrize("make", MAKERS)
def test_the_given_scores_are_neither_changed_nor_kept(make):
    smoother, twin = make(), make()
    buffer = array(0.0, 0.0)
    for frame in range(9):
        buffer[:] = (frame / 9, 1 - frame / 9)
        before = buffer.copy()
        mine = smoother.step(frame * 0.2, buffer).copy()
        np.testing.assert_array_equal(buffer, before)
        np.testing.assert_array_equal(mine, twin.step(frame * 0.2, before))


@pytest.mark.parametrize("make", MAKERS)
@given(
    steps=st.lists(st.tuples(st.floats(0.001, 3.0), st.floats(0, 1, width=32), st.floats(0, 1, width=32)), max_size=80)
)
def test_results_stay_in_range_and_actions_do_not_mix(make, steps):
    together, first, second = make(), make(), make()
    time_s = 0.0
    for step_s, left, right in steps:
        time_s += step_s
        both = together.step(time_s, array(left, right))
        assert both.dtype == np.float32
        assert 0.0 <= both.min() <= both.max() <= 1.0
        alone = (first.step(time_s, array(left))[0], second.step(time_s, array(right))[0])
        assert both.tolist() == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize(("make", "reference"), [(RollingMean, np.mean), (RollingMedian, np.median)])
@given(data=st.data())
def test_windows_agree_with_the_plain_computation(make, reference, data):
    seconds = data.draw(st.sampled_from([0.25, 1.0, 8.0]))
    frames = data.draw(st.lists(st.tuples(st.integers(1, 12), st.floats(0, 1, width=32)), min_size=1, max_size=150))
    times = np.cumsum([eighths for eighths, _ in frames]) / 8
    values = np.array([value for _, value in frames])
    expected = [
        reference(values[: frame + 1][times[: frame + 1] > times[frame] - seconds]) for frame in range(len(frames))
    ]
    assert smoothed(make(seconds), times, values) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("make", MAKERS)
def test_a_copy_goes_on_alike(make):
    original = make()
    smoothed(original, [0.0, 0.2, 0.4], [0.1, 0.9, 0.4])
    twin = copy.deepcopy(original)
    rest = ([0.6, 1.1], [0.8, 0.0])
    assert smoothed(original, *rest) == smoothed(twin, *rest)
