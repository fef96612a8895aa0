"""All actions of one stream together: what is told of scenes, gaps, resets and scores that are no numbers."""

import math

import numpy as np
import pytest

from movinet_edge.actions import ActionDetector, ActionRule, Ema, RollingMean, Transition, WatchList
from movinet_edge.api import EventType, StopReason

LABELS = ("waving hand", "clapping", "applauding", "push up")
# Written out, so that a better default changes no scene here.
TIMES = {"on": 0.5, "off": 0.3, "min_duration_s": 0.4, "max_gap_s": 0.4, "cooldown_s": 5.0}
RULES = (
    ActionRule("waving", ("waving hand",), **TIMES),
    ActionRule("applause", ("clapping", "applauding"), **TIMES),
    ActionRule("hands", ("waving hand", "clapping"), **TIMES),
)
START, UPDATE, STOP = EventType.START, EventType.UPDATE, EventType.STOP


def detector(*rules: ActionRule, smoother=None, **fields) -> ActionDetector:
    return ActionDetector(WatchList.compile(rules or RULES, LABELS), smoother or Ema(0.0), **fields)


def one(**fields) -> ActionRule:
    return ActionRule("waving", ("waving hand",), **{**TIMES, **fields})


def seen(**scores: float) -> np.ndarray:
    """Scores of all labels, 0 where not given; a blank in a label is written as `_`."""
    return np.array([scores.get(label.replace(" ", "_"), 0.0) for label in LABELS], dtype=np.float32)


def feed(target: ActionDetector, waving, *, start_s: float = 0.0, fps: float = 5.0) -> list[Transition]:
    """Show `waving hand` with these scores, frame by frame."""
    return [
        told
        for number, score in enumerate(waving)
        for told in target.step(start_s + number / fps, seen(waving_hand=score))
    ]


def kinds(transitions) -> list[tuple[EventType, str]]:
    return [(told.kind, told.action) for told in transitions]


def test_a_start_and_a_stop_in_full():
    started, stopped = feed(detector(one(), end_lag_s=0.2), [0.1, 0.6, 0.9, 0.7, 0.7, 0.1, 0.1, 0.05, 0.0])
    assert started == Transition(
        kind=START,
        occurrence=1,
        action="waving",
        labels=("waving hand",),
        score=pytest.approx(0.7),
        peak_score=pytest.approx(0.9),
        time_s=0.6,
        started_s=0.2,
        ended_s=None,
        duration_s=pytest.approx(0.4),
        reason=None,
    )
    assert stopped == Transition(
        kind=STOP,
        occurrence=1,
        action="waving",
        labels=("waving hand",),
        score=pytest.approx(0.05),
        peak_score=pytest.approx(0.9),
        time_s=1.4,
        started_s=0.2,
        ended_s=pytest.approx(0.6),
        duration_s=pytest.approx(0.4),
        reason=StopReason.BELOW,
    )


def test_two_actions_at_once_and_one_made_of_shared_labels():
    target = detector()
    told = []
    for number in range(40):
        waving = 0.8 if 2 <= number < 20 else 0.0
        clapping = 0.6 if 10 <= number < 30 else 0.0
        told += target.step(number / 5, seen(waving_hand=waving, clapping=clapping, applauding=clapping / 4))
        if number == 15:
            assert target.active == ("waving", "applause", "hands")
    assert kinds(told) == [
        (START, "waving"),
        (START, "hands"),
        (START, "applause"),
        (STOP, "waving"),
        (STOP, "applause"),
        (STOP, "hands"),
    ]
    assert [event.occurrence for event in told] == [1, 2, 3, 1, 3, 2]
    assert [event.labels for event in told[:3]] == [("waving hand",), ("waving hand",), ("clapping", "applauding")]
    assert target.active == ()


def test_labels_follow_in_updates_and_the_stop_has_those_told_last():
    target = detector(
        ActionRule("hands", ("waving hand", "clapping"), **{**TIMES, "min_duration_s": 0.0, "update_every_s": 1.0})
    )
    told = target.step(0.0, seen(waving_hand=0.9, clapping=0.02))
    told += target.step(1.0, seen(waving_hand=0.3, clapping=0.6))
    told += target.step(2.0, seen())
    assert [(event.kind, event.labels) for event in told] == [
        (START, ("waving hand",)),
        (UPDATE, ("clapping", "waving hand")),
        (STOP, ("clapping", "waving hand")),
    ]
    assert {event.occurrence for event in told} == {1}
    assert [event.duration_s for event in told] == [0.0, 1.0, 1.0]


def test_flicker_around_the_threshold_is_one_action():
    told = feed(detector(one(), smoother=Ema(0.3)), [0.52, 0.48] * 50 + [0.0] * 20)
    assert kinds(told) == [(START, "waving"), (STOP, "waving")]


def test_flicker_across_both_thresholds_is_one_action():
    told = feed(detector(one(max_gap_s=0.4)), [0.9, 0.9, 0.9, 0.1] * 25 + [0.0] * 20)
    assert kinds(told) == [(START, "waving"), (STOP, "waving")]


def test_single_frames_never_start_anything():
    assert feed(detector(one(min_duration_s=0.4)), ([1.0] + [0.0] * 4) * 50) == []


def test_an_action_that_never_ends_is_told_once_and_ended_by_the_longest_duration():
    told = feed(detector(one(max_duration_s=60.0)), [1.0] * 3000)
    assert [(event.kind, event.reason) for event in told] == [(START, None), (STOP, StopReason.MAX_DURATION)]
    assert told[1].duration_s == pytest.approx(60.0)


def test_the_start_is_the_first_frame_over_and_not_the_decision():
    (start,) = feed(detector(one(min_duration_s=2.0)), [0.0] * 7 + [0.9] * 12)
    assert (start.started_s, start.time_s) == (pytest.approx(1.4), pytest.approx(3.4))


def test_nothing_begins_during_the_warm_up():
    target = detector(one(min_duration_s=0.4), warm_up_s=1.0)
    (start,) = feed(target, [0.9] * 20, start_s=100.0)
    assert (start.started_s, start.time_s) == (101.0, 101.4)
    target.reset(StopReason.GAP)
    (start,) = feed(target, [0.9] * 20, start_s=200.0)
    assert start.started_s == 201.0


def test_the_warm_up_ends_with_timestamps_rounded_to_milliseconds():
    target = detector(one(min_duration_s=0.0), warm_up_s=0.4)
    (start,) = (told for time_s in (0.067, 0.2, 0.333, 0.466) for told in target.step(time_s, seen(waving_hand=0.9)))
    assert start.time_s == 0.466


def test_the_warm_up_feeds_the_smoother():
    warmed = detector(one(), smoother=RollingMean(2.0), warm_up_s=1.0)
    feed(warmed, [1.0] * 3)
    assert warmed.smoothed.tolist() == [1.0]
    feed(warmed, [0.0], start_s=0.6)
    assert warmed.smoothed.tolist() == [0.75]


@pytest.mark.parametrize("ended", ["close", "reset"])
@pytest.mark.parametrize("reason", [StopReason.SOURCE_LOST, StopReason.GAP, StopReason.SHUTDOWN, StopReason.DISABLED])
@pytest.mark.parametrize(("given_s", "ended_s"), [(None, 2.0), (2.5, 2.5), (0.5, 2.0)], ids=str)
def test_what_is_open_is_closed_once_with_the_callers_reason(ended, reason, given_s, ended_s):
    target = detector(end_lag_s=1.0)
    feed(target, [0.9] * 11)
    told = getattr(target, ended)(reason, given_s)
    assert kinds(told) == [(STOP, "waving"), (STOP, "hands")]
    assert {(event.reason, event.time_s, event.ended_s) for event in told} == {(reason, ended_s, ended_s)}
    assert target.active == ()
    assert getattr(target, ended)(reason, given_s) == []
    assert target.close(StopReason.SHUTDOWN) == []


@pytest.mark.parametrize("ended", ["close", "reset"])
def test_closing_before_the_first_frame_says_nothing(ended):
    assert getattr(detector(), ended)(StopReason.SHUTDOWN, 5.0) == []


def test_after_a_close_the_cooldown_holds():
    target = detector(one(cooldown_s=1.0, min_duration_s=0.0))
    feed(target, [0.9] * 3)
    target.close(StopReason.DISABLED)
    assert feed(target, [0.9] * 20 + [0.0] * 5, start_s=1.0) == []
    (start,) = feed(target, [0.9], start_s=6.0)
    assert (start.occurrence, start.started_s) == (2, 6.0)


def test_a_reset_detector_answers_as_a_new_one_but_counts_on():
    fresh, used = (detector(smoother=Ema(0.3), warm_up_s=0.5) for _ in range(2))
    feed(used, [0.9] * 20 + [0.0] * 10, start_s=50.0)
    feed(used, [0.9] * 5, start_s=56.0)
    used.reset(StopReason.SOURCE_LOST)
    assert used.smoothed.tolist() == [0.0, 0.0, 0.0]
    scene = [0.0, 0.6, 0.9, 0.9, 0.9, 0.9, 0.9, 0.4, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    expected, told = feed(fresh, scene), feed(used, scene)
    assert len(expected) == 4
    assert [event.occurrence - 2 for event in told] == [event.occurrence for event in expected]
    assert [(e.kind, e.action, e.score, e.time_s, e.ended_s) for e in told] == [
        (e.kind, e.action, e.score, e.time_s, e.ended_s) for e in expected
    ]


@pytest.mark.parametrize("back_s", [0.0, 0.05, 1.0])
def test_a_frame_that_is_not_later_is_left_out(back_s):
    target = detector(one(), smoother=Ema(0.3))
    feed(target, [0.9] * 6)
    before = target.smoothed
    assert target.step(1.0 - back_s, seen()) == []
    np.testing.assert_array_equal(target.smoothed, before)
    assert target.active == ("waving",)


def test_a_clock_set_back_closes_everything_and_begins_anew():
    target = detector(one(), warm_up_s=1.0)
    feed(target, [0.9] * 20, start_s=500.0)
    (stop, start) = feed(target, [0.9] * 20, start_s=3.0)
    assert (stop.reason, stop.time_s) == (StopReason.GAP, pytest.approx(503.8))
    assert (start.started_s, start.occurrence) == (4.0, 2)


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_not_finite_is_refused(time_s):
    target = detector()
    with pytest.raises(ValueError, match="must be finite"):
        target.step(time_s, seen())
    with pytest.raises(ValueError, match="must be finite"):
        target.close(StopReason.SHUTDOWN, time_s)


@pytest.mark.parametrize("field", ["warm_up_s", "end_lag_s"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_settings_that_cannot_be_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        detector(**{field: value})


def test_scores_of_another_shape_are_refused_and_leave_no_trace():
    target = detector(one(), smoother=Ema(0.3))
    feed(target, [0.9] * 6)
    with pytest.raises(ValueError, match="shape"):
        target.step(1.2, np.zeros(3, dtype=np.float32))
    assert target.step(1.2, seen(waving_hand=0.9)) == []
    assert target.active == ("waving",)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_scores_that_are_no_numbers_end_an_action_and_do_not_stay_in_the_smoother(broken):
    target = detector(one(cooldown_s=0.0), smoother=Ema(0.1))
    told = feed(target, [0.9] * 10 + [broken] * 10 + [0.9] * 10)
    assert kinds(told) == [(START, "waving"), (STOP, "waving"), (START, "waving")]
    assert all(0.0 <= event.score <= event.peak_score <= 1.0 for event in told)


def test_smoothed_is_a_copy_in_the_order_of_the_rules():
    target = detector(smoother=Ema(0.3))
    assert target.smoothed.tolist() == [0.0, 0.0, 0.0]
    target.step(0.0, seen(waving_hand=0.25, applauding=0.5))
    kept = target.smoothed
    assert kept.tolist() == [0.25, 0.5, 0.25]
    target.step(0.2, seen())
    assert kept.tolist() == [0.25, 0.5, 0.25]
    assert target.smoothed[0] < 0.25


def test_detectors_may_share_a_watch_list():
    watch = WatchList.compile(RULES, LABELS)
    left, right = ActionDetector(watch, Ema(0.0)), ActionDetector(watch, Ema(0.0))
    feed(left, [0.9] * 5)
    assert left.active == ("waving", "hands")
    assert right.active == ()


def scene(time_s: float) -> float:
    """Two times of waving, 4 to 10 s and 20 to 26 s, with soft edges."""
    return max(0.0, *(min(1.0, (time_s - begin) * 2, (end - time_s) * 2) for begin, end in ((4, 10), (20, 26))))


@pytest.mark.parametrize("fps", [2.0, 5.0, 7.5, 12.0, 30.0])
def test_the_frame_rate_changes_times_by_a_frame_at_most(fps):
    times = np.arange(0, 40, 1 / fps)
    target = detector(one())
    told = [event for time_s in times for event in target.step(time_s, seen(waving_hand=scene(time_s)))]
    assert kinds(told) == [(START, "waving"), (STOP, "waving")] * 2
    assert [event.started_s for event in told[::2]] == pytest.approx([4.25, 20.25], abs=1 / fps)
    assert [event.ended_s for event in told[1::2]] == pytest.approx([9.85, 25.85], abs=1 / fps)


@pytest.mark.parametrize("seed", range(10))
def test_dropped_frames_do_not_chop_an_action(seed):
    """Two frames of three are lost by chance: actions are timed by their timestamps, not by counting frames."""
    random = np.random.default_rng(seed)
    target = detector(one(), smoother=Ema(0.1))
    told = []
    for time_s in np.arange(0, 40, 0.1):
        if random.random() < 1 / 3:
            told += target.step(time_s, seen(waving_hand=scene(time_s)))
    assert kinds(told) == [(START, "waving"), (STOP, "waving")] * 2
    assert [event.started_s for event in told[::2]] == pytest.approx([4.3, 20.3], abs=1.5)


@pytest.mark.parametrize("offset_s", [-3600.0, 3600.0, 2.0**20])
def test_where_the_clock_stands_does_not_matter(offset_s):
    def told(start_s):
        target = detector(one(), smoother=Ema(0.25))
        return [
            (event.kind, event.score, event.time_s - start_s, event.started_s - start_s)
            for eighth in range(320)
            for event in target.step(start_s + eighth / 8, seen(waving_hand=scene(eighth / 8)))
        ]

    assert told(offset_s) == told(0.0)
    assert len(told(0.0)) == 4


def test_every_label_of_a_large_model():
    labels = [f"label {number}" for number in range(600)]
    watch = WatchList.every_label(labels, ActionRule("any", ("*",), **TIMES))
    target = ActionDetector(watch, Ema(0.0))
    told = []
    for number in range(60):
        scores = np.zeros(600, dtype=np.float32)
        scores[(599, 3)[number // 30]] = 0.9
        told += target.step(number / 5, scores)
    told += target.close(StopReason.SHUTDOWN)
    assert kinds(told) == [(START, "label 599"), (START, "label 3"), (STOP, "label 599"), (STOP, "label 3")]
    assert [event.occurrence for event in told] == [1, 2, 1, 2]


def test_actions_that_are_idle_and_low_cost_nothing():
    target = detector(one(cooldown_s=0.4))
    feed(target, [0.9] * 5)
    assert target._busy.any()
    feed(target, [0.0] * 10, start_s=1.0)
    assert not target._busy.any()
