"""One stream's source: ends, failures, recoveries, and sources that hang."""

import threading
import time

import pytest
from coloured_scenes import PATIENCE_S, ScriptedSource, picture
from stream_run import AT_ONCE_WELL, FRAME, Run, make_runner, news, until, wait
from structlog.testing import capture_logs

from movinet_edge.api import Frame, SourceEnded, SourceRejected, SourceUnavailable, StreamState
from movinet_edge.daemon.stream_life import Limits
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import Backoff


@pytest.mark.parametrize(
    ("script", "rejected", "reason"),
    [
        ([FRAME, FRAME], False, ""),
        ([], False, ""),
        ([FRAME, FRAME, SourceEnded("end of the tape")], False, "end of the tape"),
        ([FRAME, FRAME, SourceRejected("not a video")], True, "not a video"),
        ([SourceRejected("not a video")], True, "not a video"),
    ],
    ids=["returns", "empty", "SourceEnded", "SourceRejected", "SourceRejected at once"],
)
def test_a_source_that_is_over_is_not_made_again(script, rejected, reason):
    with capture_logs() as logs:
        run = Run(ScriptedSource.lives(script))
        run.finish()
    assert (run.runner.rejected, run.runner.reason, run.runner.state) == (rejected, reason, StreamState.ENDED)
    assert run.seen == ["frame"] * script.count(FRAME) + ["source_lost"]
    assert len(run.made) == 1
    assert run.made[0].closed.is_set()
    assert [log["log_level"] for log in news(logs)] == (["error"] if rejected else [])


def test_a_source_that_cannot_even_be_made_is_rejected_too():
    def make():
        raise SourceRejected("no such device")

    run = Run(make)
    run.finish()
    assert (run.runner.rejected, run.runner.reason) == (True, "no such device")


@pytest.mark.parametrize(
    ("error", "reason", "traceback"),
    [
        (SourceUnavailable("no route"), "no route", False),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero", True),
        (SystemExit(3), "SystemExit: 3", True),
    ],
    ids=["SourceUnavailable", "any error", "SystemExit"],
)
def test_a_failing_source_is_made_again_and_the_log_is_not_flooded(error, reason, traceback):
    with capture_logs() as logs:
        run = Run(ScriptedSource.lives([FRAME, error], [error], [error], [FRAME, wait]))
        run.until(lambda: run.seen.count("frame") == 2)
        run.close()
    assert [(log["log_level"], log["event"]) for log in news(logs)] == [
        ("warning", "source unavailable"),
        ("debug", "source unavailable"),
        ("debug", "source unavailable"),
        ("info", "source is back"),
    ]
    failures = news(logs)
    assert failures[0]["reason"] == reason
    assert [log["exc_info"] for log in failures[:3]] == [traceback, False, False]
    assert failures[3]["after_failures"] == 3
    assert len(run.made) == 4
    assert all(source.closed.is_set() for source in run.made)
    # The stop of what is open is told at the failure, before the first frame of the next life.
    assert run.seen[:2] == ["frame", "source_lost"]
    assert run.seen[-1] == "frame"


def test_the_next_failure_after_a_recovery_is_news_again():
    error = SourceUnavailable("no route")
    with capture_logs() as logs:
        run = Run(ScriptedSource.lives([error], [FRAME, error], [FRAME, wait]))
        run.until(lambda: run.seen.count("frame") == 2)
        run.close()
    assert [log["log_level"] for log in news(logs)] == ["warning", "info", "warning", "info"]


def test_pauses_grow_with_failures_and_are_short_again_after_a_recovery():
    ceilings, backoff, recovered = [], Backoff(first_s=0.001, cap_s=0.004), threading.Event()

    def look():
        ceilings.append(backoff.ceiling_s)

    script = [look, SourceUnavailable("no route")]
    recovery = [FRAME, SourceUnavailable("no route")]
    lives = ScriptedSource.lives(script, script, script, recovery, [look, recovered.set, wait])
    turns = Turns(["porch"])
    runner = make_runner(lives, turns, backoff=backoff, limits=AT_ONCE_WELL)
    taking = threading.Thread(target=lambda: [turns.take() for _ in range(6)], daemon=True)
    taking.start()
    runner.start()
    assert recovered.wait(PATIENCE_S)
    assert runner.stop(PATIENCE_S)
    assert ceilings == [0.001, 0.002, 0.004, 0.002]  # that after one failure


def test_a_stop_ends_the_pause_between_two_tries():
    run = Run(ScriptedSource.lives([SourceUnavailable("no route")]), first_s=3600.0)
    run.until(lambda: run.runner.state is StreamState.BACKING_OFF)
    began_s = time.monotonic()
    run.close()
    assert time.monotonic() - began_s < PATIENCE_S


def test_a_stop_closes_a_source_that_waits_and_tells_no_loss():
    run = Run(ScriptedSource.lives([FRAME, wait]))
    run.until(lambda: run.seen == ["frame"])
    run.close()
    assert run.made[0].closed.is_set()
    # The engine closes what is open with the reason `shutdown`.
    assert run.seen == ["frame"]


@pytest.mark.parametrize("error", [SourceUnavailable("closed"), SourceRejected("closed"), OSError("closed")], ids=repr)
def test_an_error_because_of_the_stop_is_no_news(error):
    class FailsWhenClosed(ScriptedSource):
        def frames(self, request):  # noqa: ARG002 the protocol's
            yield FRAME
            self.closed.wait(PATIENCE_S)
            raise error

    with capture_logs() as logs:
        run = Run(lambda: FailsWhenClosed([]))
        run.until(lambda: run.seen == ["frame"])
        run.close()
    assert news(logs) == []
    assert run.seen == ["frame"]
    assert len(run.made) == 1


def test_a_source_that_waits_for_the_engine_stops_with_it():
    """No one takes turns, as when the engine hangs; closing the turns frees the source."""
    turns = Turns(["porch"])
    runner = make_runner(ScriptedSource.lives([FRAME] * 3), turns)
    runner.start()
    until(lambda: runner.meter.frames_read == 2)
    assert not runner.stop(0.1)
    turns.close()
    assert runner.stop(PATIENCE_S)


@pytest.mark.parametrize("hangs", ["read", "close", "making"])
def test_a_source_that_hangs_is_left_behind(hangs):
    release, hanging = threading.Event(), threading.Event()

    class Hanging(ScriptedSource):
        def close(self):
            if hangs == "close":
                release.wait()
            super().close()

    def hang():
        hanging.set()
        release.wait()

    def make():
        if hangs == "making":
            hang()
        return Hanging([FRAME, hang if hangs == "read" else hanging.set, wait, FRAME])

    turns = Turns(["porch"])
    runner = make_runner(make, turns)
    runner.start()
    assert hanging.wait(PATIENCE_S)
    try:
        began_s = time.monotonic()
        assert not runner.stop(0.1)
        assert not runner.stop(0.1)
        assert time.monotonic() - began_s < PATIENCE_S / 2
    finally:
        release.set()
    assert runner.stop(PATIENCE_S)


def test_a_source_made_while_the_stop_came_is_never_read():
    making, proceed = threading.Event(), threading.Event()
    read = threading.Event()
    made = []

    def make():
        making.set()
        proceed.wait(PATIENCE_S)
        made.append(ScriptedSource([read.set, wait]))
        return made[0]

    runner = make_runner(make, Turns(["porch"]))
    runner.start()
    assert making.wait(PATIENCE_S)
    runner.request_stop()
    proceed.set()
    assert runner.stop(PATIENCE_S)
    assert not read.is_set()
    assert made[0].closed.is_set()


def test_a_close_that_raises_is_told_and_harms_nobody():
    class Stubborn(ScriptedSource):
        def close(self):
            raise OSError("cannot")

    with capture_logs() as logs:
        run = Run(lambda: Stubborn([FRAME]))
        run.finish()
    assert [(log["log_level"], log["event"]) for log in news(logs)] == [("warning", "source did not close cleanly")]


def test_a_live_source_never_waits_and_a_patient_one_always_does():
    for live, kept in ((True, 1), (False, 50)):
        turns = Turns(["porch"])
        make = ScriptedSource.lives([Frame(picture("black"), float(n)) for n in range(50)], live=live)
        runner = make_runner(make, turns)
        runner.start()
        if live:
            until(lambda runner=runner: runner.is_over)
        frames = []
        while (turn := turns.take()).frame is not None:
            frames.append(turn.frame.time_s)
        assert runner.stop(PATIENCE_S)
        assert frames[-1] == 49
        assert len(frames) == kept
        assert turns.dropped("porch") == 50 - kept


def test_a_capture_that_never_began_can_be_stopped():
    assert make_runner(ScriptedSource.lives([]), Turns(["porch"])).stop(0.0)


def test_a_source_that_comes_and_goes_keeps_its_growing_pauses_and_floods_no_log():
    gone = [FRAME, SourceUnavailable("gone")]
    lives = ScriptedSource.lives(*[gone] * 6, [FRAME], live=True)
    backoff = Backoff(first_s=0.001, cap_s=0.004)
    with capture_logs() as logs:
        runner = make_runner(lives, Taking(), backoff=backoff, limits=Limits(well_s=60.0))
        runner.start()
        until(lambda: runner.is_over)
    levels = [log["log_level"] for log in news(logs)]
    assert (levels.count("warning"), levels.count("info")) == (1, 1)
    assert backoff.ceiling_s == 0.004


class Taking:
    """Turns of an engine that is always free."""

    def open(self, stream):
        pass

    def offer(self, stream, frame, *, wait):  # noqa: ARG002 the engine's
        return True

    def end(self, stream, reason, *, shut=False):
        pass
