"""The watchdog over a stream: silence, readers that hang, and switching off and on."""

import threading
import time

import pytest
from coloured_scenes import PATIENCE_S, ScriptedSource, picture
from stream_run import FRAME, Run, make_runner, wait
from structlog.testing import capture_logs

from movinet_edge.api import Frame, SourceRejected, StreamState
from movinet_edge.daemon import stream_runner
from movinet_edge.daemon.stream_life import Limits
from movinet_edge.daemon.turns import Turns

# The reader that was given up may end at once, and then the next one is waited for.
GIVEN_UP = (StreamState.STALLED, StreamState.BACKING_OFF)


QUICK = Limits(stall_s=0.3)


@pytest.fixture(autouse=True)
def _little_grace(monkeypatch):
    monkeypatch.setattr(stream_runner, "_GRACE_S", 0.05)
    monkeypatch.setattr(stream_runner, "_LOOK_AGAIN_S", 0.05)


class Hanging(ScriptedSource):
    """A source whose read does not end with its close, as one in native code."""

    release: threading.Event

    def frames(self, request):
        yield from super().frames(request)
        self.release.wait(PATIENCE_S)


@pytest.fixture
def hanging():
    Hanging.release = threading.Event()
    yield Hanging
    Hanging.release.set()


def watch(run):
    """The supervisor's watchdog, until a reader begins anew."""
    made = len(run.made)

    def look():
        run.runner.check(time.monotonic())
        return len(run.made) > made

    run.until(look)


def test_a_live_source_that_falls_silent_is_stalled_and_opened_anew():
    run = Run(ScriptedSource.lives([FRAME, wait], [FRAME, wait], live=True), limits=Limits(stall_s=2.0))
    run.until(lambda: run.seen == ["frame"])
    assert run.runner.check(time.monotonic()) == pytest.approx(run.runner.frame_s + 2.0)
    with capture_logs() as logs:
        run.runner.check(run.runner.frame_s + 2.01)
        assert run.runner.state in GIVEN_UP
        assert run.runner.reason == "no frame for 2 s"
        assert run.made[0].closed.wait(PATIENCE_S)
        run.until(lambda: not run.runner.hanging)
        watch(run)
        run.until(lambda: run.seen.count("frame") == 2)
    assert run.seen == ["frame", "source_lost", "frame"]
    assert (run.runner.reconnects, run.runner.meter.abandoned) == (1, 0)
    assert [(log["log_level"], log["event"]) for log in logs] == [
        ("warning", "stream stalled"),
        ("info", "source is back"),
    ]
    run.close()


def test_a_quiet_camera_is_not_taken_for_dead():
    """Cameras on a battery rest between movements; `stall_after` says for how long they may."""
    moves = threading.Event()
    script = [FRAME, lambda: moves.wait(PATIENCE_S), FRAME, wait]
    run = Run(ScriptedSource.lives(script, live=True), limits=Limits(stall_s=30.0))
    run.until(lambda: run.seen == ["frame"])
    run.runner.check(run.runner.frame_s + 29.0)
    assert run.runner.state is StreamState.LIVE
    moves.set()
    run.until(lambda: run.seen == ["frame", "frame"])
    assert (run.runner.state, run.runner.reconnects, len(run.made)) == (StreamState.LIVE, 0, 1)
    run.close()


def test_a_source_that_never_gives_a_first_frame_is_given_up_too():
    run = Run(ScriptedSource.lives([wait], live=True), limits=Limits(stall_s=1.0, first_frame_s=3.0))
    run.until(lambda: run.made)
    run.runner.check(time.monotonic() + 2.0)
    assert run.runner.state is StreamState.CONNECTING
    run.runner.check(time.monotonic() + 3.1)
    assert run.runner.state in GIVEN_UP
    assert run.runner.reason == "no first frame for 3 s"
    run.close()


def test_a_file_may_take_its_time():
    run = Run(ScriptedSource.lives([FRAME, wait]), limits=Limits(stall_s=1.0))
    run.until(lambda: run.seen == ["frame"])
    assert run.runner.check(time.monotonic() + 3600.0) == float("inf")
    assert run.runner.state is StreamState.LIVE
    run.close()


def test_a_folder_without_a_clip_is_no_fault():
    """A source that waits for us may wait for its first frame as well, all night."""
    run = Run(ScriptedSource.lives([wait]), limits=Limits(stall_s=1.0, first_frame_s=1.0))
    run.until(lambda: run.runner.waits_for_us)
    assert run.runner.check(time.monotonic() + 3600.0) == float("inf")
    assert run.runner.state is StreamState.CONNECTING
    run.close()


def test_a_reader_that_hangs_is_left_behind_and_the_number_of_these_is_bounded(hanging):
    run = Run(hanging.lives([FRAME], live=True), limits=QUICK)
    with capture_logs() as logs:
        run.until(lambda: run.seen == ["frame"])
        for _ in range(2):
            watch(run)
        run.until(lambda: run.seen.count("frame") == 3)
        run.until(lambda: run.runner.check(time.monotonic()) and "3 readers hang" in run.runner.reason)
    assert len(run.made) == 3
    assert (run.runner.hanging, run.runner.meter.abandoned) == (3, 3)
    assert run.runner.state is StreamState.BACKING_OFF
    assert "3 readers hang" in run.runner.reason
    assert [log["hanging"] for log in logs if "left behind" in log["event"]] == [1, 2, 3]
    hanging.release.set()
    run.until(lambda: not run.runner.hanging)
    watch(run)
    assert len(run.made) == 4
    assert run.runner.reason == ""
    run.close()


def test_what_a_reader_gives_that_was_left_behind_is_not_looked_at(hanging):
    late = []

    class Late(hanging):
        def frames(self, request):
            yield from super().frames(request)
            late.append("frame")
            yield Frame(picture("red"), 1.0)
            late.append("taken")

    run = Run(Late.lives([FRAME], [FRAME, wait], live=True), limits=QUICK)
    run.until(lambda: run.seen == ["frame"])
    watch(run)
    run.until(lambda: run.seen == ["frame", "source_lost", "frame"])
    hanging.release.set()
    run.until(lambda: late)
    run.close()
    assert "taken" not in late
    assert run.seen.count("frame") == 2


def test_a_stream_can_be_switched_off_and_on():
    run = Run(ScriptedSource.lives([FRAME, wait], live=True))
    run.until(lambda: run.seen == ["frame"])
    run.runner.disable()
    assert run.runner.state is StreamState.DISABLED
    run.until(lambda: run.seen == ["frame", "disabled"])
    assert run.made[0].closed.wait(PATIENCE_S)
    assert run.runner.check(time.monotonic() + 3600.0) == float("inf")
    run.runner.enable()
    run.until(lambda: run.seen == ["frame", "disabled", "frame"])
    run.runner.enable()
    assert len(run.made) == 2
    run.close()


def test_switching_off_and_on_leaves_no_more_readers_behind_than_stalling(hanging):
    run = Run(hanging.lives([FRAME], live=True))
    for number in range(stream_runner._MOST_HANGING):
        run.until(lambda number=number: run.seen.count("frame") == number + 1)
        run.runner.disable()
        run.runner.enable()
        run.until(lambda: run.runner.check(time.monotonic()) and not run.runner._leaving)
    run.until(lambda: run.runner.check(time.monotonic()) and "3 readers hang" in run.runner.reason)
    run.runner.disable()
    run.runner.enable()
    run.runner.check(time.monotonic())
    assert (len(run.made), run.runner.hanging, run.runner.meter.abandoned) == (3, 3, 3)
    hanging.release.set()
    watch(run)
    run.until(lambda: run.seen.count("frame") == 4)
    run.close()


def test_a_reader_that_left_in_time_is_not_counted_because_an_older_one_hangs(hanging):
    lives = [hanging([FRAME], live=True), ScriptedSource([FRAME, wait], live=True), ScriptedSource([wait], live=True)]
    run = Run(lambda: lives.pop(0), limits=QUICK)
    run.until(lambda: run.seen == ["frame"])
    watch(run)
    run.until(lambda: run.seen.count("frame") == 2)
    watch(run)
    assert (run.runner.hanging, run.runner.meter.abandoned) == (1, 1)
    run.close()


def test_enabled_again_it_waits_for_its_old_reader_to_let_the_camera_go():
    closing = threading.Event()

    class Slow(ScriptedSource):
        def close(self):
            closing.wait(PATIENCE_S)
            super().close()

    run = Run(Slow.lives([FRAME, wait], live=True))
    run.until(lambda: run.seen == ["frame"])
    run.runner.disable()
    run.runner.enable()
    assert run.runner.state is StreamState.CONNECTING
    assert run.runner.check(time.monotonic()) < float("inf")
    assert len(run.made) == 1
    closing.set()
    watch(run)
    run.until(lambda: run.seen == ["frame", "disabled", "frame"])
    assert run.runner.meter.abandoned == 0
    run.close()


def test_a_stop_waits_for_the_reader_of_a_stream_that_was_just_switched_off():
    proceed = threading.Event()

    class Slow(ScriptedSource):
        def close(self):
            proceed.wait(PATIENCE_S)
            super().close()

    run = Run(Slow.lives([FRAME, wait], live=True))
    run.until(lambda: run.seen == ["frame"])
    run.runner.disable()
    assert not run.runner.stop(0.05)
    proceed.set()
    run.close()


def test_a_switch_before_the_start_counts():
    """A sink may take commands before the sources begin."""
    off, on = (make_runner(ScriptedSource.lives([wait], live=True), Turns(["porch"])) for _ in range(2))
    off.disable()
    off.start(enabled=True)
    assert off.state is StreamState.DISABLED
    on.enable()
    on.start(enabled=False)
    on.start(enabled=True)
    assert on.state is StreamState.CONNECTING
    assert (off.stop(PATIENCE_S), on.stop(PATIENCE_S)) == (True, True)
    assert on.reconnects == 0


def test_a_stream_that_is_off_from_the_beginning_opens_nothing():
    made = []
    runner = make_runner(lambda: made.append(1), Turns(["porch"]))
    runner.start(enabled=False)
    assert (runner.state, runner.is_over, made) == (StreamState.DISABLED, False, [])
    assert runner.stop(0.0)


def test_a_rejected_stream_is_opened_anew_when_somebody_switches_it_on():
    run = Run(ScriptedSource.lives([SourceRejected("not a video")], [FRAME, wait]))
    run.until(lambda: run.runner.rejected)
    run.runner.enable()
    run.until(lambda: run.runner.state is StreamState.LIVE)
    assert not run.runner.rejected
    run.close()
