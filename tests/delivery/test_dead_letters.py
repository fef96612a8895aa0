"""Events that a sink refused for good: kept with the reason, shown, sent again, bounded, and shared by processes."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs
from trial import PATIENCE_S, Trial, eventually, seqs, starts
from trouble import file_size_limit

from movinet_edge.api import DeliveryError, DeliveryRejected, EventType
from movinet_edge.delivery import DeliveryWorker, FailedEvents, OutboxTooNew, OutboxUnavailable, dead_letters
from movinet_edge.testing.sinks import example_event


def kept(path, sink=None):
    return [(failed.sink, failed.event.seq, failed.reason, failed.tries) for failed in FailedEvents(path).query(sink)]


def refuse(outbox, sink, count, reason="no"):
    """Let a sink refuse its next events."""
    for _ in range(count):
        (event,) = outbox.peek(sink)
        assert outbox.reject(sink, event, reason)


class TestKeeping:
    def test_with_sink_reason_and_time(self, make, path, clock):
        outbox = make("a", "b")
        (event,) = outbox.append(starts(1))
        assert outbox.reject("b", event, "too large")
        (failed,) = FailedEvents(path).query()
        assert (failed.sink, failed.event, failed.reason) == ("b", event, "too large")
        assert (failed.failed_at, failed.tries, failed.retry) == (datetime.fromtimestamp(clock.now_s, UTC), 1, False)
        assert (outbox.pending("a"), outbox.pending("b")) == (1, 0)

    def test_survives_reopening_and_being_taken_from_the_configuration(self, make, path):
        refuse_all = make("a", "b")
        refuse_all.append(starts(2))
        refuse(refuse_all, "a", 2)
        make("b")
        assert kept(path) == [("a", 1, "no", 1), ("a", 2, "no", 1)]

    def test_of_one_sink_or_of_all_in_the_order_of_refusal(self, make, path):
        outbox = make("a", "b")
        outbox.append(starts(2))
        refuse(outbox, "b", 1)
        refuse(outbox, "a", 2)
        assert [entry[:2] for entry in kept(path)] == [("b", 1), ("a", 1), ("a", 2)]
        assert [entry[:2] for entry in kept(path, "a")] == [("a", 1), ("a", 2)]
        assert kept(path, "c") == []

    def test_what_was_dropped_on_its_way_is_not_counted_twice(self, make, path):
        outbox = make("a", max_events=1)
        (first,) = outbox.append(starts(1))
        outbox.append(starts(1))
        assert not outbox.reject("a", first, "no")
        assert (kept(path), outbox.dropped("a")) == ([], 1)

    def test_outlives_the_bound_by_count_but_not_the_one_by_age(self, make, path, clock):
        outbox = make("a", max_events=1, max_age_s=100.0)
        outbox.append(starts(1))
        refuse(outbox, "a", 1)
        outbox.append(starts(1))
        assert seqs(outbox.query()) == [2]
        assert kept(path) == [("a", 1, "no", 1)]
        clock.now_s += 100.5
        outbox.append(starts(1))
        assert kept(path) == []

    def test_beyond_the_bound_the_oldest_go(self, make, path, monkeypatch):
        monkeypatch.setattr(dead_letters, "MOST_FAILED", 3)
        outbox = make("a", "b")
        outbox.append(starts(3))
        refuse(outbox, "b", 1)
        with capture_logs() as logs:
            refuse(outbox, "a", 3)
            refuse(outbox, "b", 2)
        assert [entry[:2] for entry in kept(path)] == [("a", 3), ("b", 2), ("b", 3)]
        assert [(log["log_level"], log["kept"]) for log in logs] == [("warning", 3)]

    def test_waits_for_a_full_disk_to_end(self, make, path):
        outbox = make("a")
        events = outbox.append(starts(2))
        with file_size_limit(path.with_name("outbox.db-wal").stat().st_size), pytest.raises(OutboxUnavailable):
            outbox.reject("a", events[0], "no")
        assert (outbox.peek("a"), kept(path)) == ([events[0]], [])
        refuse(outbox, "a", 1)
        assert (outbox.peek("a"), kept(path)) == ([events[1]], [("a", 1, "no", 1)])

    def test_a_rotten_one_hides_no_other(self, make, path):
        outbox = make("a")
        outbox.append(starts(3))
        refuse(outbox, "a", 3)
        outbox._durable.execute("UPDATE failed SET body = x'7bff00' WHERE seq = 2")
        outbox.retry_failed()
        assert [entry[1] for entry in kept(path)] == [1, 3]
        for seq in (1, 3):
            assert seqs([outbox.next_retry("a")]) == [seq]
            outbox.settle_retry("a", seq)
        assert outbox.next_retry("a") is None


class TestRetry:
    @pytest.fixture
    def refused(self, make):
        outbox = make("a", "b")
        outbox.append(starts(3))
        refuse(outbox, "a", 2)
        refuse(outbox, "b", 1)
        return outbox

    def test_nothing_comes_back_unasked(self, refused):
        assert refused.next_retry("a") is None
        assert refused.has_failed("a")

    @pytest.mark.parametrize(
        ("sink", "marked", "of_a", "of_b"), [(None, 3, 1, 1), ("a", 2, 1, None), ("b", 1, None, 1)]
    )
    def test_of_one_sink_or_of_all(self, refused, sink, marked, of_a, of_b):
        assert refused.retry_failed(sink) == marked
        offered = [event and event.seq for event in (refused.next_retry("a"), refused.next_retry("b"))]
        assert offered == [of_a, of_b]

    def test_of_an_unknown_sink_is_refused(self, refused):
        with pytest.raises(ValueError, match="'c'"):
            refused.retry_failed("c")

    def test_comes_late_in_order_and_is_gone_once_taken(self, refused, path):
        refused.retry_failed("a")
        for seq in (1, 2):
            event = refused.next_retry("a")
            assert (event.seq, event.late) == (seq, True)
            refused.settle_retry("a", seq)
        assert refused.next_retry("a") is None
        assert not refused.has_failed("a")
        assert kept(path) == [("b", 1, "no", 1)]

    def test_refused_again_it_stays_with_a_count(self, refused, path, clock):
        refused.retry_failed("a")
        clock.now_s += 60.0
        assert refused.reject("a", refused.next_retry("a"), "still no")
        assert kept(path, "a") == [("a", 1, "still no", 2), ("a", 2, "no", 1)]
        assert [failed.retry for failed in FailedEvents(path).query("a")] == [False, True]
        assert seqs([refused.next_retry("a")]) == [2]

    def test_asked_for_before_a_restart_comes_after_it(self, refused, make):
        refused.retry_failed("b")
        assert seqs([make("a", "b").next_retry("b")]) == [1]

    def test_on_a_full_disk_makes_no_duplicates(self, refused, make, path):
        refused.retry_failed("a")
        with file_size_limit(path.with_name("outbox.db-wal").stat().st_size):
            for seq in (1, 2):
                assert seqs([refused.next_retry("a")]) == [seq]
                refused.settle_retry("a", seq)
            assert refused.next_retry("a") is None
        assert make("a", "b").next_retry("a") is None
        assert kept(path, "a") == []

    def test_after_closing_says_so(self, refused):
        refused.close()
        for attempt in (
            lambda: refused.next_retry("a"),
            lambda: refused.settle_retry("a", 1),
            refused.retry_failed,
            lambda: refused.reject("a", example_event(seq=9), "no"),
            lambda: refused.start_score(1),
        ):
            with pytest.raises(OutboxUnavailable, match="closed"):
                attempt()


class TestWorker:
    def test_sends_again_what_is_asked_for_after_what_is_pending(self, outbox, run):
        trial = Trial([DeliveryRejected("no"), None, DeliveryRejected("no")])
        outbox.append(starts(4))
        worker = run(trial)
        eventually(lambda: outbox.pending("a") == 0)
        assert seqs(trial.accepted) == [2, 4]
        assert outbox.retry_failed("a") == 2
        eventually(lambda: not outbox.has_failed("a"))
        assert seqs(trial.accepted) == [2, 4, 1, 3]
        assert [event.late for event in trial.accepted] == [False, False, True, True]
        assert (worker.stats.delivered, worker.stats.rejected) == (4, 2)

    def test_pending_ones_go_first(self, outbox):
        trial = Trial()
        outbox.append(starts(2))
        refuse(outbox, "a", 1)
        outbox.retry_failed("a")
        outbox.append(starts(1))
        worker = DeliveryWorker("a", trial.make_sink, outbox)
        worker.start()
        eventually(lambda: len(trial.accepted) == 3)
        worker.stop(PATIENCE_S)
        assert seqs(trial.accepted) == [2, 3, 1]

    def test_tries_until_the_sink_has_decided(self, outbox, run):
        trial = Trial([DeliveryRejected("no"), DeliveryError("down"), RuntimeError("bug"), DeliveryRejected("never")])
        outbox.append(starts(1))
        worker = run(trial)
        eventually(lambda: outbox.pending("a") == 0)
        outbox.retry_failed()
        eventually(lambda: worker.stats.rejected == 2)
        worker.stop(PATIENCE_S)
        assert seqs(trial.tried) == [1, 1, 1, 1]
        assert kept(outbox.path) == [("a", 1, "never", 2)]
        assert worker.stats.retries == 2

    def test_what_another_process_asks_for_is_found_although_events_never_pause(self, outbox, run, monkeypatch):
        look_s, pause_s = 0.3, 0.03  # a pause for each look would begin anew with every event
        monkeypatch.setattr("movinet_edge.delivery.worker._LOOK_FOR_RETRIES_S", look_s)
        trial = Trial([DeliveryRejected("no")])
        outbox.append(starts(1))
        run(trial)
        eventually(lambda: outbox.pending("a") == 0)
        FailedEvents(outbox.path).retry("a")

        def taken_again():
            outbox.append(starts(1))
            time.sleep(pause_s)
            return 1 in seqs(trial.accepted)

        eventually(taken_again)

    def test_a_refusal_without_words_is_named(self, outbox, run):
        outbox.append(starts(1))
        worker = run(Trial([DeliveryRejected()]))
        eventually(lambda: outbox.pending("a") == 0)
        worker.stop(PATIENCE_S)
        assert kept(outbox.path) == [("a", 1, "DeliveryRejected", 1)]

    def test_notices_what_another_process_asks_for(self, outbox, run, monkeypatch):
        monkeypatch.setattr("movinet_edge.delivery.worker._LOOK_FOR_RETRIES_S", 0.01)
        trial = Trial([DeliveryRejected("no")])
        outbox.append(starts(1))
        run(trial)
        eventually(lambda: outbox.has_failed("a"))
        code = "import sys; from pathlib import Path; from movinet_edge.delivery import FailedEvents\n"
        code += "print(FailedEvents(Path(sys.argv[1])).retry('a'))"
        done = subprocess.run([sys.executable, "-c", code, outbox.path], capture_output=True, timeout=60, check=True)
        assert done.stdout == b"1\n"
        eventually(lambda: seqs(trial.accepted) == [1])

    def test_sleeps_without_end_while_nothing_was_refused(self, run):
        worker = run(Trial())
        assert worker._patience_s() is None


WRITER = """\
import sys
from pathlib import Path
from movinet_edge.delivery import FailedEvents
failed = FailedEvents(Path(sys.argv[1]))
print("ready", flush=True)
while not sys.stdin.read(1):
    pass
for _ in range(100):
    assert failed.retry("a") > 0
"""


def test_two_processes_write_at_the_same_time(make, path):
    outbox = make("a", "b")
    outbox.append(starts(1))
    refuse(outbox, "a", 1)
    arguments = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"ready\n"
        other.stdin.write(b"!")
        other.stdin.flush()
        written = 0
        while other.poll() is None or written < 20:
            (event,) = outbox.append(starts(1))
            assert outbox.acknowledge("b", event.seq)
            written += 1
        errors = other.stderr.read()
    assert (other.returncode, errors) == (0, b"")
    assert len(outbox.query()) == written + 1
    assert seqs([outbox.next_retry("a")]) == [1]


SCHEMA_1 = """\
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, event_type TEXT NOT NULL, stream TEXT NOT NULL, action TEXT NOT NULL,
    happened_at_s REAL NOT NULL, committed_at_s REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE cursors (sink TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE open_occurrences (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);
PRAGMA user_version = 1;
"""


class TestOlderFile:
    @pytest.fixture
    def old(self, path, clock):
        """What the first version left: two events, one delivered, one still going on."""
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SCHEMA_1)
            for n in (1, 2):
                event = example_event(number=n, seq=n)
                row = (n, "start", event.stream, event.action, clock.now_s, clock.now_s, event.to_json().encode())
                connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("INSERT INTO open_occurrences VALUES (?, 2, ?)", (event.id, row[-1]))
            connection.execute("INSERT INTO cursors VALUES ('a', 1, 0)")
            connection.commit()
        return path

    def test_is_migrated_with_all_that_is_in_it(self, old, make):
        outbox = make("a")
        assert seqs(outbox.peek("a", 9)) == [2]
        (stop,) = outbox.recover()
        assert (stop.id, stop.event_type) == (example_event(number=2).id, EventType.STOP)
        assert [outbox.start_score(seq) for seq in (1, 2, 3)] == [None, None, None]
        refuse(outbox, "a", 2)
        assert [entry[1] for entry in kept(old)] == [2, 3]
        assert make("a").pending("a") == 0

    def test_before_its_migration_holds_no_failed_events(self, old):
        before = old.read_bytes()
        assert kept(old) == []
        assert FailedEvents(old).retry() == 0
        assert old.read_bytes() == before


@pytest.mark.parametrize("ask", ["query", "retry"])
def test_a_file_of_a_newer_version_is_refused(make, path, ask):
    make("a").close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutboxTooNew, match="schema 99"):
        getattr(FailedEvents(path), ask)()


def test_without_a_file(tmp_path):
    with pytest.raises(OutboxUnavailable, match="no events are stored"):
        FailedEvents(tmp_path / "outbox.db")
