"""`events --failed` and `--retry`: what sinks refused, with the reasons, and having it sent again."""

import json
import time

import pytest
from commands import PATIENCE_S, in_pipes, on_terminal

from movinet_edge.api import DeliveryRejected, EventType
from movinet_edge.delivery import DeliveryWorker, Outbox
from movinet_edge.testing.sinks import example_event

REFUSALS = [
    ("webhook", example_event(number=1), "example.org answered with status 400: bad"),
    ("webhook", example_event(EventType.STOP, number=1), "example.org answered with status 400: bad"),
    ("mail", example_event(number=2, stream="garden", action="digging"), "no such user"),
]


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def outbox(state):
    """A running daemon's store; each sink has refused what REFUSALS says and taken the rest."""
    outbox = Outbox(state / "outbox.db")
    outbox.register_sinks(["webhook", "mail"])
    for refusing, event, reason in REFUSALS:
        (stored,) = outbox.append([event])
        for sink in ("webhook", "mail"):
            if sink == refusing:
                outbox.reject(sink, stored, reason)
            else:
                outbox.acknowledge(sink, stored.seq)
    yield outbox
    outbox.close()


@pytest.mark.parametrize(
    ("arguments", "seqs"),
    [
        ([], [1, 2, 3]),
        (["--sink", "webhook"], [1, 2]),
        (["--sink", "nobody"], []),
        (["--stream", "garden"], [3]),
        (["--action", "waving", "--type", "stop"], [2]),
        (["--limit", "2"], [2, 3]),
        (["--since", "2024-05-17T08:32+00:00"], [3]),
        (["--until", "2024-05-17T08:32+00:00"], [1, 2]),
        (["--since", "1h"], []),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_lists_what_matches(cli, outbox, state, arguments, seqs):
    ran = cli("events", "--state-dir", state, "--failed", "--json", *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert [line["event"]["seq"] for line in ran.lines] == seqs


def test_a_line_says_who_refused_what_when_and_why(cli, outbox, state):
    outbox.retry_failed("mail")
    line = cli("events", "--state-dir", state, "--failed", "--format", "jsonl").lines[-1]
    assert {key: line[key] for key in ("sink", "reason", "tries", "retry")} == {
        "sink": "mail",
        "reason": "no such user",
        "tries": 1,
        "retry": True,
    }
    assert line["failed_at"].endswith("+00:00")
    assert line["event"] == json.loads(outbox.query()[-1].to_json())


def test_a_table_on_a_terminal(outbox, state):
    outbox.retry_failed("mail")
    ran = on_terminal("events", "--state-dir", state, "--failed", columns=160)
    assert ran.code == 0
    assert ran.out.count("answered with status 400") == 2
    assert "1, again soon" in ran.out
    assert ran.out.rstrip().endswith("3 events; `movinet-edge events --retry` sends them again")


def test_none_is_no_error(cli, state):
    Outbox(state / "outbox.db").close()
    assert cli("events", "--state-dir", state, "--failed", "--format", "table").out == "0 events\n"
    assert cli("events", "--state-dir", state, "--failed").out == ""
    assert cli("events", "--state-dir", state, "--retry").out == "0 events to be sent again\n"


@pytest.mark.parametrize(("arguments", "count"), [([], "3 events"), (["--sink", "mail"], "1 event")])
def test_retry_from_another_process_reaches_the_daemon(outbox, state, arguments, count):
    ran = in_pipes("events", "--state-dir", state, "--retry", *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{count} to be sent again, within a minute when the daemon runs\n"
    assert outbox.next_retry("mail").seq == 3
    assert (outbox.next_retry("webhook") is None) == bool(arguments)


def test_retry_while_no_daemon_runs_is_done_by_the_next(cli, outbox, state):
    outbox.close()
    assert cli("events", "--state-dir", state, "--retry").code == 0
    taken = []

    class Picky:
        def open(self):
            pass

        def deliver(self, event):
            taken.append(event.seq)
            if event.seq == 2:
                raise DeliveryRejected("still bad")

        def close(self):
            pass

    again = Outbox(state / "outbox.db")
    again.register_sinks(["webhook", "mail"])
    worker = DeliveryWorker("webhook", Picky, again)
    worker.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while len(taken) < 2 or again.next_retry("webhook") is not None:
        assert time.monotonic() < deadline_s
        time.sleep(0.001)
    assert worker.stop(PATIENCE_S)
    again.close()
    left = cli("events", "--state-dir", state, "--failed", "--json").lines
    assert [(line["event"]["seq"], line["tries"], line["reason"]) for line in left] == [
        (2, 2, "still bad"),
        (3, 1, "no such user"),
    ]


def test_a_misspelt_sink_is_told(cli, outbox, state):
    ran = cli("events", "--state-dir", state, "--retry", "--sink", "webhok")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "movinet-edge: the sink 'webhok' has refused no event; those that have: mail, webhook\n"
    assert outbox.next_retry("webhook") is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--failed", "--retry"], "not allowed with argument"),
        (["--sink", "mail"], "--sink needs --failed or --retry"),
        (["--retry", "--stream", "porch"], "--retry cannot be combined with --stream"),
        (["--retry", "--type", "stop"], "--retry cannot be combined with --type"),
        (["--retry", "--limit", "1"], "--retry cannot be combined with --limit"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, state, arguments, reason):
    ran = cli("events", "--state-dir", state, *arguments)
    assert (ran.code, ran.out) == (64, "")
    assert reason in ran.err


def test_a_missing_store(cli, tmp_path):
    ran = cli("events", "--state-dir", tmp_path / "nothing", "--failed")
    assert ran.code == 78
    assert "there is no store" in ran.err
