"""Figures and their uncertainty."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.teaching.figures import Share, area, figures_of


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Wilson's interval, from a table.
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (90, 100, 0.8256, 0.9448), (0, 0, 0.0, 1.0)],
)
def test_where_the_true_share_lies(count, of, low, high):
    assert Share(count, of).range == pytest.approx((low, high), abs=1e-4)


def test_a_share_of_none():
    assert math.isnan(Share(0, 0).value)


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=30))
def test_the_area_counts_pairs(pairs):
    outputs, flags = np.array([o for o, _ in pairs], float), np.array([f for _, f in pairs])
    if flags.all() or not flags.any():
        return
    right = [(a > b) + 0.5 * (a == b) for a, f in pairs if f for b, g in pairs if not g]
    assert area(outputs, flags) == pytest.approx(np.mean(right))


def test_figures():
    outputs = np.array([3.0, -0.1, 0.2, 2.0, -3.0, np.nan, np.nan])
    flags = np.array([True, True, True, False, False, True, False])
    found = figures_of(outputs, flags)
    assert (found.found, found.mistaken) == (Share(2, 3), Share(1, 2))
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.on == pytest.approx(1 / (1 + math.exp(-2)) + 0.03, abs=0.005)
    assert found.as_numbers()["examples"] == 3


@pytest.mark.parametrize(("highest", "on"), [(-5.0, 0.5), (9.0, 0.95)])
def test_a_threshold_stays_within_reason(highest, on):
    assert figures_of(np.array([0.0, highest]), np.array([True, False])).on == on


@pytest.mark.parametrize("flags", [[True, True], [False, False]])
def test_one_kind_alone_has_no_figures(flags):
    assert figures_of(np.array([1.0, 2.0]), np.array(flags)) is None


def test_what_was_not_held_out_does_not_count():
    assert figures_of(np.array([1.0, np.nan]), np.array([True, False])) is None
