"""Engines come with the first stream of a model and go after the last; one that hangs stops the daemon."""

import threading
import time

import pytest
import toy_model
from coloured_scenes import PATIENCE_S, SPEC, ScriptedSource, check_pairs, make_pipeline, scene, told
from stream_run import until
from structlog.testing import capture_logs

from movinet_edge.daemon import engines as engines_module
from movinet_edge.daemon.engines import Engines
from movinet_edge.daemon.supervisor import StreamParts, Supervisor
from movinet_edge.delivery import Outbox
from movinet_edge.engine import load_model

RED = scene(("black", 1), ("red", 1))


def inference_threads():
    return [thread for thread in threading.enumerate() if thread.name == "inference"]


class Bench:
    """Engines, what came of them, and the threads that they have started."""

    def __init__(self):
        self.events, self.failures = [], threading.Semaphore(0)
        self.before = set(inference_threads())
        self.engines = Engines(self.events.extend, on_failure=self.failures.release)

    @property
    def threads(self):
        return len(set(inference_threads()) - self.before)

    def show(self, pipeline, turns, frames=RED):
        for frame in frames:
            assert turns.offer(pipeline.stream, frame, wait=True)
        until(lambda: pipeline.figures.scored == len(frames))


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.engines.stop(PATIENCE_S)
    until(lambda: bench.threads == 0)


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    return load_model(toy_model.write(SPEC, tmp_path_factory.mktemp("other") / "other.tflite"))


def test_one_thread_for_each_model(bench, model, other_model):
    first, second = make_pipeline(model, "a"), make_pipeline(model, "b")
    assert bench.engines.add(first) is bench.engines.add(second)
    bench.engines.start()
    assert bench.threads == 1
    third = make_pipeline(other_model, "c")
    bench.show(third, bench.engines.add(third))  # started at once, since the others run
    assert bench.threads == 2


def test_a_removed_stream_gets_its_stops_and_the_others_go_on(bench, model):
    gone, stays = make_pipeline(model, "gone"), make_pipeline(model, "stays")
    turns = bench.engines.add(gone)
    bench.engines.add(stays)
    bench.engines.start()
    bench.show(gone, turns)
    bench.show(stays, turns)
    bench.engines.remove(gone, PATIENCE_S)
    assert bench.threads == 1
    assert not turns.offer("gone", RED[0], wait=False)
    assert told(event for event in bench.events if event.stream == "gone") == [
        ("start", "red", None),
        ("stop", "red", "disabled"),
    ]
    bench.engines.stop(PATIENCE_S)
    check_pairs(bench.events)
    assert told(event for event in bench.events if event.stream == "stays")[-1] == ("stop", "red", "shutdown")


def test_the_last_stream_takes_its_engine_with_it_and_the_next_brings_a_new_one(bench, model):
    bench.engines.start()
    for _ in range(3):
        pipeline = make_pipeline(model)
        turns = bench.engines.add(pipeline)
        bench.show(pipeline, turns)
        assert bench.threads == 1
        bench.engines.remove(pipeline, PATIENCE_S)
        assert bench.threads == 0
    assert told(bench.events) == [("start", "red", None), ("stop", "red", "disabled")] * 3
    check_pairs(bench.events)


def test_a_stream_of_the_same_name_begins_with_nothing_of_the_one_before(bench, model):
    before, after, other = make_pipeline(model), make_pipeline(model), make_pipeline(model, "other")
    turns = bench.engines.add(before)
    bench.engines.add(other)
    bench.engines.start()
    bench.show(before, turns)
    bench.engines.remove(before, PATIENCE_S)
    assert bench.engines.add(after) is turns
    bench.show(after, turns, RED[:5])
    assert (before.figures.scored, after.figures.scored) == (10, 5)
    assert turns.dropped("porch") == 0


def test_an_engine_that_hangs_is_noticed_and_its_stream_can_be_removed(bench, model, monkeypatch):
    monkeypatch.setattr(engines_module, "_HANGS_S", 30.0)
    release, hanging = threading.Event(), threading.Event()

    def hang(_stream, _time_s, _scores):
        hanging.set()
        release.wait(PATIENCE_S)

    pipeline = make_pipeline(model, on_scores=hang)
    turns = bench.engines.add(pipeline)
    bench.engines.start()
    turns.offer("porch", RED[0], wait=True)
    try:
        assert hanging.wait(PATIENCE_S)
        now_s = time.monotonic()
        with capture_logs() as logs:
            assert bench.engines.check(now_s) == now_s + 30.0
            assert logs == []
            bench.engines.check(now_s + 31.0)
            assert bench.failures.acquire(blocking=False)
            bench.engines.remove(pipeline, 0.05)
        assert [log["log_level"] for log in logs] == ["error", "error"]
        assert logs[0]["event"] == "inference hangs, so the daemon stops"
    finally:
        release.set()


def test_an_engine_that_waits_for_frames_does_not_hang(bench, model):
    pipeline = make_pipeline(model)
    turns = bench.engines.add(pipeline)
    bench.engines.start()
    bench.show(pipeline, turns)
    until(lambda: not bench.engines._running[id(model.session)][1].busy_s(time.monotonic()))
    bench.engines.check(time.monotonic() + 3600.0)
    assert not bench.failures.acquire(blocking=False)


def test_a_hanging_engine_ends_the_daemon_so_that_it_is_started_anew(model, tmp_path, monkeypatch):
    monkeypatch.setattr(engines_module, "_HANGS_S", 0.2)
    release = threading.Event()
    pipeline = make_pipeline(model, on_scores=lambda *_: release.wait(PATIENCE_S))
    parts = StreamParts(pipeline, ScriptedSource.lives([*RED, ScriptedSource.wait]))
    supervisor = Supervisor({"porch": parts}, {}, Outbox(tmp_path / "outbox.db"))
    supervisor.start()
    try:
        assert supervisor.wait() is False
        assert supervisor.failed
        supervisor.stop()
    finally:
        release.set()
