"""`events`: what happened, by time, action, stream and kind, also beside a running daemon."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from commands import in_pipes, on_terminal

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.delivery import Outbox
from movinet_edge.testing.sinks import example_event

NOON = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
START, STOP = EventType.START, EventType.STOP


def happened(event_type, number, **changes):
    """An event at noon and `number` minutes."""
    began_at = NOON + timedelta(minutes=number)
    ended_at = began_at + timedelta(seconds=3.6) if event_type is STOP else None
    return example_event(event_type, number=number, started_at=began_at, ended_at=ended_at, **changes)


EVENTS = [
    happened(START, 0),
    happened(STOP, 0),
    happened(START, 10, stream="garden"),
    happened(STOP, 10, stream="garden"),
    happened(START, 20, action="jumping"),
]


@pytest.fixture
def outbox(tmp_path):
    """A daemon's store, open as long as the test runs."""
    outbox = Outbox(tmp_path / "state" / "outbox.db")
    outbox.register_sinks(["log"])
    outbox.append(EVENTS)
    yield outbox
    outbox.close()


@pytest.fixture
def seqs(cli, outbox, tmp_path):
    """The places of the events that a query gives."""

    def run(*arguments):
        ran = cli("events", "--state-dir", tmp_path / "state", "--format", "jsonl", *arguments)
        assert (ran.code, ran.err) == (0, "")
        return [line["seq"] for line in ran.lines]

    return run


QUERIES = [
    ([], [1, 2, 3, 4, 5]),
    (["--stream", "garden"], [3, 4]),
    (["--stream", "nowhere"], []),
    (["--action", "waving"], [1, 2, 3, 4]),
    (["--type", "stop"], [2, 4]),
    (["--type", "start", "--action", "waving", "--stream", "porch"], [1]),
    (["--limit", "2"], [4, 5]),
    (["--limit", "2", "--type", "start"], [3, 5]),
    (["--since", "2024-05-17T12:10+00:00"], [3, 4, 5]),
    (["--since", "2024-05-17T12:10:01Z"], [4, 5]),
    (["--until", "2024-05-17T12:10Z"], [1, 2]),
    (["--since", "2024-05-17T14:05+02:00", "--until", "2024-05-17T14:15+02:00"], [3, 4]),
    (["--since", "1h"], []),
    (["--until", "1h"], [1, 2, 3, 4, 5]),
    (["--since", "99999d"], [1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("arguments", "wanted"), QUERIES, ids=[" ".join(a) or "all" for a, _ in QUERIES])
def test_queries(seqs, arguments, wanted):
    assert seqs(*arguments) == wanted


def test_a_time_without_a_zone_is_this_machines(seqs, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert seqs("--since", "2024-05-17T21:15") == [5]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_json_lines_are_the_events_as_sinks_get_them(cli, outbox, tmp_path):
    ran = cli("events", "--state-dir", tmp_path / "state")
    events = [ActionEvent.from_json(line) for line in ran.out.splitlines()]
    assert [event.model_copy(update={"seq": None}) for event in events] == EVENTS


def test_beside_a_running_daemon(outbox, tmp_path):
    ran = in_pipes("events", "--state-dir", tmp_path / "state")
    assert (ran.code, ran.err, len(ran.lines)) == (0, "", 5)
    outbox.append([happened(STOP, 20, action="jumping")])
    assert len(in_pipes("events", "--state-dir", tmp_path / "state").lines) == 6


def test_a_table_on_a_terminal(outbox, tmp_path):
    ran = on_terminal("events", "--state-dir", tmp_path / "state", columns=120)
    assert ran.code == 0
    assert "2024-05-17 12:10:03" in ran.out  # a stop is told when it happened
    assert ran.out.count("waving") == 4
    assert ran.out.rstrip().endswith("5 events")


def test_a_table_that_is_asked_for_in_a_pipe_is_not_folded(cli, outbox, tmp_path):
    long = "a name that is as long as the name of an action may become, here"
    outbox.append([example_event(number=9, action=long)])
    ran = cli("events", "--state-dir", tmp_path / "state", "--format", "table", "--action", long)
    assert long in ran.out
    assert ran.out.rstrip().endswith("1 event")


def test_nothing_found_is_no_error(cli, outbox, tmp_path):
    ran = cli("events", "--state-dir", tmp_path / "state", "--action", "flying", "--format", "table")
    assert (ran.code, ran.out, ran.err) == (0, "0 events\n", "")


def test_a_missing_store(cli, tmp_path):
    ran = cli("events", "--state-dir", tmp_path / "nothing")
    assert (ran.code, ran.out) == (78, "")
    assert f"there is no store {tmp_path}/nothing/outbox.db; has the daemon run" in ran.err
    assert not (tmp_path / "nothing").exists()


def test_a_file_that_is_no_store(cli, tmp_path):
    (tmp_path / "outbox.db").write_text("This is a diary.\n" * 100)
    ran = cli("events", "--state-dir", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("movinet-edge: ")
    assert str(tmp_path / "outbox.db") in ran.err


def test_a_wrong_configuration(cli, folder):
    (folder / "config.yaml").write_text("streems: []\n")
    ran = cli("events", "--config", folder / "config.yaml")
    assert ran.code == 78
    assert "did you mean 'streams'?" in ran.err
