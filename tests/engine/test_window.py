"""The sliding window feeds a streaming pool such that it averages exactly the last W frames, for ever."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movinet_edge.engine.window import SlidingWindow

Rows = NDArray[np.float32]


class StreamingPool:
    """What the graph does with a pool, as in the model: adds to the sum, counts, divides."""

    def __init__(self, window: SlidingWindow, size: int) -> None:
        self._window = window
        self._sum = np.zeros(size, np.float32)
        self._count = 0

    def step(self, contribution: Rows) -> Rows:
        """The mean that the graph goes on with; the window says what to go on with next."""
        self._sum = self._sum + contribution
        self._count += 1
        mean = self._sum / np.float32(self._count)
        sums = self._window.push(contribution)
        if sums is not None:
            self._sum, self._count = sums.copy(), self._window.window - 1
        return mean


def contributions(frames: int, size: int, seed: int) -> Rows:
    return np.random.default_rng(seed).standard_normal((frames, size)).astype(np.float32)


def means(window: SlidingWindow, rows: Rows) -> Rows:
    pool = StreamingPool(window, rows.shape[1])
    return np.array([pool.step(row) for row in rows])


@given(window=st.integers(1, 30), frames=st.integers(1, 120), size=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_pool_averages_the_last_frames(window, frames, size, seed):
    rows = contributions(frames, size, seed)
    expected = [rows[max(0, i + 1 - window) : i + 1].mean(axis=0, dtype=np.float64) for i in range(frames)]
    np.testing.assert_allclose(means(SlidingWindow(window, size), rows), expected, atol=1e-5, rtol=0)


@given(window=st.integers(1, 30), frames=st.integers(1, 120), size=st.integers(1, 3))
def test_whole_numbers_are_averaged_without_any_error(window, frames, size):
    # float32 adds small whole numbers exactly, so here not even rounding may differ.
    rows = np.random.default_rng(frames).integers(-100, 100, (frames, size)).astype(np.float32)
    slices = [rows[max(0, i + 1 - window) : i + 1] for i in range(frames)]
    expected = np.array([part.sum(axis=0) / np.float32(len(part)) for part in slices])
    np.testing.assert_array_equal(means(SlidingWindow(window, size), rows), expected)


@given(window=st.integers(1, 30), frames=st.integers(0, 90))
def test_frames_are_counted(window, frames):
    sliding = SlidingWindow(window, 2)
    means(sliding, contributions(frames, 2, 0))
    assert sliding.frames == frames


@given(window=st.integers(1, 30), before=st.integers(0, 90), after=st.integers(1, 60))
def test_reset_equals_new(window, before, after):
    used, rows = SlidingWindow(window, 3), contributions(after, 3, 1)
    means(used, contributions(before, 3, 0))
    used.reset()
    assert used.frames == 0
    np.testing.assert_array_equal(means(used, rows), means(SlidingWindow(window, 3), rows))


def test_two_hundred_thousand_frames_do_not_drift():
    window, size = 25, 8
    # Much larger numbers first: what rounding leaves behind of them would show in the small ones afterwards.
    rows = contributions(200_000, size, 0)
    rows[:199_000] *= 1e4
    last = means(SlidingWindow(window, size), rows)[-1]
    np.testing.assert_allclose(last, rows[-window:].mean(axis=0, dtype=np.float64), atol=1e-5, rtol=0)


def test_until_the_window_is_full_the_models_own_sum_stands():
    sliding = SlidingWindow(4, 1)
    for frame in range(6):
        sums = sliding.push(np.full(1, 10.0**frame, np.float32))
        assert (sums is None) == (frame < 2)
    assert sums.tolist() == [111_000.0]


@pytest.mark.parametrize("window", [0, -1])
def test_a_window_remembers_at_least_one_frame(window):
    with pytest.raises(ValueError, match=f"at least 1 frame, not {window}"):
        SlidingWindow(window, 3)
