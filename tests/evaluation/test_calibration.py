"""Calibration: what is promised with a confidence is kept as often as that says."""

import math

import numpy as np
import pytest

from movinet_edge.actions import ActionRule
from movinet_edge.config import StreamSettings
from movinet_edge.evaluation.calibration import SPAN_S, calibrate
from movinet_edge.evaluation.tracks import Track

SETTINGS = StreamSettings.model_validate(
    {"name": "x", "source": {"type": "file"}, "all_labels": True, "warm_up": 0, "smoothing": {"type": "none"}}
)
RULE = ActionRule("fall", ("fall",), on=0.001, off=0.0005)
SPANS_A_DAY = 86_400 / SPAN_S
LOWEST, SLOPE = -6.0, 0.4
"""Of the odds of made-up scenes, which fall off exponentially; so it is known how often any score is reached."""


def scene(spans, random):
    """One frame for each span, whose scores have such odds."""
    odds = LOWEST + random.exponential(SLOPE, spans)
    return Track("life", spans * SPAN_S, np.arange(spans) * SPAN_S, (1 / (1 + np.exp(-odds)))[:, None])


def reached_a_day(score):
    """How often a day such a scene truly reaches the score."""
    return SPANS_A_DAY * math.exp(-max(0.0, math.log(score / (1 - score)) - LOWEST) / SLOPE)


@pytest.mark.parametrize("minutes", [5, 30])
def test_the_promise_is_kept_as_often_as_the_confidence_says(minutes):
    scenes = [scene(round(minutes * 60 / SPAN_S), np.random.default_rng(seed)) for seed in range(100)]
    results = [calibrate([one], [RULE], SETTINGS, false_per_day=1)[0] for one in scenes]
    kept = [reached_a_day(result.on) <= 1 for result in results if result.reached]
    assert len(kept) > 80
    # Nine of ten on average; so much less would come by chance once in a hundred times.
    assert np.mean(kept) >= 0.82


def test_the_surer_the_higher():
    life = scene(360, np.random.default_rng(0))
    ons = [calibrate([life], [RULE], SETTINGS, false_per_day=1, confidence=sure)[0].on for sure in (0.5, 0.8, 0.99)]
    assert ons == sorted(set(ons))


def test_the_longer_the_watch_the_nearer_to_what_is_needed():
    ons = [
        np.median(
            [calibrate([scene(n, np.random.default_rng(s))], [RULE], SETTINGS, false_per_day=1)[0].on for s in range(9)]
        )
        for n in (60, 360, 3600)
    ]
    assert ons == sorted(ons, reverse=True)
    assert reached_a_day(ons[-1]) > 0.1


def test_what_the_warm_up_shows_does_not_count():
    scores = np.full((600, 1), 0.02)
    scores[:3] = 0.9
    life = Track("life", 120.0, np.arange(600) / 5, scores)
    warm = SETTINGS.model_copy(update={"warm_up_s": 1.0})
    assert calibrate([life], [RULE], warm, false_per_day=1)[0].highest == pytest.approx(0.02)
    assert calibrate([life], [RULE], SETTINGS, false_per_day=1)[0].highest == pytest.approx(0.9)


@pytest.mark.parametrize("often", [17_279.0, 17_281.0, 1e9])
def test_whoever_allows_an_event_in_every_span_gets_it(often):
    life = scene(60, np.random.default_rng(0))
    (result,) = calibrate([life], [RULE], SETTINGS, false_per_day=often)
    assert result.on <= result.highest
    assert result.reached


def test_a_threshold_of_one_stays():
    life = scene(60, np.random.default_rng(0))
    (result,) = calibrate([life], [ActionRule("fall", ("fall",), on=1.0, off=0.5)], SETTINGS, false_per_day=1)
    assert (result.on, result.off) == (1.0, 0.5)
