"""One action's state machine, played from scripts: each character is a frame, five frames a second."""

import numpy as np
import pytest

from movinet_edge.actions import ActionRule
from movinet_edge.actions.hysteresis import Hysteresis, Phase
from movinet_edge.api import EventType, StopReason

FPS = 5
LEVELS = {"#": 0.9, "=": 0.4, ".": 0.1}  # over `on`, between, below `off`; a blank is a frame that never came

# Without delays, so that a table shows one of them alone.
BARE = {"on": 0.5, "off": 0.3, "min_duration_s": 0.0, "max_gap_s": 0.0, "cooldown_s": 0.0, "max_duration_s": None}


def rule(**fields) -> ActionRule:
    return ActionRule("waving", ("waving hand",), **{**BARE, **fields})


def play(script: str, *, offset_s: float = 0.0, end_lag_s: float = 0.0, **fields) -> list[str]:
    """What is told, in frames: `start 2 from 0`, `update 4`, `stop 7 to 5 below`."""
    machine = Hysteresis(rule(**fields), end_lag_s)
    told = []
    for number, level in enumerate(script):
        if level == " ":
            continue
        for change in machine.step(offset_s + number / FPS, LEVELS[level]):
            assert change.time_s == offset_s + number / FPS
            assert change.peak_score >= change.score
            started, ended = (
                None if time_s is None else round((time_s - offset_s) * FPS, 3)
                for time_s in (change.started_s, change.ended_s)
            )
            match change.kind:
                case EventType.START:
                    told.append(f"start {number} from {started:g}")
                case EventType.UPDATE:
                    told.append(f"update {number}")
                case EventType.STOP:
                    told.append(f"stop {number} to {ended:g} {change.reason}")
    return told


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 3600.1, 1e6 + 0.7])
@pytest.mark.parametrize(
    ("min_duration_s", "script", "told"),
    [
        (0.0, ".#", ["start 1 from 1"]),
        (0.2, "#", []),
        (0.2, "##", ["start 1 from 0"]),
        (0.4, "##", []),
        (0.4, "###", ["start 2 from 0"]),
        (0.6, "####", ["start 3 from 0"]),
        (0.4, "##..", []),
        (0.4, ".#.", []),
        (0.4, "#.#.#.#.#.", []),
        (0.4, "#=======", []),
        (0.4, "##======", []),
        (0.4, "#====#", []),
        (0.4, "#.###", ["start 4 from 2"]),
        (0.4, "# #", ["start 2 from 0"]),
        (0.4, "#      =====", []),
        (0.4, "====", []),
    ],
)
def test_min_duration(min_duration_s, script, told, offset_s):
    assert play(script, offset_s=offset_s, min_duration_s=min_duration_s) == told


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 3600.1, 1e6 + 0.7])
@pytest.mark.parametrize(
    ("max_gap_s", "script", "told"),
    [
        (0.4, "#=#=#=#=#", ["start 4 from 0"]),
        (0.2, "#=#=#=#=#", []),
        (0.0, "#=#=#=#=#", []),
        (1.0, "#====##", ["start 6 from 0"]),
        (0.4, "#====##", []),
        # What was between the thresholds for too long began anew, and says so.
        (0.4, "#====###", ["start 7 from 5"]),
        (0.4, "#=        ###", ["start 12 from 10"]),
        (0.4, "#         ###", ["start 10 from 0"]),
    ],
)
def test_a_candidate_outlives_dips_below_on_as_long_as_gaps(max_gap_s, script, told, offset_s):
    assert play(script, offset_s=offset_s, min_duration_s=0.4, max_gap_s=max_gap_s) == told


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 3600.1, 1e6 + 0.7])
@pytest.mark.parametrize(
    ("max_gap_s", "script", "told"),
    [
        (0.0, "#.", ["start 0 from 0", "stop 1 to 0 below"]),
        (0.2, "#.", ["start 0 from 0"]),
        (0.2, "#..", ["start 0 from 0", "stop 2 to 0 below"]),
        (0.4, "#..", ["start 0 from 0"]),
        (0.4, "#...", ["start 0 from 0", "stop 3 to 0 below"]),
        (0.4, "#.#.#=.=..", ["start 0 from 0"]),
        (0.4, "##=...", ["start 0 from 0", "stop 5 to 2 below"]),
        (0.4, "#=====", ["start 0 from 0"]),
        # A late frame after a dip ends the action before it counts itself.
        (0.4, "#.   =", ["start 0 from 0", "stop 5 to 0 below"]),
        (0.4, "#.   .", ["start 0 from 0", "stop 5 to 0 below"]),
        (0.4, "#.   #", ["start 0 from 0", "stop 5 to 0 below", "start 5 from 5"]),
        # Late frames alone are no dip.
        (0.4, "#     #     =   #", ["start 0 from 0"]),
        (0.4, "#     .", ["start 0 from 0", "stop 6 to 0 below"]),
    ],
)
def test_max_gap(max_gap_s, script, told, offset_s):
    assert play(script, offset_s=offset_s, max_gap_s=max_gap_s) == told


ONCE = ["start 0 from 0", "stop 1 to 0 below"]


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 3600.1, 1e6 + 0.7])
@pytest.mark.parametrize(
    ("cooldown_s", "script", "told"),
    [
        (0.0, "#.#", [*ONCE, "start 2 from 2"]),
        (0.2, "#.#", [*ONCE, "start 2 from 2"]),
        (0.4, "#.#", ONCE),
        (0.4, "#..#", [*ONCE, "start 3 from 3"]),
        (1.0, "#....#", ONCE),
        (1.0, "#.....#", [*ONCE, "start 6 from 6"]),
        (1.0, "#.    #", [*ONCE, "start 6 from 6"]),
        # Only time below `off` counts.
        (1.0, "#....##########", ONCE),
        (1.0, "#....==========#", ONCE),
        (1.0, "#....##.#", [*ONCE, "start 8 from 8"]),
        (1.0, "#.==..==.#", ONCE),
        (1.0, "#.==..==..#", [*ONCE, "start 10 from 10"]),
    ],
)
def test_cooldown(cooldown_s, script, told, offset_s):
    assert play(script, offset_s=offset_s, cooldown_s=cooldown_s) == told


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 3600.1, 1e6 + 0.7])
@pytest.mark.parametrize(
    ("script", "fields", "told"),
    [
        ("#####", {}, ["start 0 from 0"]),
        ("######", {}, ["start 0 from 0", "stop 5 to 5 max_duration"]),
        ("=#######", {}, ["start 1 from 1", "stop 6 to 6 max_duration"]),
        # It counts from the first frame over, not from the decision.
        ("######", {"min_duration_s": 0.6}, ["start 3 from 0", "stop 5 to 5 max_duration"]),
        # A plateau is told once, without a cooldown too.
        ("#" * 99, {}, ["start 0 from 0", "stop 5 to 5 max_duration"]),
        ("#" * 99, {"cooldown_s": 0.4}, ["start 0 from 0", "stop 5 to 5 max_duration"]),
        ("#" * 20 + "=" * 20 + "#", {}, ["start 0 from 0", "stop 5 to 5 max_duration"]),
        ("#" * 20 + ".#", {}, ["start 0 from 0", "stop 5 to 5 max_duration", "start 21 from 21"]),
        ("#" * 20 + ".#", {"cooldown_s": 0.4}, ["start 0 from 0", "stop 5 to 5 max_duration"]),
        ("#" * 20 + "..#", {"cooldown_s": 0.4}, ["start 0 from 0", "stop 5 to 5 max_duration", "start 22 from 22"]),
        ("###.#.", {"max_gap_s": 0.4}, ["start 0 from 0", "stop 5 to 5 max_duration"]),
    ],
    ids=str,
)
def test_max_duration(script, fields, told, offset_s):
    assert play(script, offset_s=offset_s, max_duration_s=1.0, **fields) == told


@pytest.mark.parametrize(
    ("script", "fields", "told"),
    [
        ("#########", {"min_duration_s": 0.4}, ["start 2 from 0", "update 4", "update 6", "update 8"]),
        ("##..##.", {"max_gap_s": 1.0}, ["start 0 from 0", "update 2", "update 4", "update 6"]),
        ("###.", {}, ["start 0 from 0", "update 2", "stop 3 to 2 below"]),
        ("##.", {}, ["start 0 from 0", "stop 2 to 1 below"]),
        ("###", {"max_duration_s": 0.4}, ["start 0 from 0", "stop 2 to 2 max_duration"]),
        # Those missed are not made up for, and the grid stays.
        ("#      #####", {}, ["start 0 from 0", "update 7", "update 8", "update 10"]),
    ],
    ids=str,
)
def test_updates(script, fields, told):
    assert play(script, update_every_s=0.4, **fields) == told


@pytest.mark.parametrize(("end_lag_s", "ended"), [(0.0, 7), (0.2, 6), (1.0, 2), (1.2, 1), (1.4, 1), (60.0, 1)], ids=str)
def test_the_lag_of_the_model_is_taken_off_the_end_but_not_beyond_the_start(end_lag_s, ended):
    assert play(".#######...", end_lag_s=end_lag_s, max_gap_s=0.2) == ["start 1 from 1", f"stop 9 to {ended} below"]


def test_the_lag_does_not_touch_other_ends():
    assert play("######", end_lag_s=60.0, max_duration_s=1.0)[-1] == "stop 5 to 5 max_duration"


@pytest.mark.parametrize("offset_ms", [0, 67, 133, 200, 1_000_067])
@pytest.mark.parametrize(
    ("fields", "script", "told"),
    [
        ({"min_duration_s": 0.4}, "####", [("start", 3)]),
        ({"max_gap_s": 0.4}, "#...", [("start", 0)]),
        ({"cooldown_s": 0.4}, "#...##", [("start", 0), ("stop", 1), ("start", 4)]),
        ({"max_duration_s": 0.4}, "####", [("start", 0), ("stop", 3)]),
        ({"update_every_s": 0.4}, "#######", [("start", 0), ("update", 3), ("update", 6)]),
        ({"update_every_s": 0.4}, "#     ####", [("start", 0), ("update", 6), ("update", 9)]),
    ],
    ids=str,
)
def test_timestamps_rounded_to_milliseconds_meet_the_limits(fields, script, told, offset_ms):
    """7.5 frames a second: three steps are 400 ms, or 399 once each timestamp is rounded."""
    machine = Hysteresis(rule(**fields))
    outcome = []
    for number, level in enumerate(script):
        if level != " ":
            time_s = round(offset_ms + number * 1000 / 7.5) / 1000
            outcome += [(change.kind.value, number) for change in machine.step(time_s, LEVELS[level])]
    assert outcome == told


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, 0.9])
def test_a_float32_score_meets_the_threshold_of_the_same_decimals(threshold):
    machine = Hysteresis(rule(on=threshold, off=threshold))
    score = float(np.float32(threshold))
    assert machine.step(0.0, score)
    assert not machine.step(1.0, score)
    assert machine.step(2.0, float(np.nextafter(np.float32(threshold), np.float32(0.0))))


def test_scores_and_peaks():
    machine = Hysteresis(rule(min_duration_s=1.0, max_gap_s=1.0, update_every_s=2.0))
    scores = [0.6, 0.8, 0.7, 0.95, 0.5, 0.2, 0.1]
    told = [change for time_s, score in enumerate(scores) for change in machine.step(float(time_s), score)]
    assert [(change.kind, change.score, change.peak_score) for change in told] == [
        (EventType.START, 0.8, 0.8),
        (EventType.UPDATE, 0.95, 0.95),
        (EventType.UPDATE, 0.2, 0.95),
        (EventType.STOP, 0.1, 0.95),
    ]


def test_the_peak_counts_from_the_candidate_and_not_from_before():
    machine = Hysteresis(rule(min_duration_s=0.4))
    scores = [0.99, 0.1, 0.9, 0.6, 0.6]
    (start,) = [change for number, score in enumerate(scores) for change in machine.step(number / FPS, score)]
    assert (start.score, start.peak_score) == (0.6, 0.9)


def test_a_late_high_frame_is_not_the_score_that_ended_the_action():
    machine = Hysteresis(rule(max_gap_s=0.4, cooldown_s=5.0))
    machine.step(0.0, 0.6)
    machine.step(0.2, 0.1)
    (stop,) = machine.step(9.0, 0.99)
    assert (stop.time_s, stop.ended_s, stop.score, stop.peak_score) == (9.0, 0.0, 0.1, 0.6)


def test_closing_an_active_action():
    machine = Hysteresis(rule(cooldown_s=1.0), end_lag_s=9.0)
    machine.step(1.0, 0.9)
    stop = machine.close(StopReason.SOURCE_LOST, 4.0)
    assert (stop.time_s, stop.started_s, stop.ended_s, stop.reason) == (4.0, 1.0, 4.0, StopReason.SOURCE_LOST)
    assert machine.phase is Phase.COOLDOWN
    assert machine.close(StopReason.SOURCE_LOST, 5.0) is None


def test_closing_a_candidate_forgets_it():
    machine = Hysteresis(rule(min_duration_s=0.4))
    machine.step(0.0, 0.9)
    machine.step(0.2, 0.9)
    assert machine.close(StopReason.DISABLED, 0.2) is None
    assert machine.step(0.4, 0.9) == ()
    assert machine.step(0.6, 0.9) == ()
    assert len(machine.step(0.8, 0.9)) == 1
