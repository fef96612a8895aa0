"""Delivery workers: order, retries, rejections, hanging sinks and stopping, against a sink made to misbehave."""

import pickle
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from trial import PATIENCE_S, Trial, TrialSink, eventually, seqs, starts
from trouble import file_size_limit

from movinet_edge.api import DeliveryError, DeliveryRejected
from movinet_edge.delivery import Backoff, DeliveryWorker, Outbox, OutboxUnavailable, WorkerState


def test_delivers_in_order_what_is_there_and_what_comes(outbox, run):
    trial = Trial()
    stored = outbox.append(starts(3))
    worker = run(trial)
    eventually(lambda: outbox.pending("a") == 0)
    stored += outbox.append(starts(2))
    assert worker.stop(PATIENCE_S)
    assert trial.accepted == stored
    assert (trial.made, trial.closed) == (1, 1)
    assert (worker.stats.delivered, worker.stats.retries, worker.stats.last_error) == (5, 0, None)
    assert worker.stats.state is WorkerState.STOPPED
    assert outbox.pending("b") == 5


def test_offers_the_same_event_again_before_any_newer(outbox, run):
    trial = Trial([None, DeliveryError("full"), DeliveryError("still full")])
    outbox.append(starts(3))
    worker = run(trial)
    eventually(lambda: outbox.pending("a") == 0)
    assert seqs(trial.tried) == [1, 2, 2, 2, 3]
    assert seqs(trial.accepted) == [1, 2, 3]
    assert trial.made == 1
    assert worker.stats.retries == 2
    assert worker.stats.last_error == "still full"


def test_goes_on_after_a_rejected_event(outbox, run):
    trial = Trial([DeliveryRejected("too large")])
    outbox.append(starts(2))
    with capture_logs() as logs:
        worker = run(trial)
        eventually(lambda: outbox.pending("a") == 0)
        worker.stop(PATIENCE_S)
    assert seqs(trial.tried) == [1, 2]
    assert (worker.stats.delivered, worker.stats.rejected, worker.stats.retries) == (1, 1, 0)
    assert [(log["log_level"], log["seq"], log["error"]) for log in logs] == [("warning", 1, "too large")]


def test_reopens_a_sink_that_failed_unexpectedly(outbox, run):
    trial = Trial([RuntimeError("bug"), ZeroDivisionError()])
    outbox.append(starts(1))
    worker = run(trial)
    eventually(lambda: outbox.pending("a") == 0)
    assert worker.stop(PATIENCE_S)
    assert seqs(trial.accepted) == [1]
    assert (trial.made, trial.closed) == (3, 3)
    assert worker.stats.last_error == "ZeroDivisionError"


def test_tries_to_open_until_it_succeeds(outbox, run):
    trial = Trial(make=[DeliveryError("refused"), OSError("no route"), DeliveryRejected("odd")])
    worker = run(trial)
    eventually(lambda: worker.stats.state is WorkerState.IDLE)
    assert worker.stop(PATIENCE_S)
    assert (trial.made, trial.closed) == (4, 4)
    assert worker.stats.retries == 3


def test_a_sink_that_cannot_be_made_is_tried_again(outbox):
    attempts = iter([TypeError("bad settings")])
    trial = Trial()

    def make_sink() -> TrialSink:
        for error in attempts:
            raise error
        return trial.make_sink()

    outbox.append(starts(1))
    worker = DeliveryWorker("a", make_sink, outbox, backoff=Backoff(first_s=0.001, cap_s=0.001))
    worker.start()
    eventually(lambda: outbox.pending("a") == 0)
    assert worker.stop(PATIENCE_S)


def test_a_long_failure_is_logged_once_and_so_is_its_end(outbox, run):
    trial = Trial([DeliveryError("down")] * 5 + [RuntimeError("bug")] * 5 + [None, DeliveryError("again")])
    outbox.append(starts(2))
    with capture_logs() as logs:
        worker = run(trial)
        eventually(lambda: outbox.pending("a") == 0)
        worker.stop(PATIENCE_S)
    told = [(log["log_level"], log.get("failures"), log.get("exc_info", False)) for log in logs]
    assert [line for line in told if line[0] != "debug"] == [
        ("warning", 1, False),
        ("error", None, True),
        ("info", 10, False),
        ("warning", 1, False),
        ("info", 1, False),
    ]
    assert len(told) == 5 + 8


class TestAskedPause:
    """A destination may ask to be left alone for longer than the backoff would."""

    @pytest.mark.parametrize("make_worker_fail", ["deliver", "make"])
    def test_is_kept(self, outbox, run, make_worker_fail):
        tries_s: list[float] = []

        def fail() -> None:
            tries_s.append(time.monotonic())
            if len(tries_s) == 1:
                raise DeliveryError("busy", retry_after_s=0.3)

        outbox.append(starts(1))
        worker = run(Trial(**{make_worker_fail: [fail, fail]}))
        eventually(lambda: outbox.pending("a") == 0)
        assert worker.stats.retries == 1
        assert tries_s[1] - tries_s[0] >= 0.3

    @pytest.mark.parametrize("asked_s", [None, 0.0, -5.0, 0.001, float("nan")])
    def test_never_shortens_the_backoff_nor_breaks_it(self, outbox, run, asked_s):
        trial = Trial([DeliveryError("busy", retry_after_s=asked_s)])
        outbox.append(starts(1))
        worker = run(trial, pause_s=3600.0)
        eventually(lambda: worker.stats.state is WorkerState.RETRYING)
        assert seqs(trial.tried) == [1]
        worker.stop(PATIENCE_S)

    def test_belongs_to_the_latest_failure_alone(self, outbox, run):
        trial = Trial([DeliveryError("busy", retry_after_s=0.05), *[DeliveryError("down")] * 3, RuntimeError("bug")])
        outbox.append(starts(1))
        worker = run(trial)
        eventually(lambda: outbox.pending("a") == 0)
        assert worker.stop(PATIENCE_S)
        assert worker.stats.retries == 5

    @pytest.mark.parametrize("asked_s", [7200.0, float("inf")])
    def test_is_an_hour_at_most_and_ends_with_the_daemon(self, outbox, run, monkeypatch, asked_s):
        pauses_s = []
        waiting = threading.Event.wait

        def recorded(event: threading.Event, timeout: float | None = None) -> bool:
            pauses_s.append(timeout)
            return waiting(event, timeout)

        monkeypatch.setattr(threading.Event, "wait", recorded)
        trial = Trial([DeliveryError("busy", retry_after_s=asked_s)])
        outbox.append(starts(1))
        worker = run(trial)
        eventually(lambda: 3600.0 in pauses_s)
        assert worker.stop(PATIENCE_S)
        assert seqs(trial.tried) == [1, 1]


def test_a_delivery_error_says_what_the_destination_asked_for():
    class Own(DeliveryError):
        def __init__(self) -> None:
            """A plugin's own subclass may forget its parent."""

    assert (str(DeliveryError("down")), DeliveryError("down").retry_after_s) == ("down", None)
    assert pickle.loads(pickle.dumps(DeliveryError("busy", retry_after_s=2.0))).retry_after_s == 2.0  # noqa: S301
    assert Own().retry_after_s is None


def test_pauses_grow_although_reopening_works(outbox):
    """A sink that opens well and then fails is as broken as one that doesn't open."""
    ceilings_s = []

    class Recording(Backoff):
        def next_s(self) -> float:
            ceilings_s.append(self.ceiling_s)
            return super().next_s()

    trial = Trial([RuntimeError("bug")] * 4 + [None, DeliveryError("again")])
    outbox.append(starts(2))
    worker = DeliveryWorker("a", trial.make_sink, outbox, backoff=Recording(first_s=0.001, cap_s=1.0))
    worker.start()
    eventually(lambda: outbox.pending("a") == 0)
    worker.stop(PATIENCE_S)
    assert ceilings_s == [0.001, 0.002, 0.004, 0.008, 0.001]


class TestMarks:
    def test_what_a_failure_held_up_is_marked(self, tmp_path):
        now_s = [1000.0]
        with closing(Outbox(tmp_path / "outbox.db", clock=lambda: now_s[0])) as outbox:
            outbox.register_sinks(["a"])

            def time_passes() -> None:
                now_s[0] += 11.0
                raise DeliveryError("down")

            trial = Trial([time_passes])
            outbox.append(starts(1))
            worker = DeliveryWorker("a", trial.make_sink, outbox, backoff=Backoff(first_s=0.001, cap_s=0.001))
            worker.start()
            eventually(lambda: outbox.pending("a") == 0)
            outbox.append(starts(1))
            assert worker.stop(PATIENCE_S)
        assert [(event.seq, event.late) for event in trial.tried] == [(1, False), (1, True), (2, False)]

    def test_what_an_earlier_process_left_is_marked(self, tmp_path):
        with closing(Outbox(tmp_path / "outbox.db")) as outbox:
            outbox.register_sinks(["a"])
            outbox.append(starts(1))
        trial = Trial()
        with closing(Outbox(tmp_path / "outbox.db")) as outbox:
            outbox.append(starts(1))
            worker = DeliveryWorker("a", trial.make_sink, outbox)
            worker.start()
            eventually(lambda: outbox.pending("a") == 0)
            worker.stop(PATIENCE_S)
        assert [event.late for event in trial.accepted] == [True, False]

    def test_what_may_have_arrived_already_is_marked(self, tmp_path):
        """The one that was being delivered when the process before ended, and one that is offered again."""
        with closing(Outbox(tmp_path / "outbox.db")) as outbox:
            outbox.register_sinks(["a"])
            outbox.append(starts(2))
        trial = Trial([None, None, DeliveryError("no answer")])
        with closing(Outbox(tmp_path / "outbox.db")) as outbox:
            outbox.append(starts(2))
            worker = DeliveryWorker("a", trial.make_sink, outbox, backoff=Backoff(first_s=0.001, cap_s=0.001))
            worker.start()
            eventually(lambda: outbox.pending("a") == 0)
            worker.stop(PATIENCE_S)
        marks = [(event.seq, event.repeated) for event in trial.tried]
        assert marks == [(1, True), (2, False), (3, False), (3, True), (4, False)]


class TestStop:
    def test_drains_first(self, outbox, run):
        trial = Trial([lambda: time.sleep(0.01)] * 10)
        outbox.append(starts(10))
        assert run(trial).stop(PATIENCE_S)
        assert seqs(trial.accepted) == list(range(1, 11))

    def test_wakes_from_a_long_pause_for_one_last_try(self, outbox, run):
        trial = Trial([DeliveryError("down")])
        outbox.append(starts(2))
        worker = run(trial, pause_s=3600.0)
        eventually(lambda: worker.stats.state is WorkerState.RETRYING)
        assert worker.stop(PATIENCE_S)
        assert seqs(trial.tried) == [1, 1, 2]

    def test_gives_up_after_the_last_try(self, outbox, run):
        trial = Trial([DeliveryError("down")] * 100)
        outbox.append(starts(2))
        worker = run(trial, pause_s=3600.0)
        eventually(lambda: worker.stats.state is WorkerState.RETRYING)
        assert not worker.stop(PATIENCE_S)
        assert seqs(trial.tried) == [1, 1]
        assert (outbox.pending("a"), trial.closed) == (2, 1)

    def test_leaves_a_hanging_sink_behind_while_others_go_on(self, outbox, run):
        release = threading.Event()
        hanging, well = Trial([lambda: assert_set(release)]), Trial()
        outbox.append(starts(2))
        stuck, free = run(hanging, "a"), run(well, "b")
        eventually(lambda: outbox.pending("b") == 0 and len(hanging.tried) == 1)
        assert not stuck.stop(0.01)
        assert free.stop(PATIENCE_S)
        assert stuck.stats.state is WorkerState.DELIVERING
        assert seqs(well.accepted) == [1, 2]
        release.set()
        eventually(lambda: stuck.stats.state is WorkerState.STOPPED)
        assert seqs(hanging.accepted) == [1]  # what it was told to abandon is not taken up again
        assert outbox.pending("a") == 1

    def test_without_start_or_twice_does_no_harm(self, outbox, run):
        idle = DeliveryWorker("b", Trial().make_sink, outbox)
        assert idle.stop(0.0)
        worker = run(Trial())
        assert worker.stop(PATIENCE_S)
        assert worker.stop(PATIENCE_S)

    def test_ends_although_closing_the_sink_fails(self, outbox, run, monkeypatch):
        def fail(_: TrialSink) -> None:
            raise OSError("cannot close")

        monkeypatch.setattr(TrialSink, "close", fail)
        outbox.append(starts(1))
        assert run(Trial()).stop(PATIENCE_S)

    def test_ends_when_the_outbox_was_closed_first(self, outbox, run):
        trial = Trial()
        worker = run(trial)
        eventually(lambda: worker.stats.state is WorkerState.IDLE)
        outbox.close()
        assert worker.stop(PATIENCE_S)
        assert worker.stats.state is WorkerState.STOPPED


def assert_set(event: threading.Event) -> None:
    assert event.wait(PATIENCE_S)


def test_an_unknown_name_is_refused_at_once(outbox):
    with pytest.raises(ValueError, match="'c'"):
        DeliveryWorker("c", Trial().make_sink, outbox)


def test_a_full_disk_makes_no_duplicates(outbox, run, tmp_path):
    trial = Trial()
    outbox.append(starts(5))
    with file_size_limit((tmp_path / "outbox.db-wal").stat().st_size):
        with pytest.raises(OutboxUnavailable):
            outbox.append(starts(1))
        worker = run(trial)
        eventually(lambda: outbox.pending("a") == 0)
    assert worker.stop(PATIENCE_S)
    assert seqs(trial.tried) == [1, 2, 3, 4, 5]


def test_what_was_dropped_on_its_way_is_not_counted_twice(tmp_path):
    with closing(Outbox(tmp_path / "outbox.db", max_events=1)) as outbox:
        outbox.register_sinks(["a"])
        trial = Trial([lambda: outbox.append(starts(1))])
        outbox.append(starts(1))
        worker = DeliveryWorker("a", trial.make_sink, outbox)
        worker.start()
        eventually(lambda: len(trial.accepted) == 2)
        assert worker.stop(PATIENCE_S)
        assert (worker.stats.delivered, outbox.dropped("a")) == (1, 1)


OUTCOMES = {
    "accept": lambda: None,
    "fail": lambda: DeliveryError("not now"),
    "reject": lambda: DeliveryRejected("never"),
    "raise": lambda: RuntimeError("bug"),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    script=st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=20),
    batches=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    max_events=st.integers(1, 12),
)
def test_nothing_is_lost_without_being_counted(tmp_path_factory, script, batches, max_events):
    folder: Path = tmp_path_factory.mktemp("conservation")
    trial = Trial([OUTCOMES[name]() for name in script])
    with closing(Outbox(folder / "outbox.db", max_events=max_events)) as outbox:
        outbox.register_sinks(["a"])
        worker = DeliveryWorker("a", trial.make_sink, outbox, backoff=Backoff(first_s=1e-4, cap_s=1e-4))
        worker.start()
        appended = sum(len(outbox.append(starts(count))) for count in batches)
        worker.stop(PATIENCE_S)
        stats = worker.stats
        assert appended == stats.delivered + stats.rejected + outbox.pending("a") + outbox.dropped("a")
        assert seqs(trial.accepted) == sorted(set(seqs(trial.accepted)))
        assert stats.delivered <= len(trial.accepted) <= stats.delivered + outbox.dropped("a")
