"""Switching streams and setting thresholds while the daemon runs: checked, applied, kept, and told to the sinks."""

import math
import threading

import pytest
from coloured_scenes import PATIENCE_S, KeepingSink, ScriptedSource, make_pipeline, scene, stream_settings, told
from stream_run import until

from movinet_edge.api import CommandRefused, StreamState
from movinet_edge.daemon.adjustments import Adjustments
from movinet_edge.daemon.controls import Controls, adjust
from movinet_edge.daemon.supervisor import SinkParts, StreamParts, Supervisor
from movinet_edge.delivery import Outbox

RED = [*scene(("black", 1), ("red", 1)), ScriptedSource.wait]
ON, OFF = 0.6, 0.4  # as `stream_settings` gives them


class TellingSink(KeepingSink):
    """A sink that also keeps what it is told about the daemon."""

    status_every_s = 3600.0

    def __init__(self):
        super().__init__()
        self.reports = []

    def report(self, status):
        self.reports.append(status)


class Daemon:
    """A daemon of one stream in this process."""

    def __init__(self, model, folder, **settings):
        self.settings = stream_settings(**settings)
        self.parts = StreamParts(make_pipeline(model, **settings), ScriptedSource.lives(RED, live=True), self.settings)
        self.adjustments = Adjustments(folder / "adjustments.json")
        enabled = adjust("porch", self.parts, self.adjustments)
        self.sink = TellingSink()
        self.supervisor = Supervisor(
            {"porch": self.parts},
            {"list": SinkParts(lambda: self.sink)},
            Outbox(folder / "outbox.db"),
            disabled=() if enabled else ["porch"],
        )
        self.controls = Controls(self.supervisor, self.adjustments)
        self.waiter = threading.Thread(target=self.supervisor.wait, daemon=True)

    @property
    def stream(self):
        (stream,) = self.controls.status().streams
        return stream

    @property
    def thresholds(self):
        return {action.name: (action.on, action.off) for action in self.stream.actions}

    def until_told(self, condition):
        until(lambda: self.sink.reports and condition(self.sink.reports[-1].streams[0]))

    def start(self):
        self.supervisor.start()
        self.waiter.start()

    def stop(self):
        self.supervisor.request_stop()
        self.waiter.join(PATIENCE_S)
        self.supervisor.stop()


@pytest.fixture
def daemon(model, tmp_path):
    started = []

    def start(**settings):
        daemon = Daemon(model, tmp_path, **settings)
        daemon.start()
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        daemon.stop()


def test_a_stream_that_is_switched_off_stops_its_actions_and_the_sinks_are_told(daemon):
    porch = daemon()
    until(lambda: len(porch.sink.events) == 1)
    porch.until_told(lambda stream: stream.state is StreamState.LIVE)
    assert porch.stream.actions[0].active
    porch.controls.set_enabled("porch", False)
    assert porch.stream.state is StreamState.DISABLED
    until(lambda: len(porch.sink.events) == 2)
    assert told(porch.sink.events) == [("start", "red", None), ("stop", "red", "disabled")]
    porch.until_told(lambda stream: stream.state is StreamState.DISABLED and not stream.actions[0].active)
    porch.controls.set_enabled("porch", True)
    until(lambda: len(porch.sink.events) == 3)
    porch.until_told(lambda stream: stream.state is StreamState.LIVE)


def test_a_threshold_is_used_from_the_next_frame_on_and_told(daemon):
    proceed = threading.Event()
    script = [*scene(("black", 1)), lambda: proceed.wait(PATIENCE_S), *scene(("red", 2), begin_s=1.0), RED[-1]]
    porch = daemon(actions={"red": {"labels": ["red"], "on": 1.0, "off": 0.5, "min_duration": 0}})
    porch.controls.set_enabled("porch", False)
    porch.supervisor.runner("porch")._make_source = ScriptedSource.lives(script, live=False)
    porch.controls.set_enabled("porch", True)
    porch.controls.set_threshold("porch", "red", 0.6)
    assert porch.thresholds == {"red": (0.6, 0.3)}, "off keeps its proportion"
    porch.until_told(lambda stream: stream.actions[0].on == 0.6)
    before = len(porch.sink.events)
    proceed.set()
    until(lambda: len(porch.sink.events) > before)


@pytest.mark.parametrize(("on", "off"), [(0.9, 0.6), (1.0, ON * 10 / 9), (0.001, 0.001 * OFF / ON)])
def test_off_keeps_the_proportion_that_the_file_gives_it_however_often_on_is_set(daemon, on, off):
    porch = daemon()
    for value in (0.05, 1.0, 0.3, on):
        porch.controls.set_threshold("porch", "red", value)
    assert porch.thresholds["red"] == pytest.approx((on, off))
    assert porch.thresholds["blue"] == (ON, OFF)


def test_what_was_changed_outlives_a_restart(daemon):
    before = daemon()
    before.controls.set_threshold("porch", "red", 0.9)
    before.controls.set_enabled("porch", False)
    before.stop()
    after = daemon()
    assert after.stream.state is StreamState.DISABLED
    assert after.thresholds["red"] == pytest.approx((0.9, 0.6))
    after.controls.set_enabled("porch", True)
    until(lambda: after.stream.state is StreamState.LIVE)


def test_a_stream_that_the_file_switches_off_can_be_switched_on(daemon):
    before = daemon(enabled=False)
    assert before.stream.state is StreamState.DISABLED
    before.controls.set_enabled("porch", True)
    until(lambda: before.stream.state is StreamState.LIVE)
    before.stop()
    after = daemon(enabled=False)
    until(lambda: after.stream.state is StreamState.LIVE)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (lambda controls: controls.set_enabled("proch", True), "there is no stream 'proch'; did you mean 'porch'?"),
        (lambda controls: controls.set_enabled("", False), "there is no stream ''; there are: porch"),
        (lambda controls: controls.set_threshold("yard", "red", 0.5), "there is no stream 'yard'; there are: porch"),
        (
            lambda controls: controls.set_threshold("porch", "rad", 0.5),
            "stream 'porch' watches for no action 'rad'; did you mean 'red'?",
        ),
        (
            lambda controls: controls.set_threshold("porch", "jumping", 0.5),
            "stream 'porch' watches for no action 'jumping'; there are: red, blue",
        ),
        *(
            (
                lambda controls, on=on: controls.set_threshold("porch", "red", on),
                f"{on!r} cannot be a threshold; it must be over 0 and at most 1, for example 0.6",
            )
            for on in (0.0, -0.1, 1.01, math.nan, math.inf, 1e999)
        ),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(daemon, tmp_path, command, words):
    porch = daemon()
    with pytest.raises(CommandRefused) as refused:
        command(porch.controls)
    assert str(refused.value) == words
    assert porch.thresholds == {"red": (ON, OFF), "blue": (ON, OFF)}
    assert porch.stream.state is not StreamState.DISABLED
    assert not (tmp_path / "adjustments.json").exists()


def test_commands_from_many_threads_end_in_one_state_that_is_kept(daemon, model, tmp_path):
    porch = daemon()

    def switch(number):
        for turn in range(10):
            porch.controls.set_enabled("porch", (number + turn) % 2 == 0)
            porch.controls.set_threshold("porch", "red", (1 + number + turn) / 20)

    threads = [threading.Thread(target=switch, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    until(lambda: porch.stream.state in (StreamState.LIVE, StreamState.DISABLED))
    kept = Adjustments(tmp_path / "adjustments.json")
    assert kept.enabled("porch", True) == (porch.stream.state is StreamState.LIVE)
    assert kept.on("porch", "red", ON) == porch.thresholds["red"][0]
