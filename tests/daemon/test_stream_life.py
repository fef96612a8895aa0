"""The states of a stream: a table of what leads where, and what holds in every order of things."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import StreamState
from movinet_edge.daemon.stream_life import Limits, StreamLife
from movinet_edge.delivery import Backoff

LIMITS = Limits(stall_s=10.0, first_frame_s=60.0, well_s=30.0)

CONNECTING, LIVE, STALLED = StreamState.CONNECTING, StreamState.LIVE, StreamState.STALLED
BACKING_OFF, ENDED, DISABLED = StreamState.BACKING_OFF, StreamState.ENDED, StreamState.DISABLED

STEPS = {
    "connecting": lambda life, now_s: life.connecting(now_s),
    "camera": lambda life, _now_s: life.opened(waits_for_us=False),
    "file": lambda life, _now_s: life.opened(waits_for_us=True),
    "frame": lambda life, now_s: life.frame(now_s),
    "check": lambda life, now_s: life.check(now_s),
    "failed": lambda life, now_s: life.failed(now_s, "no route"),
    "ended": lambda life, now_s: life.ended(now_s),
    "rejected": lambda life, now_s: life.ended(now_s, "not a video", rejected=True),
    "disabled": lambda life, now_s: life.disabled(now_s),
    "enabled": lambda life, now_s: life.enabled(now_s),
}


def life_after(*steps, every_s=1.0):
    """A life in which each step comes `every_s` after the one before, and the time of the last."""
    life, now_s = StreamLife(0.0, LIMITS, Backoff(first_s=1.0, cap_s=8.0)), 0.0
    for step in steps:
        now_s += every_s
        STEPS[step](life, now_s)
    return life, now_s


WAYS_TO = {
    CONNECTING: ("connecting", "camera"),
    LIVE: ("connecting", "camera", "frame"),
    BACKING_OFF: ("connecting", "failed"),
    ENDED: ("connecting", "ended"),
    DISABLED: ("disabled",),
}


@pytest.mark.parametrize(
    ("state", "step", "next_state"),
    [
        (CONNECTING, "frame", LIVE),
        (CONNECTING, "failed", BACKING_OFF),
        (CONNECTING, "ended", ENDED),
        (CONNECTING, "disabled", DISABLED),
        (CONNECTING, "enabled", CONNECTING),
        (LIVE, "frame", LIVE),
        (LIVE, "failed", BACKING_OFF),
        (LIVE, "rejected", ENDED),
        (LIVE, "disabled", DISABLED),
        (LIVE, "connecting", CONNECTING),
        (LIVE, "enabled", LIVE),
        (BACKING_OFF, "connecting", CONNECTING),
        (BACKING_OFF, "frame", BACKING_OFF),
        (BACKING_OFF, "ended", ENDED),
        (BACKING_OFF, "disabled", DISABLED),
        (BACKING_OFF, "enabled", BACKING_OFF),
        (ENDED, "connecting", ENDED),
        (ENDED, "frame", ENDED),
        (ENDED, "failed", ENDED),
        (ENDED, "disabled", DISABLED),
        (ENDED, "enabled", CONNECTING),
        (DISABLED, "connecting", DISABLED),
        (DISABLED, "frame", DISABLED),
        (DISABLED, "failed", DISABLED),
        (DISABLED, "ended", DISABLED),
        (DISABLED, "rejected", DISABLED),
        (DISABLED, "enabled", CONNECTING),
    ],
)
def test_what_leads_where(state, step, next_state):
    life, now_s = life_after(*WAYS_TO[state])
    assert life.state is state
    since_s = life.since_s
    STEPS[step](life, now_s + 1.0)
    assert life.state is next_state
    assert life.since_s == (since_s if next_state is state else now_s + 1.0)


@pytest.mark.parametrize(
    ("way", "after_s", "reason"),
    [
        (("connecting", "camera", "frame"), 10.0, "no frame for 10 s"),
        (("connecting", "camera"), 60.0, "no first frame for 60 s"),
        # Of a later try it is told how long that has lasted, and not since when there was no frame.
        (("connecting", "camera", "frame", "failed", "connecting"), 60.0, "no first frame for 60 s"),
        # Before there is a source nobody knows whether it would wait for us.
        (("connecting",), 60.0, "no first frame for 60 s"),
    ],
)
def test_what_is_missing_for_too_long_stalls_once(way, after_s, reason):
    life, now_s = life_after(*way)
    begins_s = life.frame_s if life.state is LIVE else life.since_s
    assert life.due_s == begins_s + after_s
    assert not life.check(life.due_s - 0.01)
    assert life.check(begins_s + after_s)
    assert (life.state, life.reason, life.since_s) == (STALLED, reason, begins_s + after_s)
    assert not life.check(now_s + 1000.0)
    assert not life.frame(now_s + 1000.0)
    assert life.failed(now_s + 1000.0, life.reason) <= 8.0
    assert (life.state, life.reason) == (BACKING_OFF, reason)


@pytest.mark.parametrize("way", [("connecting", "file"), ("connecting", "file", "frame")])
def test_a_source_that_waits_for_us_is_never_stalled(way):
    life, now_s = life_after(*way)
    assert life.due_s == math.inf
    assert not life.check(now_s + 1e6)


def test_the_longer_limit_holds_for_the_first_frame():
    life = StreamLife(0.0, Limits(stall_s=300.0, first_frame_s=60.0))
    life.connecting(5.0)
    assert life.due_s == 300.0  # since it was made


@pytest.mark.parametrize(
    ("frames_for_s", "failures"), [(30.0, 1), (29.9, 4)], ids=["well for long enough", "not quite long enough"]
)
def test_only_a_source_that_was_well_begins_with_short_pauses_again(frames_for_s, failures):
    backoff = Backoff(first_s=1.0, cap_s=8.0)
    life = StreamLife(0.0, LIMITS, backoff)
    for now_s in (1.0, 2.0, 3.0):
        life.connecting(now_s)
        life.failed(now_s, "no route")
    assert backoff.ceiling_s == 8.0
    life.connecting(10.0)
    life.frame(10.0)
    life.frame(10.0 + frames_for_s)
    # The silence until it is noticed is no health.
    life.failed(10.0 + frames_for_s + 9.0, "no route")
    assert life.failures == failures
    assert backoff.ceiling_s == (2.0 if failures == 1 else 8.0)


def test_the_last_failure_is_told_until_a_frame_comes():
    life, now_s = life_after("connecting", "failed", "connecting", "camera")
    assert (life.state, life.reason) == (CONNECTING, "no route")
    life.frame(now_s)
    assert (life.state, life.reason) == (LIVE, "")


def test_being_switched_on_is_a_new_beginning():
    life, now_s = life_after("connecting", "failed", "connecting", "failed", "rejected")
    assert (life.rejected, life.reason, life.failures) == (True, "not a video", 2)
    life.enabled(now_s)
    assert (life.rejected, life.reason, life.failures, life.state) == (False, "", 0, CONNECTING)
    life.connecting(now_s)
    life.failed(now_s, "no route")
    assert life._backoff.ceiling_s == 2.0


def test_only_the_first_frame_is_news():
    life, now_s = life_after("connecting", "camera")
    assert [life.frame(now_s + n) for n in range(3)] == [True, False, False]


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.floats(0.0, 100.0)), max_size=40))
def test_in_every_order_of_things(steps):
    life, now_s = StreamLife(0.0, LIMITS, Backoff(first_s=1.0, cap_s=8.0)), 0.0
    openings = 0
    for step, pause_s in steps:
        now_s += pause_s
        before = life.state
        openings += step == "connecting" and not life.over
        answer = STEPS[step](life, now_s)
        if step == "check":
            assert life.due_s > now_s, "it would be asked again at once, and for ever"
            assert answer == (life.state is STALLED and before is not STALLED)
        if step == "failed":
            assert answer == math.inf if life.over else 0.0 <= answer <= 8.0
        if before is DISABLED:
            assert life.state in ((DISABLED, CONNECTING) if step == "enabled" else (DISABLED,))
        if before is ENDED:
            assert life.state in (ENDED, DISABLED) or step == "enabled"
        assert life.state in StreamState
        assert life.since_s <= now_s
        assert life.frame_s is None or life.frame_s <= now_s
        assert life.over == (life.state in (ENDED, DISABLED))
        assert not life.rejected or life.state is ENDED
        assert life.due_s == math.inf or life.state in (CONNECTING, LIVE)
        assert life.openings == openings
