"""Softmax never overflows, and the best labels obey count, threshold and the lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from movinet_edge.engine.scores import softmax, top

LABELS = ("bowling", "carving ice", "dancing ballet", "eating cake", "fencing")
SCORES = np.array([0.1, 0.5, 0.2, 0.15, 0.05], np.float32)
BEST_FIRST = ["carving ice", "dancing ballet", "eating cake", "bowling", "fencing"]

LOGITS = npst.arrays(np.float32, st.integers(2, 40), elements=st.floats(-(2.0**100), 2.0**100, width=32))


@given(LOGITS)
def test_softmax_of_any_finite_logits_is_a_distribution(logits):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        scores = softmax(logits.copy())
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert scores.min() >= 0
    assert scores.sum() == pytest.approx(1.0, abs=1e-5)
    assert scores[logits.argmax()] == scores.max()


@given(npst.arrays(np.float32, st.integers(2, 40), elements=st.floats(-30, 30, width=32)), st.floats(-50, 50, width=32))
def test_softmax_is_the_formula_and_ignores_a_shift(logits, shift):
    exact = np.exp(logits.astype(np.float64))
    np.testing.assert_allclose(softmax(logits.copy()), exact / exact.sum(), atol=1e-6)
    np.testing.assert_allclose(softmax(logits + np.float32(shift)), exact / exact.sum(), atol=1e-4)


def test_softmax_where_the_naive_formula_overflows():
    np.testing.assert_allclose(
        softmax(np.array([1000, 999, -1000], np.float32)), [0.7310586, 0.2689414, 0.0], atol=1e-6
    )


def test_softmax_works_in_place():
    logits = np.array([1.0, 2.0], np.float32)
    assert softmax(logits) is logits


TOP = {
    "five are the default": ({}, BEST_FIRST),
    "count": ({"count": 2}, BEST_FIRST[:2]),
    "count above the number of labels": ({"count": 50}, BEST_FIRST),
    "all": ({"count": None}, BEST_FIRST),
    "threshold": ({"threshold": 0.15}, BEST_FIRST[:3]),
    "a score at the threshold counts": ({"threshold": 0.5}, ["carving ice"]),
    "threshold above all": ({"threshold": 0.6}, []),
    "allow": ({"allow": ["fencing", "bowling"]}, ["bowling", "fencing"]),
    "allow before count": ({"allow": ["fencing", "bowling"], "count": 1}, ["bowling"]),
    "allow nothing": ({"allow": []}, []),
    "deny": ({"deny": {"carving ice", "eating cake"}}, ["dancing ballet", "bowling", "fencing"]),
    "deny before count": ({"deny": ["carving ice"], "count": 1}, ["dancing ballet"]),
    "deny nothing": ({"deny": []}, BEST_FIRST),
    "allow and threshold": ({"allow": ["fencing", "bowling"], "threshold": 0.1}, ["bowling"]),
}


@pytest.mark.parametrize(("settings", "expected"), TOP.values(), ids=TOP)
def test_top(settings, expected):
    found = top(SCORES, LABELS, **settings)
    assert [label for label, _ in found] == expected
    assert found == [(label, float(SCORES[LABELS.index(label)])) for label in expected]


def test_five_of_many_are_the_default():
    scores = np.linspace(0, 1, 9, dtype=np.float32)
    assert [label for label, _ in top(scores, "abcdefghi")] == list("ihgfe")


def test_equal_scores_keep_the_labels_order():
    labels = [f"label {index:03}" for index in range(200)]
    scores = np.tile(np.array([0.2, 0.3], np.float32), 100)
    assert [label for label, _ in top(scores, labels, count=None)] == labels[1::2] + labels[::2]


def test_scores_are_left_alone():
    before = SCORES.copy()
    top(SCORES, LABELS, count=1)
    np.testing.assert_array_equal(SCORES, before)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"allow": ["fencing"], "deny": ["bowling"]}, "not both"),
        ({"allow": [], "deny": []}, "not both"),
        ({"allow": ["fencing", "yoga", "flying"]}, "not among the model's labels: flying, yoga"),
        ({"deny": ["Fencing"]}, "not among the model's labels: Fencing"),
        ({"count": 0}, "count must be at least 1 or None, not 0"),
        ({"count": -1}, "not -1"),
    ],
)
def test_top_refuses(settings, reason):
    with pytest.raises(ValueError, match=reason):
        top(SCORES, LABELS, **settings)
