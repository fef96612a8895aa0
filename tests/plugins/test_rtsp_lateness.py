"""Clocks of live streams: what is late, and what stands in for a missing timestamp."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge_plugins._lateness import Backlog, Lateness
from movinet_edge_plugins._video import Clock


def test_a_measured_step_stands_in_for_a_missing_timestamp():
    clock = Clock(0.04)
    assert [clock.tick(*tick) for tick in [(None, 9.0), (70.0, 4.0), (74.0, 9.0), (None, 2.0)]] == [0.0, 4.0, 8.0, 10.0]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([(0, 5), (1, 6), (2, 7)], [False, False, False]),
        ([(0, 5), (1, 6.9), (2, 7)], [False, False, False]),  # jitter
        ([(0, 5), (1, 8), (2, 8), (3, 8)], [False, True, False, False]),  # a stall, then a burst
        ([(0, 5), (2, 5), (3, 6), (4, 8.5)], [False, False, False, True]),  # a burst at the beginning sets the pace
        ([(0, 5), (100, 5), (101, 6)], [False, False, False]),  # timestamps leap
    ],
)
def test_lateness(frames, expected):
    lateness = Lateness()
    assert [lateness.is_stale(time_s, arrival_s) for time_s, arrival_s in frames] == expected


def test_lateness_says_for_how_long():
    lateness = Lateness()
    lateness.is_stale(0.0, 0.0)
    stale_for_s = []
    for time_s, arrival_s in [(1.0, 4.0), (2.0, 5.0), (3.0, 6.0), (7.0, 7.0)]:
        lateness.is_stale(time_s, arrival_s)
        stale_for_s.append(lateness.stale_for_s)
    assert stale_for_s == [0.0, 1.0, 2.0, 0.0]


@given(st.floats(0.985, 1.015), st.lists(st.floats(0.0, 0.9), min_size=2, max_size=200))
def test_neither_jitter_nor_a_wrong_clock_is_lateness(rate, jitter):
    lateness = Lateness()
    for second, late_s in enumerate(jitter):
        assert not lateness.is_stale(second * rate, second + late_s)


@given(st.floats(1.1, 100.0), st.integers(1, 50))
def test_a_step_is_lateness_whatever_came_before(delay_s, count):
    lateness = Lateness()
    for second in range(count):
        assert not lateness.is_stale(float(second), float(second))
    assert lateness.is_stale(count - 0.95, count - 0.95 + delay_s)


@pytest.mark.parametrize(
    ("asked_s", "frames", "expected"),
    [
        (4.5, [(0, 5.0), (0.2, 5.2), (0.4, 5.4)], [False, False, False]),
        (4.5, [(0, 5.0), (0.2, 5.0), (0.4, 5.0)], [False, False, False]),  # a burst, but none can be old
        (2.0, [(0, 5.0), (0.2, 5.2), (0.4, 5.4)], [True, False, False]),  # slow to connect
        (2.0, [(0, 5.0), (0.2, 5.0), (2.4, 5.1), (2.6, 5.3)], [True, True, True, False]),  # slow, and then a burst
        (2.0, [(0, 5.0), (3.6, 8.6)], [True, False]),  # a camera that pauses
        (2.0, [(0, 5.0), (0.2, 8.6), (0.4, 8.6), (3.8, 8.7), (4.0, 8.9)], [True, True, True, True, False]),
        (4.5, [(0, 5.0), (20, 25.0), (20.2, 25.2)], [False, False, False]),
    ],
)
def test_what_was_held_back_shows_by_coming_all_at_once(asked_s, frames, expected):
    backlog = Backlog(asked_s)
    assert [backlog.holds(time_s, arrival_s) for time_s, arrival_s in frames] == expected


@pytest.mark.parametrize(
    ("arrivals_s", "expected"),
    [
        ([0.2, 0.3, 0.4, 0.5], [False] * 4),
        ([0.2, 0.3, 0.4, 0.5, 2.9, 2.9, 2.901, 2.96, 3.06], [False] * 4 + [True] * 3 + [False] * 2),
        ([0.2, 0.3, 0.4, 0.5, 1.4, 1.4, 1.5], [False] * 7),  # not for long enough to be old
        ([0.2, 2.2, 4.2, 6.2], [False, True, True, False]),  # a camera that is slow
    ],
)
def test_without_timestamps_the_usual_distance_tells(arrivals_s, expected):
    backlog = Backlog(0.0)
    assert [backlog.holds(None, arrival_s) for arrival_s in arrivals_s] == expected


def test_a_stream_that_is_always_too_fast_is_shown_in_the_end():
    backlog = Backlog(-5.0)
    assert [backlog.holds(4.0 * second, float(second)) for second in range(8)] == [True] * 6 + [False] * 2
