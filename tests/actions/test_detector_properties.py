"""What holds for every input: hypothesis looks for scores, times and rules that break it."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from movinet_edge.actions import ActionDetector, ActionRule, Ema, RollingMean, RollingMedian, WatchList
from movinet_edge.actions.rule import TOLERANCE_S
from movinet_edge.api import EventType, StopReason

LABELS = ("waving hand", "clapping")
NAMES = ("waving", "clapping", "hands")

durations = st.sampled_from([0.0, 0.2, 0.4, 0.5, 1.0, 2.5])
# Steps of a frame, of dropped frames, and now and then of a silence.
steps = st.one_of(st.sampled_from([0.2, 0.2, 0.2, 0.4, 3.0]), st.floats(0.01, 2.0))
levels = st.one_of(st.sampled_from([0.0, 0.3, 0.4, 0.5, 0.9, 1.0]), st.floats(0, 1, width=32))


@st.composite
def rules(draw, **fixed) -> ActionRule:
    on, off = sorted((draw(st.sampled_from([0.3, 0.5, 0.7])), draw(st.sampled_from([0.1, 0.3]))), reverse=True)
    fields = {
        "on": on,
        "off": off,
        "min_duration_s": draw(durations),
        "max_gap_s": draw(durations),
        "cooldown_s": draw(durations),
        "max_duration_s": draw(st.sampled_from([None, 3.0, 6.0])),
        "update_every_s": draw(st.sampled_from([None, 0.4, 3.0])),
    }
    return ActionRule("waving", ("waving hand",), **{**fields, **fixed})


@st.composite
def detectors(draw) -> ActionDetector:
    """Three actions, of which one shares its labels with the others."""
    own = zip(NAMES, (LABELS[:1], LABELS[1:], LABELS), strict=True)
    watch = WatchList.compile(
        [
            ActionRule(name, labels, **{field: getattr(rule, field) for field in rule.__slots__[2:]})
            for name, labels in own
            for rule in [draw(rules())]
        ],
        LABELS,
    )
    smoother = draw(st.sampled_from([lambda: Ema(0.0), lambda: Ema(0.3), lambda: RollingMean(1.0)]))()
    return ActionDetector(
        watch,
        draw(st.sampled_from([smoother, RollingMedian(0.6)])),
        warm_up_s=draw(durations),
        end_lag_s=draw(durations),
    )


@st.composite
def films(draw) -> list[tuple[float, np.ndarray]]:
    """Frames: times that rise, and scores of both labels."""
    time_s, frames = draw(st.sampled_from([0.0, 7.3, 1e6])), []
    for step_s, first, second, repeats in draw(
        st.lists(st.tuples(steps, levels, levels, st.integers(1, 8)), min_size=1, max_size=25)
    ):
        for _ in range(repeats):
            time_s += step_s
            frames.append((time_s, np.array([first, second], dtype=np.float32)))
    return frames


def play(detector, frames):
    return [told for time_s, scores in frames for told in detector.step(time_s, scores)]


def one(rule: ActionRule) -> ActionDetector:
    return ActionDetector(WatchList.compile([rule], LABELS), Ema(0.0))


@given(detectors(), films())
def test_starts_and_stops_alternate_and_share_their_occurrence(detector, frames):
    told = play(detector, frames) + detector.close(StopReason.SHUTDOWN)
    assert detector.active == ()
    seen = set()
    for name in NAMES:
        mine = [event for event in told if event.action == name]
        bounds = [event for event in mine if event.kind is not EventType.UPDATE]
        assert [event.kind for event in bounds] == [EventType.START, EventType.STOP] * (len(bounds) // 2)
        for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
            assert start.occurrence == stop.occurrence
            assert start.started_s == stop.started_s
            assert start.occurrence not in seen
            seen.add(start.occurrence)
        opened = None
        for event in mine:
            opened = event.occurrence if event.kind is EventType.START else opened
            assert event.occurrence == opened
    assert [event.time_s for event in told] == sorted(event.time_s for event in told)


@given(detectors(), films())
def test_times_and_scores_are_in_order(detector, frames):
    peaks = {}
    for event in play(detector, frames) + detector.close(StopReason.SHUTDOWN):
        assert event.started_s <= event.time_s
        assert 0.0 <= event.score <= event.peak_score <= 1.0
        assert peaks.get(event.occurrence, 0.0) <= event.peak_score
        peaks[event.occurrence] = event.peak_score
        assert event.labels
        assert (event.kind is EventType.STOP) == (event.ended_s is not None) == (event.reason is not None)
        until_s = event.time_s if event.ended_s is None else event.ended_s
        assert event.started_s <= until_s <= event.time_s
        assert event.duration_s == until_s - event.started_s


@given(detectors(), films())
def test_nothing_begins_within_the_cooldown(detector, frames):
    cooldowns = {rule.name: rule.cooldown_s for rule in detector._watch.rules}
    told = [event for event in play(detector, frames) if event.kind is not EventType.UPDATE]
    for name in NAMES:
        for before, after in pairwise(event for event in told if event.action == name):
            if before.kind is EventType.STOP:
                assert after.started_s >= before.time_s + cooldowns[name] - TOLERANCE_S - 1e-6


@given(rules(), st.lists(st.tuples(steps, st.floats(0.75, 1.0)), min_size=1, max_size=120))
def test_a_plateau_starts_once_at_most(rule, plateau):
    times = np.cumsum([step_s for step_s, _ in plateau])
    frames = [(time_s, np.array([level, 0], np.float32)) for time_s, (_, level) in zip(times, plateau, strict=True)]
    starts = [event for event in play(one(rule), frames) if event.kind is EventType.START]
    long_enough = times[-1] - times[0] >= rule.min_duration_s
    assert len(starts) <= 1
    assert starts or not long_enough


@given(rules(min_duration_s=1.0), st.lists(st.tuples(st.integers(1, 4), st.integers(1, 20)), min_size=1, max_size=20))
def test_spikes_shorter_than_the_shortest_duration_never_start(rule, spikes):
    levels = [level for high, low in spikes for level in [1.0] * high + [0.0] * low]
    frames = [(number * 0.2, np.array([level, 0], np.float32)) for number, level in enumerate(levels)]
    assert play(one(rule), frames) == []


@given(rules(min_duration_s=0.6), st.floats(0.3, 0.999), st.integers(0, 60))
def test_a_spike_before_a_middling_plateau_never_starts(rule, share, length):
    middling = rule.off + share * (rule.on - rule.off) - 1e-3
    frames = [(n * 0.2, np.array([level, 0], np.float32)) for n, level in enumerate([1.0, *[middling] * length])]
    assert play(one(rule), frames) == []


@pytest.mark.parametrize(
    "carry_over",
    [lambda detector: detector, copy.deepcopy, lambda detector: pickle.loads(pickle.dumps(detector))],  # noqa: S301
    ids=["same", "copied", "pickled"],
)
@given(detector=detectors(), frames=films(), data=st.data())
def test_splitting_the_input_changes_nothing(carry_over, detector, frames, data):
    twin = copy.deepcopy(detector)
    cut = data.draw(st.integers(0, len(frames)))
    whole = play(detector, frames) + detector.close(StopReason.SHUTDOWN)
    first = play(twin, frames[:cut])
    carried = carry_over(twin)
    assert first + play(carried, frames[cut:]) + carried.close(StopReason.SHUTDOWN) == whole


@given(detectors(), films(), films())
def test_after_a_reset_it_is_as_new(detector, before, after):
    fresh = copy.deepcopy(detector)
    play(detector, before)
    detector.reset(StopReason.GAP)
    outcome, expected = play(detector, after), play(fresh, after)

    def bare(told):
        return [
            (event.kind, event.action, event.score, event.peak_score, event.time_s, event.ended_s) for event in told
        ]

    assert bare(outcome) == bare(expected)


@given(detectors(), films(), st.data())
def test_actions_do_not_influence_each_other(detector, frames, data):
    """Each action alone is told the same as among others."""
    # NumPy sums one column in another order than two, so the last bit of a mean may differ, and with it a threshold.
    assume(not isinstance(detector._smoother, RollingMean))
    index = data.draw(st.integers(0, len(NAMES) - 1))
    alone = ActionDetector(
        WatchList.compile([detector._watch.rules[index]], LABELS),
        copy.deepcopy(detector._smoother),
        warm_up_s=detector._warm_up_s,
        end_lag_s=detector._end_lag_s,
    )

    def bare(told):
        return [(event.kind, event.labels, event.score, event.time_s, event.ended_s) for event in told]

    together = [event for event in play(detector, frames) if event.action == NAMES[index]]
    assert bare(play(alone, frames)) == bare(together)


@given(detectors(), st.lists(st.tuples(st.floats(-1e12, 1e12), levels), max_size=40))
def test_wild_times_break_no_promise(detector, frames):
    told = play(detector, [(time_s, np.array([level, level], np.float32)) for time_s, level in frames])
    told += detector.close(StopReason.SHUTDOWN)
    for name in NAMES:
        bounds = [event.kind for event in told if event.action == name and event.kind is not EventType.UPDATE]
        assert bounds == [EventType.START, EventType.STOP] * (len(bounds) // 2)
    assert all(event.duration_s >= 0.0 for event in told)
