"""Workers and sinks that do more than deliver: they are told how the daemon stands, and take commands."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from trial import PATIENCE_S, Outcome, Trial, TrialSink, eventually, play, seqs, starts

from movinet_edge.api import DaemonStatus, DeliveryError, StatusSink
from movinet_edge.delivery import WorkerState


class Daemon:
    """Something whose state is a number."""

    def __init__(self) -> None:
        self.state = 0

    def status(self) -> DaemonStatus:
        return DaemonStatus(version=str(self.state), started_at=datetime(2024, 5, 17, tzinfo=UTC), streams=(), sinks=())


class ReportedTrial(Trial):
    """A destination that is told how the daemon stands; `story` is all that happens, in order."""

    def __init__(self, report: list[Outcome] | None = None, every_s: float = 3600.0, **outcomes: list[Outcome]) -> None:
        super().__init__(**outcomes)
        self.report_outcomes = list(report or [])
        self.every_s = every_s
        self.story: list[str] = []

    def make_sink(self) -> "ReportedSink":
        self.made += 1
        return ReportedSink(self)

    @property
    def reports(self) -> list[str]:
        return [word.removeprefix("report ") for word in self.story if word.startswith("report ")]


class ReportedSink(TrialSink):
    trial: ReportedTrial

    def __init__(self, trial: ReportedTrial) -> None:
        super().__init__(trial)
        self.status_every_s = trial.every_s

    def attach(self, control: object) -> None:
        self.trial.story.append(f"attach {control}")

    def open(self) -> None:
        self.trial.story.append("open")
        super().open()

    def deliver(self, event) -> None:
        self.trial.story.append(f"deliver {event.seq}")
        super().deliver(event)

    def report(self, status: DaemonStatus) -> None:
        self.trial.story.append(f"report {status.version}")
        play(self.trial.report_outcomes)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def idle(worker) -> Callable[[], bool]:
    return lambda: worker.stats.state is WorkerState.IDLE


def test_the_trial_sink_is_a_status_sink():
    assert isinstance(ReportedTrial().make_sink(), StatusSink)
    assert not isinstance(Trial().make_sink(), StatusSink)


def test_attached_opened_reported_delivered(outbox, run, daemon):
    trial = ReportedTrial()
    outbox.append(starts(2))
    worker = run(trial, status=daemon.status, control="control")
    assert worker.stop(PATIENCE_S)
    assert trial.story == ["attach control", "open", "report 0", "deliver 1", "deliver 2"]


def test_every_new_sink_is_attached_and_told(outbox, run, daemon):
    trial = ReportedTrial(make=[DeliveryError("refused")], deliver=[RuntimeError("bug")])
    outbox.append(starts(1))
    run(trial, status=daemon.status, control="c")
    eventually(lambda: outbox.pending("a") == 0)
    attempt = ["attach c", "open"]
    assert trial.story == [*attempt, *attempt, "report 0", "deliver 1", *attempt, "report 0", "deliver 1"]


def test_without_a_status_or_a_control_nothing_of_it_is_called(outbox, run):
    trial = ReportedTrial()
    outbox.append(starts(1))
    worker = run(trial)
    worker.status_changed()
    assert worker.stop(PATIENCE_S)
    assert trial.story == ["open", "deliver 1"]


def test_a_change_is_told_before_what_is_stored_later(outbox, run, daemon):
    trial = ReportedTrial()
    worker = run(trial, status=daemon.status)
    eventually(idle(worker))
    daemon.state = 1
    worker.status_changed()
    outbox.append(starts(1))
    eventually(lambda: outbox.pending("a") == 0)
    assert trial.story == ["open", "report 0", "report 1", "deliver 1"]


def test_many_changes_are_one_report_of_the_newest(outbox, run, daemon):
    hold, held = threading.Event(), threading.Event()

    def block() -> None:
        held.set()
        assert hold.wait(PATIENCE_S)

    trial = ReportedTrial(deliver=[block])
    outbox.append(starts(1))
    worker = run(trial, status=daemon.status)
    assert held.wait(PATIENCE_S)
    for daemon.state in range(1, 100):
        worker.status_changed()
    hold.set()
    eventually(lambda: len(trial.reports) == 2)
    assert worker.stop(PATIENCE_S)
    assert trial.reports == ["0", "99"]


def test_a_change_while_reporting_is_reported_too(outbox, run, daemon):
    workers = []

    def change() -> None:
        daemon.state = 1
        workers[0].status_changed()

    gate = threading.Event()
    trial = ReportedTrial(make=[lambda: gate.wait(PATIENCE_S)], report=[change])
    workers.append(run(trial, status=daemon.status))
    gate.set()
    eventually(lambda: trial.reports == ["0", "1"])


@pytest.mark.parametrize("failure", [DeliveryError("down"), RuntimeError("bug")], ids=["expected", "unexpected"])
def test_a_failed_report_holds_up_events_and_comes_again_with_what_is_true_then(outbox, run, daemon, failure):
    def fail() -> None:
        daemon.state += 1
        raise failure

    trial = ReportedTrial(report=[fail, fail])
    outbox.append(starts(1))
    worker = run(trial, status=daemon.status)
    eventually(lambda: outbox.pending("a") == 0)
    assert trial.reports == ["0", "1", "2"]
    assert trial.story.index("deliver 1") > trial.story.index("report 2")
    assert worker.stats.retries == 2
    assert trial.made == (1 if isinstance(failure, DeliveryError) else 3)


def test_figures_are_told_now_and_then(outbox, run, daemon):
    trial = ReportedTrial(every_s=0.01)
    run(trial, status=daemon.status)
    eventually(lambda: len(trial.reports) >= 3)


@pytest.mark.parametrize("every_s", [3600.0, 1e12, float("inf")])
def test_not_more_often_than_asked(outbox, run, daemon, every_s):
    trial = ReportedTrial(every_s=every_s)
    worker = run(trial, status=daemon.status)
    outbox.append(starts(2))
    eventually(lambda: outbox.pending("a") == 0)
    eventually(idle(worker))
    assert trial.reports == ["0"]
    outbox.append(starts(1))
    assert worker.stop(PATIENCE_S)
    assert seqs(trial.accepted) == [1, 2, 3]


def test_a_sink_that_wants_no_status_is_not_disturbed(outbox, run, daemon):
    trial = Trial()
    worker = run(trial, status=daemon.status)
    eventually(idle(worker))
    for _ in range(100):
        worker.status_changed()
    outbox.append(starts(1))
    eventually(lambda: outbox.pending("a") == 0 and not worker._status_changed.is_set())
    assert worker._patience_s() is None
    assert worker.stop(PATIENCE_S)
