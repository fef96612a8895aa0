"""What follows from recorded scores: replays, the sweep, and the calibration."""

import numpy as np
import pytest

from movinet_edge.actions import ActionRule
from movinet_edge.config import StreamSettings
from movinet_edge.evaluation.calibration import calibrate
from movinet_edge.evaluation.intervals import Interval
from movinet_edge.evaluation.sweep import sweep
from movinet_edge.evaluation.tracks import Track, replay

FPS = 5.0


def settings(**more):
    return StreamSettings.model_validate(
        {"name": "x", "source": {"type": "file"}, "all_labels": True, "warm_up": 0, **more}
    )


def track(length_s, *plateaus, low=0.02, video="a.mp4"):
    """One action whose score is `level` from start to end of each `(start_s, end_s, level)`."""
    times = np.arange(0, length_s, 1 / FPS)
    scores = np.full((len(times), 1), low, np.float32)
    for start_s, end_s, level in plateaus:
        scores[(times >= start_s) & (times < end_s)] = level
    return Track(video, length_s, times, scores)


def test_a_replay_tells_what_the_stream_would_have():
    (found,) = replay(track(60, (10, 20, 0.9)), [ActionRule("fall", ("fall",))], settings())
    assert (found.video, found.action, found.score) == ("a.mp4", "fall", pytest.approx(0.9, abs=0.01))
    assert found.start_s == pytest.approx(10, abs=0.5)
    assert found.decided_s >= found.start_s
    assert 15 < found.end_s < 22


def test_what_is_open_at_the_end_is_told():
    (found,) = replay(track(20, (10, 20, 0.9)), [ActionRule("fall", ("fall",))], settings())
    assert found.end_s == pytest.approx(19.8)


def test_part_of_a_track():
    part = track(60, (10, 20, 0.9)).between(30, 60)
    assert part.length_s == 30
    assert part.times_s[0] == 30
    assert not replay(part, [ActionRule("fall", ("fall",))], settings())


def test_the_sweep_finds_the_threshold_between_what_is_real_and_what_is_not():
    tracks = [
        track(80, (10, 20, 0.45), (40, 44, 0.25), video="a.mp4"),
        track(80, (20, 30, 0.45), (50, 54, 0.25), video="b.mp4"),
        track(80, (50, 60, 0.45), (20, 24, 0.25), video="c.mp4"),
    ]
    truth = [Interval("a.mp4", 10, 20, "fall"), Interval("b.mp4", 20, 30, "fall"), Interval("c.mp4", 50, 60, "fall")]
    rules = [ActionRule("fall", ("fall",)), ActionRule("wave", ("wave",))]
    tracks = [Track(t.video, t.length_s, t.times_s, np.hstack([t.scores, t.scores * 0])) for t in tracks]
    trials = []
    (suggestion,) = sweep(tracks, truth, rules, settings(), overlap=0.5, on_trial=lambda: trials.append(1))
    assert suggestion.action == "fall"  # nothing can be learnt of what never happens
    assert 0.25 < suggestion.trial.on < 0.45
    assert (suggestion.counts.right, suggestion.counts.false, suggestion.counts.missed) == (3, 0, 0)
    assert suggestion.elsewhere == suggestion.counts
    assert [on for on, _ in suggestion.curve] == [round(step / 20, 2) for step in range(1, 20)]
    assert dict(suggestion.curve)[0.95].right == 0
    assert dict(suggestion.curve)[0.2].false == 3
    assert len(trials) > 100


def test_one_video_cannot_say_how_it_is_elsewhere():
    (suggestion,) = sweep(
        [track(40, (10, 20, 0.9))],
        [Interval("a.mp4", 10, 20, "fall")],
        [ActionRule("fall", ("fall",))],
        settings(),
        overlap=0.5,
    )
    assert suggestion.elsewhere is None


def ordinary_life(hours, seed=1):
    """Bursts of a second or two whose heights, on the scale of odds, have an exponential tail."""
    random = np.random.default_rng(seed)
    times = np.arange(0, hours * 3600, 1 / FPS)
    odds = np.full(len(times), -5.0)
    for begin in np.arange(0, len(times) - 25, 25):
        odds[begin + 8 : begin + 16] = -4.0 + random.exponential(0.7)
    return Track("life", hours * 3600, times, (1 / (1 + np.exp(-odds)))[:, None].astype(np.float32))


def test_a_calibrated_threshold_keeps_its_promise_on_another_day():
    rule = ActionRule("fall", ("fall",), on=0.2, off=0.1)
    before = replay(ordinary_life(6, seed=2), [rule], settings())
    (result,) = calibrate([ordinary_life(1)], [rule], settings(), false_per_day=5)
    assert result.reached
    assert result.events_before > 0
    assert result.events_after <= 1
    calibrated = ActionRule("fall", ("fall",), on=result.on, off=result.off)
    after = replay(ordinary_life(6, seed=2), [calibrated], settings())
    assert len(before) > 15
    assert len(after) <= 3


def test_a_threshold_is_never_lowered():
    rule = ActionRule("fall", ("fall",), on=0.9, off=0.5)
    (result,) = calibrate([track(600)], [rule], settings(), false_per_day=1)
    assert (result.on, result.off, result.reached) == (0.9, 0.5, True)


def test_what_no_threshold_can_keep_out_is_told():
    life = track(600, *((at, at + 3, 0.99) for at in range(20, 580, 20)))
    (result,) = calibrate([life], [ActionRule("fall", ("fall",))], settings(), false_per_day=1)
    assert not result.reached
    assert result.false_per_day > 100


def test_the_more_seldom_the_higher():
    rule = ActionRule("fall", ("fall",), on=0.05, off=0.03)
    ons = [
        calibrate([ordinary_life(1)], [rule], settings(), false_per_day=often)[0].on
        for often in (500.0, 50.0, 5.0, 0.5)
    ]
    assert ons == sorted(ons)
    assert ons[0] < ons[-1]


def test_too_little_is_refused():
    with pytest.raises(ValueError, match="only 20 s were watched"):
        calibrate([track(20)], [ActionRule("fall", ("fall",))], settings(), false_per_day=1)


@pytest.mark.parametrize("wish", [{"false_per_day": 0}, {"false_per_day": 1, "confidence": 1.0}])
def test_wishes_that_cannot_be_met(wish):
    with pytest.raises(ValueError, match="must be over 0"):
        calibrate([track(600)], [ActionRule("fall", ("fall",))], settings(), **wish)
