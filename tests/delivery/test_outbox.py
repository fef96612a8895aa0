"""The outbox: order, cursors, bounds, recovery, waiting and queries."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs
from trial import PATIENCE_S, seqs, starts

from movinet_edge.api import ActionEvent, EventType, StopReason
from movinet_edge.delivery import Outbox, OutboxUnavailable
from movinet_edge.testing.sinks import example_event

START, UPDATE, STOP = EventType.START, EventType.UPDATE, EventType.STOP


def test_append_numbers_events_and_gives_them_back_whole(make):
    outbox = make("a")
    first = outbox.append([example_event(number=1), example_event(STOP, number=1)])
    second = outbox.append([example_event(number=2)])
    assert seqs(first + second) == [1, 2, 3]
    assert outbox.peek("a", 10) == first + second
    assert [event.model_copy(update={"seq": None}) for event in first] == [example_event(), example_event(STOP)]


def test_append_of_nothing_is_nothing(make):
    assert make("a").append([]) == []


def test_every_sink_has_its_own_place_and_it_only_moves_on(make):
    outbox = make("a", "b")
    outbox.append(starts(4))
    assert outbox.acknowledge("a", 3)
    assert not outbox.acknowledge("a", 2)
    assert (seqs(outbox.peek("a", 9)), seqs(outbox.peek("b", 2))) == ([4], [1, 2])
    assert (outbox.pending("a"), outbox.pending("b")) == (1, 4)


def test_everything_is_there_after_reopening(make):
    outbox = make("a", "b")
    stored = outbox.append(starts(3))
    outbox.acknowledge("a", 2)
    outbox = make("a", "b")
    assert outbox.peek("a", 9) == stored[2:]
    assert outbox.peek("b", 9) == stored
    assert seqs(outbox.append(starts(1))) == [4]


def test_numbers_never_come_back(make):
    outbox = make("a", max_events=1)
    outbox.append(starts(5))
    assert seqs(make("a", max_events=1).append(starts(1))) == [6]


def test_an_acknowledgement_is_on_file_at_once(make, path):
    outbox = make("a")
    outbox.append(starts(2))
    outbox.acknowledge("a", 2)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT acknowledged FROM cursors").fetchall() == [(2,)]


def test_a_new_sink_begins_at_the_present_and_a_removed_one_is_forgotten(make):
    outbox = make("a")
    outbox.append(starts(3))
    outbox.register_sinks(["a", "b"])
    assert (outbox.pending("a"), outbox.pending("b")) == (3, 0)
    outbox.append(starts(1))
    assert seqs(outbox.peek("b", 9)) == [4]
    make("b").register_sinks(["b", "a"])
    outbox = make("a", "b")
    assert (outbox.pending("a"), outbox.pending("b")) == (0, 1)


@pytest.mark.parametrize("call", ["peek", "pending", "dropped", "wait_for"])
def test_an_unknown_sink_is_named(make, call):
    with pytest.raises(ValueError, match=r"'mqqt'.*\['mqtt'\]"):
        getattr(make("mqtt"), call)("mqqt")


class TestLate:
    def test_by_age(self, make, clock):
        outbox = make("a")
        outbox.append(starts(1))
        clock.now_s += 10.0
        outbox.append(starts(1))
        assert [event.late for event in outbox.peek("a", 9, late_after_s=10.0)] == [False, False]
        clock.now_s += 0.1
        assert [event.late for event in outbox.peek("a", 9, late_after_s=10.0)] == [True, False]
        assert [event.late for event in outbox.peek("a", 9)] == [False, False]

    def test_by_an_earlier_process(self, make):
        make("a").append(starts(1))
        outbox = make("a")
        outbox.append(starts(1))
        assert [event.late for event in outbox.peek("a", 9, late_after_s=10.0)] == [True, False]

    def test_a_clock_set_back_makes_nothing_late(self, make, clock):
        outbox = make("a")
        outbox.append(starts(1))
        clock.now_s -= 3600.0
        assert not outbox.peek("a", late_after_s=10.0)[0].late


class TestBounds:
    def test_by_count_the_oldest_go_and_only_undelivered_ones_count_as_dropped(self, make):
        outbox = make("fast", "slow", max_events=3)
        outbox.append(starts(3))
        outbox.acknowledge("fast", 3)
        outbox.acknowledge("slow", 1)
        outbox.append(starts(2))
        assert (outbox.dropped("fast"), outbox.dropped("slow")) == (0, 1)
        assert (seqs(outbox.peek("fast", 9)), seqs(outbox.peek("slow", 9))) == ([4, 5], [3, 4, 5])
        assert seqs(outbox.query()) == [3, 4, 5]

    def test_by_age(self, make, clock):
        outbox = make("a", max_age_s=100.0)
        outbox.append(starts(2))
        clock.now_s += 100.0
        outbox.append(starts(1))
        assert outbox.dropped("a") == 0
        clock.now_s += 0.5
        outbox.append(starts(1))
        assert (outbox.dropped("a"), seqs(outbox.peek("a", 9))) == (2, [3, 4])

    def test_more_at_once_than_fits(self, make):
        outbox = make("a", max_events=2)
        outbox.append(starts(5))
        assert (outbox.dropped("a"), seqs(outbox.peek("a", 9))) == (3, [4, 5])

    def test_the_count_of_dropped_survives_reopening(self, make):
        make("a", max_events=2).append(starts(5))
        assert make("a", max_events=2).dropped("a") == 3

    def test_an_event_dropped_on_its_way_is_not_acknowledged_again(self, make):
        outbox = make("a", max_events=1)
        outbox.append(starts(1))
        outbox.append(starts(1))
        assert not outbox.acknowledge("a", 1)
        assert (outbox.pending("a"), outbox.dropped("a")) == (1, 1)

    def test_a_burst_is_logged_once_and_so_is_its_end(self, make):
        outbox = make("a", max_events=1)
        with capture_logs() as logs:
            for _ in range(4):
                outbox.append(starts(1))
            outbox.acknowledge("a", 4)
            outbox.append(starts(1))
            outbox.append(starts(1))
        assert [(log["log_level"], log["sink"]) for log in logs] == [("warning", "a"), ("info", "a"), ("warning", "a")]
        assert logs[1]["dropped_in_all"] == 3

    @pytest.mark.parametrize("options", [{"max_events": 0}, {"max_age_s": 0.0}, {"max_age_s": float("nan")}])
    def test_senseless_bounds_are_refused(self, path, options):
        with pytest.raises(ValueError, match="max_events >= 1 and max_age_s > 0"):
            Outbox(path, **options)


class TestRecover:
    def test_closes_what_was_left_open_and_only_that(self, make):
        outbox = make("a")
        outbox.append([example_event(number=1), example_event(number=2), example_event(STOP, number=1)])
        outbox.append([example_event(UPDATE, number=2), example_event(number=3)])
        outbox = make("a")
        stops = outbox.recover()
        assert [(stop.seq, stop.id, stop.event_type, stop.reason) for stop in stops] == [
            (6, "example-000002", STOP, StopReason.SHUTDOWN),
            (7, "example-000003", STOP, StopReason.SHUTDOWN),
        ]
        assert outbox.peek("a", 9)[-2:] == stops
        assert outbox.recover() == []
        assert make("a").recover() == []

    @pytest.mark.parametrize(("last", "end_s"), [(START, 0.4), (UPDATE, 2.0)])
    def test_ends_at_the_last_moment_known(self, make, last, end_s):
        event = example_event(last, number=1)
        outbox = make("a")
        outbox.append([event])
        (stop,) = outbox.recover()
        assert stop.ended_at == event.started_at + timedelta(seconds=end_s)
        assert (stop.ended_s, stop.duration_s) == pytest.approx((event.started_s + end_s, end_s))
        unchanged = {"id", "stream", "action", "labels", "started_at", "started_s", "peak_score", "model"}
        assert stop.model_dump(include=unchanged) == event.model_dump(include=unchanged)
        assert ActionEvent.from_json(stop.to_json()) == stop

    def test_outlives_the_bounds(self, make):
        outbox = make("a", max_events=1)
        outbox.append([example_event(number=1)])
        outbox.append([example_event(number=2), example_event(STOP, number=2)])
        assert [stop.id for stop in outbox.recover()] == ["example-000001"]


class TestWaiting:
    def test_is_over_at_once_when_something_is_pending(self, make):
        outbox = make("a")
        outbox.append(starts(1))
        assert outbox.wait_for("a")

    def test_ends_without_an_event_when_time_is_up(self, make):
        assert not make("a").wait_for("a", timeout_s=0.01)

    @pytest.mark.parametrize("way", ["append", "wake", "close"])
    def test_is_woken(self, make, way):
        outbox = make("a")
        stop, results = threading.Event(), []
        thread = threading.Thread(target=lambda: results.append(outbox.wait_for("a", stop=stop.is_set)))
        thread.start()
        time.sleep(0.05)  # most likely asleep by now; the test holds either way
        if way == "append":
            outbox.append(starts(1))
        elif way == "wake":
            stop.set()
            outbox.wake()
        else:
            outbox.close()
        thread.join(PATIENCE_S)
        assert results == [way == "append"]


class TestQuery:
    @pytest.fixture
    def outbox(self, make) -> Outbox:
        outbox = make()
        for n, stream, action in [(1, "porch", "waving"), (2, "garden", "digging"), (3, "porch", "digging")]:
            outbox.append([example_event(kind, number=n, stream=stream, action=action) for kind in (START, STOP)])
        return outbox

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({}, [1, 2, 3, 4, 5, 6]),
            ({"stream": "porch"}, [1, 2, 5, 6]),
            ({"stream": "porch", "action": "digging"}, [5, 6]),
            ({"event_type": STOP}, [2, 4, 6]),
            ({"limit": 2}, [5, 6]),
            ({"limit": 1, "stream": "garden"}, [4]),
            ({"limit": 0}, []),
            ({"since": datetime(2024, 5, 17, 8, 32, tzinfo=UTC)}, [3, 4, 5, 6]),
            ({"until": datetime(2024, 5, 17, 8, 32, tzinfo=UTC)}, [1, 2]),
            ({"since": datetime.fromisoformat("2024-05-17T10:32:03+02:00")}, [4, 5, 6]),
            ({"since": datetime.fromisoformat("2024-05-17T08:32:03")}, [4, 5, 6]),
            ({"stream": "' OR 1=1 --"}, []),
        ],
    )
    def test_finds(self, outbox, wanted, expected):
        assert seqs(outbox.query(**wanted)) == expected

    def test_beside_a_writer_and_after_it(self, outbox, path):
        with Outbox.open_readonly(path) as history:
            assert len(history.query()) == 6
            outbox.append(starts(1))
            assert len(history.query()) == 7
        outbox.close()
        with Outbox.open_readonly(path) as history:
            assert len(history.query()) == 7
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                history._connection.execute("DELETE FROM events")

    def test_without_a_file(self, tmp_path):
        with pytest.raises(OutboxUnavailable, match=r"no events.*nothing\.db"):
            Outbox.open_readonly(tmp_path / "nothing.db")
        assert list(tmp_path.iterdir()) == []


def test_threads_may_append_at_the_same_time(make):
    outbox = make("a")

    def append(first: int) -> None:
        for n in range(first, first + 10):
            outbox.append([example_event(number=n), example_event(STOP, number=n)])

    threads = [threading.Thread(target=append, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    stored = outbox.peek("a", 100)
    assert seqs(stored) == list(range(1, 61))
    assert [a.id for a in stored[::2]] == [b.id for b in stored[1::2]]  # one append, one piece


def test_after_closing_everything_says_so(make):
    outbox = make("a")
    outbox.append(starts(1))
    outbox.close()
    outbox.close()
    for attempt in (
        lambda: outbox.append(starts(1)),
        lambda: outbox.peek("a"),
        lambda: outbox.acknowledge("a", 1),
        outbox.recover,
        lambda: outbox.register_sinks(["b"]),
    ):
        with pytest.raises(OutboxUnavailable, match="closed"):
            attempt()
    assert outbox.pending("a") == 1
