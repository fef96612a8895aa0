"""Thresholds that somebody changes while the frames go on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.actions import ActionDetector, ActionRule, Ema, WatchList
from movinet_edge.api import EventType, StopReason

LABELS = ("waving hand", "clapping")
TIMES = {"on": 0.5, "off": 0.3, "min_duration_s": 0.0, "max_gap_s": 0.0, "cooldown_s": 0.0}
RULES = [ActionRule("waving", LABELS[:1], **TIMES), ActionRule("clapping", LABELS[1:], **TIMES)]
START, STOP = EventType.START, EventType.STOP


@pytest.fixture
def target():
    return ActionDetector(WatchList.compile(RULES, LABELS), Ema(0.0))


def feed(target, waving, *, begin=0, clapping=0.0):
    """Show these scores at 5 frames per second; what is told, with the number of the frame."""
    return [
        (number, told.kind, told.action)
        for number, score in enumerate(waving, begin)
        for told in target.step(number / 5, np.array([score, clapping], np.float32))
    ]


def test_a_lower_threshold_lets_an_action_begin_that_was_not_one(target):
    assert feed(target, [0.4] * 5) == []
    target.set_thresholds("waving", 0.35, 0.2)
    assert feed(target, [0.4] * 5, begin=5) == [(5, START, "waving")]


def test_a_higher_one_lets_what_has_begun_go_on_and_only_the_next_must_reach_it(target):
    feed(target, [0.6])
    target.set_thresholds("waving", 0.9, 0.54)
    assert feed(target, [0.6] * 5, begin=1) == []
    assert target.active == ("waving",)
    assert feed(target, [0.0, 0.6, 0.8, 0.9], begin=6) == [(6, STOP, "waving"), (9, START, "waving")]


def test_a_higher_off_ends_what_is_below_it(target):
    feed(target, [0.6, 0.4])
    target.set_thresholds("waving", 0.9, 0.5)
    assert feed(target, [0.4], begin=2) == [(2, STOP, "waving")]


def test_others_are_not_touched(target):
    target.set_thresholds("waving", 0.9, 0.8)
    assert target.thresholds == {"waving": (0.9, 0.8), "clapping": (0.5, 0.3)}
    assert feed(target, [0.6], clapping=0.6) == [(0, START, "clapping")]


def test_they_outlive_a_reset_and_what_was_configured_is_remembered(target):
    target.set_thresholds("waving", 0.9, 0.54)
    feed(target, [1.0])
    target.reset(StopReason.GAP)
    assert target.thresholds["waving"] == (0.9, 0.54)
    assert [(rule.on, rule.off) for rule in target.configured] == [(0.5, 0.3)] * 2
    assert feed(target, [0.8, 0.95], begin=10) == [(11, START, "waving")]


@pytest.mark.parametrize("score", [0.1, 0.3, 0.7, 0.9])
def test_a_float32_score_meets_a_threshold_of_the_same_decimals(target, score):
    target.set_thresholds("waving", score, score / 2)
    assert feed(target, [score]) == [(0, START, "waving")]


@pytest.mark.parametrize(
    ("action", "on", "off"),
    [("jumping", 0.5, 0.3), ("waving", 0.3, 0.5), ("waving", 1.5, 0.3), ("waving", 0.5, -0.1), ("waving", np.nan, 0.1)],
)
def test_what_cannot_work_is_refused_and_changes_nothing(target, action, on, off):
    with pytest.raises(ValueError):  # noqa: PT011  # of the rule, or of the search for the name
        target.set_thresholds(action, on, off)
    assert target.thresholds == {"waving": (0.5, 0.3), "clapping": (0.5, 0.3)}
    assert feed(target, [0.6]) == [(0, START, "waving")]


PAIRS = st.tuples(st.floats(0.0625, 1.0, width=16), st.floats(0.0, 1.0)).map(lambda pair: (pair[0], pair[0] * pair[1]))


@given(st.lists(st.tuples(st.floats(0.0, 1.0, width=16), st.none() | PAIRS), max_size=60))
def test_starts_and_stops_alternate_whenever_it_is_changed(frames):
    target = ActionDetector(WatchList.compile(RULES, LABELS), Ema(0.0))
    told, before = [], 0.0
    for number, (score, thresholds) in enumerate(frames):
        if thresholds is not None:
            target.set_thresholds("waving", *thresholds)
        on, off = (np.float32(value) for value in target.thresholds["waving"])
        was_active = bool(target.active)
        now = feed(target, [score], begin=number)
        told += now
        if (number, START, "waving") in now:
            assert score >= on
        if was_active and not target.active:
            assert min(score, before) < off, "a score holds until the next frame"
        before = score
    kinds = [kind for _, kind, _ in told]
    assert kinds == [START, STOP] * (len(kinds) // 2) + [START] * (len(kinds) % 2)
