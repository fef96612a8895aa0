"""A source's thread: ends, failures, recoveries and sources that hang."""

import threading
import time

import pytest
from coloured_scenes import PATIENCE_S, ScriptedSource, picture
from structlog.testing import capture_logs

from movinet_edge.api import Frame, FrameRequest, SourceEnded, SourceRejected, SourceUnavailable
from movinet_edge.daemon.capture import Capture, CaptureState
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import Backoff

FRAME = Frame(picture("black"), 0.0)
wait = ScriptedSource.wait


class Run:
    """A capture at work, and all that came of it."""

    def __init__(self, make_source, *, first_s=0.01):
        self.turns = Turns(["porch"])
        self.over = threading.Event()
        self.seen = []
        self.made = []

        def make():
            self.made.append(source := make_source())
            return source

        self.capture = Capture(
            "porch",
            make,
            FrameRequest(),
            self.turns,
            on_over=self.over.set,
            backoff=Backoff(first_s=first_s, cap_s=first_s),
            well_s=0.0,
        )
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.capture.start()

    def read(self):
        while (turn := self.turns.take()) is not None:
            self.seen.append("frame" if turn.frame is not None else turn.end.value)

    def until(self, condition):
        give_up_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < give_up_s, f"did not happen; seen {self.seen}, state {self.capture.state}"
            time.sleep(0.002)

    def finish(self):
        assert self.over.wait(PATIENCE_S)
        assert self.turns.wait_empty(PATIENCE_S)
        self.close()

    def close(self):
        assert self.capture.stop(PATIENCE_S)
        self.turns.close()
        self.reader.join(PATIENCE_S)


@pytest.mark.parametrize(
    ("script", "state", "reason"),
    [
        ([FRAME, FRAME], CaptureState.ENDED, ""),
        ([], CaptureState.ENDED, ""),
        ([FRAME, FRAME, SourceEnded("end of the tape")], CaptureState.ENDED, "end of the tape"),
        ([FRAME, FRAME, SourceRejected("not a video")], CaptureState.FAILED, "not a video"),
        ([SourceRejected("not a video")], CaptureState.FAILED, "not a video"),
    ],
    ids=["returns", "empty", "SourceEnded", "SourceRejected", "SourceRejected at once"],
)
def test_a_source_that_is_over_is_not_made_again(script, state, reason):
    with capture_logs() as logs:
        run = Run(ScriptedSource.lives(script))
        run.finish()
    assert (run.capture.state, run.capture.reason, run.capture.over) == (state, reason, True)
    assert run.seen == ["frame"] * script.count(FRAME) + ["source_lost"]
    assert len(run.made) == 1
    assert run.made[0].closed.is_set()
    assert [log["log_level"] for log in logs] == (["error"] if state is CaptureState.FAILED else [])


def test_a_source_that_cannot_even_be_made_is_rejected_too():
    def make():
        raise SourceRejected("no such device")

    run = Run(make)
    run.finish()
    assert (run.capture.state, run.capture.reason) == (CaptureState.FAILED, "no such device")


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
    assert [(log["log_level"], log["event"]) for log in logs] == [
        ("warning", "source unavailable"),
        ("debug", "source unavailable"),
        ("debug", "source unavailable"),
        ("info", "source is back"),
    ]
    assert logs[0]["reason"] == reason
    assert [log["exc_info"] for log in logs[:3]] == [traceback, False, False]
    assert logs[3]["after_failures"] == 3
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
    assert [log["log_level"] for log in logs] == ["warning", "info", "warning", "info"]


def test_pauses_grow_with_failures_and_are_short_again_after_a_recovery():
    ceilings, backoff, recovered = [], Backoff(first_s=0.001, cap_s=0.004), threading.Event()

    def look():
        ceilings.append(backoff.ceiling_s)

    script = [look, SourceUnavailable("no route")]
    recovery = [FRAME, SourceUnavailable("no route")]
    lives = ScriptedSource.lives(script, script, script, recovery, [look, recovered.set, wait])
    capture = Capture(
        "porch", lives, FrameRequest(), Turns(["porch"]), on_over=lambda: None, backoff=backoff, well_s=0.0
    )
    taking = threading.Thread(target=lambda: [capture._turns.take() for _ in range(6)], daemon=True)
    taking.start()
    capture.start()
    assert recovered.wait(PATIENCE_S)
    assert capture.stop(PATIENCE_S)
    assert ceilings == [0.001, 0.002, 0.004, 0.002]  # that after one failure


def test_a_stop_ends_the_pause_between_two_tries():
    run = Run(ScriptedSource.lives([SourceUnavailable("no route")]), first_s=3600.0)
    run.until(lambda: run.capture.state is CaptureState.WAITING)
    began_s = time.monotonic()
    run.close()
    assert time.monotonic() - began_s < PATIENCE_S
    assert run.capture.state is CaptureState.ENDED


def test_a_stop_closes_a_source_that_waits_and_tells_no_loss():
    run = Run(ScriptedSource.lives([FRAME, wait]))
    run.until(lambda: run.seen == ["frame"])
    run.close()
    assert run.made[0].closed.is_set()
    # The engine closes what is open with the reason `shutdown`.
    assert run.seen == ["frame"]
    assert run.over.is_set()


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
    assert logs == []
    assert run.seen == ["frame"]
    assert len(run.made) == 1


def test_a_source_that_waits_for_the_engine_stops_with_it():
    """No one takes turns, as when the engine hangs; closing the turns frees the source."""
    turns = Turns(["porch"])
    over = threading.Event()
    capture = Capture(
        "porch", ScriptedSource.lives([FRAME] * 3), FrameRequest(), turns, on_over=over.set, backoff=Backoff()
    )
    capture.start()
    assert not capture.stop(0.1)
    turns.close()
    assert capture.stop(PATIENCE_S)
    assert over.is_set()


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
    capture = Capture("porch", make, FrameRequest(), turns, on_over=lambda: None)
    capture.start()
    assert hanging.wait(PATIENCE_S)
    try:
        began_s = time.monotonic()
        assert not capture.stop(0.1)
        assert not capture.stop(0.1)
        assert time.monotonic() - began_s < PATIENCE_S / 2
    finally:
        release.set()
    assert capture.stop(PATIENCE_S)


def test_a_source_made_while_the_stop_came_is_never_read():
    making, proceed = threading.Event(), threading.Event()
    read = threading.Event()
    made = []

    def make():
        making.set()
        proceed.wait(PATIENCE_S)
        made.append(ScriptedSource([read.set, wait]))
        return made[0]

    capture = Capture("porch", make, FrameRequest(), Turns(["porch"]), on_over=lambda: None)
    capture.start()
    assert making.wait(PATIENCE_S)
    capture.request_stop()
    proceed.set()
    assert capture.stop(PATIENCE_S)
    assert not read.is_set()
    assert made[0].closed.is_set()


def test_a_close_that_raises_is_told_and_harms_nobody():
    class Stubborn(ScriptedSource):
        def close(self):
            raise OSError("cannot")

    with capture_logs() as logs:
        run = Run(lambda: Stubborn([FRAME]))
        run.finish()
    assert [(log["log_level"], log["event"]) for log in logs] == [("warning", "source did not close cleanly")]
    assert run.capture.state is CaptureState.ENDED


def test_a_live_source_never_waits_and_a_patient_one_always_does():
    for live, kept in ((True, 1), (False, 50)):
        turns, over = Turns(["porch"]), threading.Event()
        make = ScriptedSource.lives([Frame(picture("black"), float(n)) for n in range(50)], live=live)
        capture = Capture("porch", make, FrameRequest(), turns, on_over=over.set)
        capture.start()
        if live:
            assert over.wait(PATIENCE_S)
        frames = []
        while (turn := turns.take()).frame is not None:
            frames.append(turn.frame.time_s)
        assert capture.stop(PATIENCE_S)
        assert frames[-1] == 49
        assert len(frames) == kept
        assert turns.dropped("porch") == 50 - kept


def test_a_capture_that_never_began_can_be_stopped():
    assert Capture("porch", ScriptedSource.lives([]), FrameRequest(), Turns(["porch"]), on_over=lambda: None).stop(0.0)


def test_a_source_that_comes_and_goes_keeps_its_growing_pauses_and_floods_no_log():
    gone = [FRAME, SourceUnavailable("gone")]
    lives = ScriptedSource.lives(*[gone] * 6, [FRAME], live=True)
    over = threading.Event()
    backoff = Backoff(first_s=0.001, cap_s=0.004)
    with capture_logs() as logs:
        capture = Capture("porch", lives, FrameRequest(), Turns([]), on_over=over.set, backoff=backoff, well_s=60.0)
        capture._turns = Taking()
        capture.start()
        assert over.wait(PATIENCE_S)
    levels = [entry["log_level"] for entry in logs]
    assert (levels.count("warning"), levels.count("info")) == (1, 1)
    assert backoff.ceiling_s == 0.004


class Taking:
    """Turns of an engine that is always free."""

    def offer(self, stream, frame, *, wait):  # noqa: ARG002 the engine's
        return True

    def end(self, stream, reason):
        pass
