"""The judge of the random faults is just: it sees outages, silence and old pictures where they are."""

from collections import Counter
from dataclasses import replace

import findings
import pytest
from camera_trial import BACK_WITHIN_S, SERVERS, STREAMS, Episode, Trial
from fault_plan import Fault, plan
from watched_daemon import Holdings, Look, Notes

from movinet_edge.api import DaemonStatus, StreamState

LIVE, BACKING_OFF = StreamState.LIVE, StreamState.BACKING_OFF
END_S = 20.0
CUT = Fault("cut", "porch", 5.0, 0.0)
USUAL = Holdings(Counter({"inference": 1}), 30, 0)


def looks(*stretches, age_s=0.1):
    """Five looks per second in each stretch, from and to."""
    return [
        Look(begin_s + index / 5, age_s)
        for begin_s, end_s in stretches
        for index in range(round(5 * (end_s - begin_s)))
    ]


def trial(seen, states=((0.0, LIVE),), fault=CUT, **changes):
    """One stream, which met one fault."""
    episode = Episode(fault, fault.at_s, fault.at_s + fault.for_s, ("porch",))
    notes = Notes({"porch": seen}, {"porch": list(states)})
    status = DaemonStatus(version="", started_at="2026-01-01T00:00:00Z", streams=(), sinks=())
    well = Trial(notes, [episode], 0.0, END_S, USUAL, USUAL, USUAL, USUAL, status, (), ())
    return replace(well, **changes)


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([(0, END_S)], 0.0),
        ([(0, 5), (9, END_S)], 4.0),
        ([(0, 5), (6, 10), (13, END_S)], 8.0),  # back, and lost again without a new fault
        ([(0, 5)], END_S - 5.0),
        ([], END_S - 5.0),
    ],
)
def test_a_stream_is_back_when_it_stays(stretches, expected):
    assert findings.back_after_s(looks(*stretches), 5.0, END_S) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("states", "end_s", "expected"),
    [
        ([(0.0, LIVE), (6.5, BACKING_OFF), (7.0, LIVE)], 10.0, 1.5),
        ([(0.0, LIVE)], 10.0, 5.0),
        ([(0.0, LIVE)], 5.5, None),
        ([(0.0, LIVE), (4.0, BACKING_OFF)], 10.0, None),
    ],
)
def test_silence_is_noticed_when_the_stream_is_no_longer_called_live(states, end_s, expected):
    assert findings.noticed_after_s(states, 5.0, end_s) == expected


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (trial(looks((0, END_S))), []),
        (trial(looks((0, 5))), ["live again only 15.0 s"]),
        (trial(looks((0, END_S)), fault=Fault("frozen", "east", 5.0, 4.0)), ["live for 4.0 s of silence"]),
        (trial([*looks((0, 9)), Look(9.0, 2.5), *looks((9.2, END_S))]), ["scored 2.5 s after it was made"]),
        (trial(looks((0, END_S)), at_last=replace(USUAL, descriptors=31)), ["live again: 1 descriptors too many"]),
        (trial(looks((0, END_S)), after=replace(USUAL, threads=Counter({"inference": 3}))), ["2 threads 'inference'"]),
    ],
)
def test_what_is_wrong_is_told(wrong, expected):
    told = findings.problems(wrong)
    assert len(told) == len(expected)
    assert all(words in problem for words, problem in zip(expected, told, strict=True))


def test_damaged_pictures_tell_no_age():
    fault = Fault("corrupt", "porch", 5.0, 1.0)
    assert findings.problems(trial([*looks((0, 6)), Look(6.1, 2.5), *looks((6.2, END_S))], fault=fault)) == []


def test_the_plan_is_the_same_for_the_same_seed():
    one, same, other = (plan(200, seed, relays=list(STREAMS), servers=SERVERS) for seed in (1, 1, 2))
    assert one == same != other
    assert {fault.place for fault in one} == {*STREAMS, *SERVERS}
    assert len({fault.kind for fault in one}) == 9
    assert max(fault.at_s + fault.for_s for fault in one) + BACK_WITHIN_S < 300
