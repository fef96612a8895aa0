"""Which events a sink gets: the filter by itself, and in a worker, where a stop always follows its start."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trial import PATIENCE_S, Trial, seqs

from movinet_edge.api import EventType
from movinet_edge.delivery import Backoff, DeliveryWorker, EventFilter, Outbox
from movinet_edge.testing.sinks import example_event

START, UPDATE, STOP = EventType.START, EventType.UPDATE, EventType.STOP


@pytest.mark.parametrize(
    ("options", "event", "start_score", "wanted"),
    [
        ({}, {}, 0.0, True),
        ({}, {}, None, True),
        ({"streams": ("porch",)}, {"stream": "porch"}, 0.7, True),
        ({"streams": ("porch",)}, {"stream": "porch-2"}, 0.7, False),
        ({"streams": ("porch",)}, {"stream": "Porch"}, 0.7, False),
        ({"streams": ("garden-*",)}, {"stream": "garden-2"}, 0.7, True),
        ({"streams": ("garden-*", "porch")}, {"stream": "porch"}, 0.7, True),
        ({"actions": ("playing *",)}, {"action": "playing chess"}, 0.7, True),
        ({"actions": ("playing *",)}, {"action": "chess"}, 0.7, False),
        ({"actions": ("a [b]",)}, {"action": "a [b]"}, 0.7, True),
        ({"actions": ("a [bc]",)}, {"action": "a c"}, 0.7, True),
        ({"event_types": (START,)}, {"event_type": START}, 0.7, True),
        ({"event_types": (START,)}, {"event_type": STOP}, 0.7, False),
        ({"min_score": 0.6}, {"score": 0.1}, 0.6, True),
        ({"min_score": 0.6}, {"score": 0.9}, 0.59, False),
        ({"min_score": 0.6}, {"score": 0.1}, None, True),
        ({"streams": ("porch",), "actions": ("waving",)}, {"action": "running"}, 0.7, False),
    ],
)
def test_all_that_it_says_must_fit(options, event, start_score, wanted):
    assert EventFilter(**options).wants(example_event(**event), start_score) is wanted


def test_what_is_left_out_is_settled_but_not_delivered(outbox, run):
    trial = Trial()
    events = [
        example_event(kind, number=n, stream=s)
        for n, s in ((1, "porch"), (2, "garden"), (3, "porch"))
        for kind in (START, STOP)
    ]
    outbox.append(events)
    worker = run(trial, wanted=EventFilter(streams=("p*",), event_types=(START,)))
    assert worker.stop(PATIENCE_S)
    assert seqs(trial.tried) == [1, 5]
    assert (worker.stats.delivered, worker.stats.unwanted) == (2, 4)
    assert outbox.pending("b") == len(events)


@pytest.mark.parametrize(("first", "second"), [(START, STOP), (START, UPDATE), (UPDATE, STOP)])
def test_an_occurrence_keeps_the_score_of_its_start_across_restarts(make, first, second):
    make("a").append([example_event(START, score=0.64)])
    make("a").append([example_event(first, score=0.9), example_event(second, score=0.3, peak_score=1.0)])
    outbox = make("a")
    assert outbox.start_score(3) == (0.9 if first is START else 0.64)
    assert outbox.start_score(4) is None


def test_the_stop_of_a_crash_follows_its_start(make):
    make("a").append([example_event(number=1, score=0.6), example_event(number=2, score=0.9)])
    outbox, trial = make("a"), Trial()
    outbox.recover()
    worker = DeliveryWorker("a", trial.make_sink, outbox, wanted=EventFilter(min_score=0.7))
    worker.start()
    assert worker.stop(PATIENCE_S)
    assert [(event.id, event.event_type) for event in trial.accepted] == [
        ("example-000002", START),
        ("example-000002", STOP),
    ]


SCORES = st.floats(0.0, 1.0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    occurrences=st.lists(st.tuples(SCORES, SCORES, st.booleans()), min_size=1, max_size=6),
    min_score=SCORES,
)
def test_no_start_without_its_stop_nor_the_other_way_round(tmp_path_factory, occurrences, min_score):
    outbox, trial = Outbox(tmp_path_factory.mktemp("filter") / "outbox.db"), Trial()
    outbox.register_sinks(["a"])
    for (n, (start, later, with_update)), kind in product(enumerate(occurrences), EventType):
        if kind is not UPDATE or with_update:
            score = start if kind is START else later
            outbox.append([example_event(kind, number=n, score=score, peak_score=max(start, later))])
    worker = DeliveryWorker(
        "a", trial.make_sink, outbox, backoff=Backoff(first_s=1e-4, cap_s=1e-4), wanted=EventFilter(min_score=min_score)
    )
    worker.start()
    assert worker.stop(PATIENCE_S)
    outbox.close()
    sent = {kind: [event.id for event in trial.accepted if event.event_type is kind] for kind in EventType}
    loud = [example_event(number=n).id for n, (start, _, _) in enumerate(occurrences) if start >= min_score]
    assert sent[START] == sent[STOP] == loud
    assert set(sent[UPDATE]) <= set(loud)
    assert worker.stats.delivered + worker.stats.unwanted == outbox.query()[-1].seq
