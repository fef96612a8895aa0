"""The engine's thread: streams that share it leave each other alone, and nothing stays open."""

import threading

import pytest
from coloured_scenes import PATIENCE_S, check_pairs, make_pipeline, scene, told
from structlog.testing import capture_logs

from movinet_edge.api import StopReason
from movinet_edge.daemon.inference import Inference
from movinet_edge.daemon.turns import Turns

ACTION = scene(("black", 1), ("red", 2), ("black", 3), ("blue", 1))
EVENTS = [
    ("start", "red", None),
    ("stop", "red", "below"),
    ("start", "blue", None),
    ("stop", "blue", "source_lost"),
]


def fail(_stream, time_s, _scores):
    if time_s > 0.5:
        raise RuntimeError("broken listener")


def offer_all(turns, stream, frames):
    for frame in frames:
        turns.offer(stream, frame, wait=True)
    turns.end(stream, StopReason.SOURCE_LOST)


def run(pipelines, frames):
    """All events of the streams, offered at the same time, each in its own thread."""
    turns, events = Turns(pipelines), []
    inference = Inference(pipelines, turns, events.extend)
    inference.start()
    sources = [threading.Thread(target=offer_all, args=(turns, name, frames), daemon=True) for name in pipelines]
    for source in sources:
        source.start()
    for source in sources:
        source.join(PATIENCE_S)
    assert turns.wait_empty(PATIENCE_S)
    assert inference.stop(PATIENCE_S)
    return events


def of_stream(events, stream):
    return told(event for event in events if event.stream == stream)


def test_streams_share_an_engine_and_nothing_else(model):
    names = [f"camera-{index}" for index in range(4)]
    events = run({name: make_pipeline(model, name) for name in names}, ACTION)
    for name in names:
        assert of_stream(events, name) == EVENTS
    check_pairs(events)


def test_a_stream_that_fails_on_its_frames_touches_no_other(model):
    pipelines = {"good": make_pipeline(model, "good"), "bad": make_pipeline(model, "bad", on_scores=fail)}
    with capture_logs() as logs:
        events = run(pipelines, ACTION)
    assert of_stream(events, "good") == EVENTS
    # Told once, not once per frame.
    assert [(log["stream"], log["log_level"]) for log in logs if log["event"] == "stream failed on a frame"] == [
        ("bad", "error")
    ]
    assert pipelines["bad"].figures.scored == len(ACTION)


def test_a_stop_closes_what_is_open_in_every_stream(model):
    names = ["a", "b"]
    pipelines = {name: make_pipeline(model, name) for name in names}
    turns, events = Turns(names), []
    inference = Inference(pipelines, turns, events.extend)
    inference.start()
    for name in names:
        for frame in scene(("black", 1), ("red", 2)):
            assert turns.offer(name, frame, wait=True)
    assert turns.wait_empty(PATIENCE_S)
    assert inference.stop(PATIENCE_S)
    for name in names:
        assert of_stream(events, name) == [("start", "red", None), ("stop", "red", "shutdown")]


def test_an_engine_that_never_began_can_be_stopped(model):
    assert Inference({"a": make_pipeline(model)}, Turns(["a"]), lambda _events: None).stop(0.0)


def test_an_engine_that_hangs_is_left_behind(model):
    release, hanging = threading.Event(), threading.Event()

    def hang(_stream, _time_s, _scores):
        hanging.set()
        release.wait()

    turns = Turns(["a"])
    inference = Inference({"a": make_pipeline(model, "a", on_scores=hang)}, turns, lambda _events: None)
    inference.start()
    turns.offer("a", ACTION[0], wait=True)
    assert hanging.wait(PATIENCE_S)
    try:
        assert not inference.stop(0.05)
    finally:
        release.set()
    assert inference.stop(PATIENCE_S)


@pytest.mark.parametrize("error", [ValueError("no"), OSError("no")], ids=repr)
def test_events_that_nobody_takes_stop_the_daemon_and_do_not_pass_in_silence(model, error):
    turns, failed = Turns(["a"]), threading.Event()

    def refuse(events):
        if events and not failed.is_set():
            raise error

    inference = Inference({"a": make_pipeline(model, "a")}, turns, refuse, on_failure=failed.set)
    with capture_logs() as logs:
        inference.start()
        for frame in ACTION:
            if not turns.offer("a", frame, wait=True):
                break
        assert failed.wait(PATIENCE_S)
        assert inference.stop(PATIENCE_S)
    assert not turns.offer("a", ACTION[0], wait=True)
    assert [log["log_level"] for log in logs] == ["error"]
