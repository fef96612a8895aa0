"""The whole daemon in one process: many streams and sinks, some of which misbehave, and a stop that is in time."""

import threading
import time
from contextlib import contextmanager

import pytest
import toy_model
from coloured_scenes import (
    PATIENCE_S,
    SPEC,
    KeepingSink,
    ScriptedSource,
    check_pairs,
    make_pipeline,
    scene,
    told,
    write_scene,
)
from structlog.testing import capture_logs
from trouble import file_size_limit

from movinet_edge.api import ActionEvent, EventType, SourceRejected, SourceUnavailable
from movinet_edge.daemon import commit as commit_module
from movinet_edge.daemon import supervisor as supervisor_module
from movinet_edge.daemon.supervisor import STOP_S, SinkParts, StreamParts, Supervisor
from movinet_edge.delivery import Outbox, OutboxUnavailable
from movinet_edge.engine import load_model
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins.file import FileSettings, FileSource
from movinet_edge_plugins.jsonl import JsonlSettings, JsonlSink

ACTION = [("black", 1), ("red", 2), ("black", 3), ("blue", 1)]
EVENTS = [
    ("start", "red", None),
    ("stop", "red", "below"),
    ("start", "blue", None),
    ("stop", "blue", "source_lost"),
]
ONGOING = [*scene(("black", 1), ("red", 1)), ScriptedSource.wait]


@pytest.fixture
def outbox(tmp_path):
    outbox = Outbox(tmp_path / "state" / "outbox.db")
    yield outbox
    outbox.close()


@pytest.fixture
def film(tmp_path):
    return write_scene(tmp_path / "film.mp4", *ACTION)


@pytest.fixture
def parts(model):
    """Makes a stream from what makes its source."""

    def _parts(name, make_source, **changes):
        return StreamParts(make_pipeline(changes.pop("model", model), name, **changes), make_source)

    return _parts


def file_source(path):
    return lambda: FileSource(FileSettings(path=path))


def until(condition):
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "did not happen"
        time.sleep(0.005)


@contextmanager
def running(supervisor):
    """Started, with somebody in `wait`; stopped and its time taken at the end, whatever happened."""
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(supervisor.wait()), daemon=True)
    supervisor.start()
    waiter.start()
    try:
        yield answers
    finally:
        supervisor.request_stop()
        waiter.join(PATIENCE_S)
        began_s = time.monotonic()
        supervisor.stop()
        assert time.monotonic() - began_s < STOP_S


def read_jsonl(path):
    return [ActionEvent.from_json(line) for line in path.read_bytes().splitlines()]


def test_many_streams_from_film_to_file(parts, outbox, film, tmp_path):
    names = [f"camera-{index}" for index in range(5)]
    seen = []
    path = tmp_path / "events.jsonl"
    supervisor = Supervisor(
        {name: parts(name, file_source(film)) for name in names},
        {"jsonl": SinkParts(lambda: JsonlSink(JsonlSettings(path=path)))},
        outbox,
        on_event=seen.append,
    )
    supervisor.start()
    assert supervisor.wait() is True
    assert supervisor.stop() is True
    events = read_jsonl(path)
    for name in names:
        assert told(event for event in events if event.stream == name) == EVENTS
        # A file waits for the engine, so each of its frames was looked at.
        figures = supervisor.figures[name]
        assert (figures.scored, figures.skipped, figures.dropped, figures.unusable) == (35, 0, 0, 0)
    check_pairs(events)
    assert [event.seq for event in events] == list(range(1, 4 * len(names) + 1))
    assert seen == events
    assert (supervisor.failed, supervisor.failed_streams, supervisor.lost_events) == (False, {}, 0)


def test_events_of_two_engines_are_seen_in_the_order_of_their_numbers(parts, outbox, tmp_path):
    other = load_model(toy_model.write(SPEC, tmp_path / "other.tflite"))
    script = scene(*[("red", 1), ("black", 2.4)] * 20)
    streams = {f"a{index}": parts(f"a{index}", ScriptedSource.lives(script)) for index in range(2)}
    streams |= {f"b{index}": parts(f"b{index}", ScriptedSource.lives(script), model=other) for index in range(2)}
    seen = []
    supervisor = Supervisor(streams, {}, outbox, on_event=seen.append)
    supervisor.start()
    assert supervisor.wait()
    supervisor.stop()
    assert len(seen) >= 4 * 2 * 20
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    check_pairs(seen)


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (SourceRejected("not a video"), {"bad": "not a video"}),
        (SourceUnavailable("no route"), {}),
        (ZeroDivisionError("oops"), {}),
    ],
    ids=["rejected", "unavailable", "raises"],
)
def test_a_stream_that_fails_touches_no_other(parts, outbox, film, error, failed):
    sink = KeepingSink()
    streams = {
        "bad": parts("bad", ScriptedSource.lives([*scene(("red", 1)), error])),
        "good": parts("good", file_source(film)),
        "never": parts("never", ScriptedSource.lives([error])),
    }
    supervisor = Supervisor(streams, {"list": SinkParts(lambda: sink)}, outbox)
    with running(supervisor):
        until(lambda: len([event for event in sink.events if event.stream == "good"]) == len(EVENTS))
        until(lambda: len([event for event in sink.events if event.stream == "bad"]) >= 2)
        assert supervisor.failed_streams == failed | ({"never": "not a video"} if failed else {})
    assert told(event for event in sink.events if event.stream == "good") == EVENTS
    assert told(event for event in sink.events if event.stream == "bad")[:2] == [
        ("start", "red", None),
        ("stop", "red", "source_lost"),
    ]
    check_pairs(sink.events)


def test_all_streams_rejected_is_an_end(parts, outbox, tmp_path):
    streams = {name: parts(name, file_source(tmp_path / f"{name}.mp4")) for name in ("a", "b")}
    supervisor = Supervisor(streams, {}, outbox)
    supervisor.start()
    assert supervisor.wait() is True
    assert supervisor.stop()
    assert set(supervisor.failed_streams) == {"a", "b"}
    assert "no such file" in supervisor.failed_streams["a"]


def test_a_hanging_sink_delays_neither_the_others_nor_the_stop(parts, outbox, film):
    gate, good = threading.Event(), KeepingSink()
    hanging = KeepingSink(gate=gate)
    streams = {"porch": parts("porch", file_source(film)), "yard": parts("yard", ScriptedSource.lives(ONGOING))}
    supervisor = Supervisor(streams, {"hanging": SinkParts(lambda: hanging), "good": SinkParts(lambda: good)}, outbox)
    try:
        with capture_logs() as logs, running(supervisor):
            until(lambda: len(good.events) == len(EVENTS) + 1)
    finally:
        gate.set()
    check_pairs(good.events)
    assert {"sink": "hanging", "pending": len(EVENTS) + 2}.items() <= next(
        log for log in logs if log["event"] == "events wait in the outbox"
    ).items()

    # The next daemon hands over what waits, and says that it is late.
    later = Outbox(outbox.path)
    patient = KeepingSink()
    supervisor = Supervisor({}, {"hanging": SinkParts(lambda: patient), "good": SinkParts(lambda: good)}, later)
    supervisor.start()
    supervisor.request_stop()
    assert supervisor.stop() is True
    assert [event.model_copy(update={"late": False, "repeated": False}) for event in patient.events] == good.events
    assert all(event.late for event in patient.events)


def test_a_stop_closes_open_actions_and_delivers_them(parts, outbox):
    names, sink = ["a", "b"], KeepingSink()
    streams = {name: parts(name, ScriptedSource.lives(ONGOING)) for name in names}
    supervisor = Supervisor(streams, {"list": SinkParts(lambda: sink)}, outbox)
    with running(supervisor) as answers:
        until(lambda: len(sink.events) == 2)
        assert answers == []
    assert answers == [False]
    assert told(sink.events[2:]) == [("stop", "red", "shutdown")] * 2
    check_pairs(sink.events)


def test_asking_twice_and_before_the_start_is_allowed(parts, outbox):
    supervisor = Supervisor({"a": parts("a", ScriptedSource.lives(ONGOING))}, {}, outbox)
    supervisor.request_stop()
    supervisor.start()
    supervisor.request_stop()
    assert supervisor.wait() is False
    assert supervisor.stop() is True


@pytest.mark.parametrize("hangs", ["read", "close", "making", "engines"])
def test_what_hangs_does_not_hold_up_the_stop(parts, outbox, tmp_path, hangs):
    release, hanging = threading.Event(), threading.Semaphore(0)

    def hang(*_arguments):
        hanging.release()
        release.wait(2 * PATIENCE_S)

    class Hanging(ScriptedSource):
        def close(self):
            if hangs == "close":
                hang()
            super().close()

    def make():
        if hangs == "making":
            hang()
        return Hanging([*ONGOING[:-1], hang if hangs == "read" else ONGOING[-1]])

    listener = {"on_scores": hang} if hangs == "engines" else {}
    second, third = (load_model(toy_model.write(SPEC, tmp_path / f"{number}.tflite")) for number in (2, 3))
    streams = {
        "good": parts("good", ScriptedSource.lives(ONGOING)),
        "bad": parts("bad", make, model=second, **listener),
        "worse": parts("worse", make, model=third, **listener),
    }
    sink = KeepingSink()
    supervisor = Supervisor(streams, {"list": SinkParts(lambda: sink)}, outbox)
    try:
        with capture_logs() as logs, running(supervisor):
            until(lambda: [event for event in sink.events if event.stream == "good"])
            if hangs != "close":
                assert hanging.acquire(timeout=PATIENCE_S)
    finally:
        release.set()
    assert told(event for event in sink.events if event.stream == "good") == [
        ("start", "red", None),
        ("stop", "red", "shutdown"),
    ]
    blamed = {log["event"] for log in logs if log["log_level"] in ("warning", "error")}
    engines = {"inference hangs; open actions are closed at the next start"}
    assert blamed == (engines if hangs == "engines" else {"source hangs and is left behind"})


def test_a_hanging_close_does_not_take_the_time_of_other_sources(parts, outbox):
    release = threading.Event()

    class Hanging(ScriptedSource):
        def close(self):
            release.wait(2 * PATIENCE_S)

    good = ScriptedSource(ONGOING)
    streams = {
        "bad": parts("bad", lambda: Hanging([*ONGOING[:-1], lambda: release.wait(2 * PATIENCE_S)])),
        "good": parts("good", lambda: good),
    }
    supervisor = Supervisor(streams, {}, outbox)
    try:
        with capture_logs() as logs, running(supervisor):
            until(lambda: supervisor.figures["good"].scored and supervisor.figures["bad"].scored)
        assert good.closed.is_set()
        assert [log["stream"] for log in logs if "left behind" in log["event"]] == ["bad"]
    finally:
        release.set()


def test_what_the_last_run_left_open_is_closed_first(parts, outbox, film):
    outbox.register_sinks(["list"])
    outbox.append([example_event(id="left-open")])
    sink = KeepingSink()
    supervisor = Supervisor({"porch": parts("porch", file_source(film))}, {"list": SinkParts(lambda: sink)}, outbox)
    with capture_logs() as logs:
        supervisor.start()
        assert supervisor.wait()
        assert supervisor.stop()
    assert [log["actions"] for log in logs if "did not stop cleanly" in log["event"]] == [1]
    assert [(event.id, event.reason) for event in sink.events[:2]] == [("left-open", None), ("left-open", "shutdown")]
    assert told(sink.events[2:]) == EVENTS


def full_disk(outbox):
    """The outbox can take nothing more."""
    wal = outbox.path.with_name("outbox.db-wal")
    return file_size_limit(wal.stat().st_size if wal.exists() else 0)


def test_events_wait_in_memory_for_a_full_disk_and_nothing_new_is_needed_to_free_them(parts, outbox, monkeypatch):
    monkeypatch.setattr(supervisor_module, "AGAIN_S", 0.05)
    sink, seen, full = KeepingSink(), [], threading.Event()
    script = [lambda: full.wait(PATIENCE_S), *scene(*ACTION), ScriptedSource.wait]
    supervisor = Supervisor(
        {"porch": parts("porch", ScriptedSource.lives(script))},
        {"list": SinkParts(lambda: sink)},
        outbox,
        on_event=seen.append,
    )
    with capture_logs() as logs, running(supervisor):
        with full_disk(outbox):
            full.set()
            until(lambda: supervisor._committer.waiting == len(EVENTS) - 1)
            time.sleep(0.2)  # several tries, none of which succeeds
            assert (seen, sink.events) == ([], [])
        until(lambda: len(sink.events) == len(EVENTS) - 1)
        assert supervisor._committer.waiting == 0
    assert told(seen) == told(sink.events) == [*EVENTS[:-1], ("stop", "blue", "shutdown")]
    assert supervisor.lost_events == 0
    levels = [log["log_level"] for log in logs if log["event"].startswith("the outbox cannot be written")]
    assert levels[:2] == ["error", "debug"]
    assert set(levels[1:]) == {"debug"}, "a disk that stays full must not fill the log too"
    assert [log["events"] for log in logs if log["event"] == "the outbox can be written again"] == [len(EVENTS) - 1]


def test_the_next_event_frees_those_that_wait(parts, outbox):
    sink = KeepingSink()
    supervisor = Supervisor(
        {"porch": parts("porch", ScriptedSource.lives([]))}, {"list": SinkParts(lambda: sink)}, outbox
    )
    first, second = example_event(number=1), example_event(number=2)
    with full_disk(outbox):
        supervisor._committer.commit([first])
    supervisor._committer.commit([second])
    supervisor.start()
    supervisor.request_stop()
    supervisor.stop()
    assert [event.id for event in sink.events if event.event_type is EventType.START] == [first.id, second.id]


def test_what_memory_cannot_hold_is_lost_oldest_first_and_counted(outbox, monkeypatch):
    monkeypatch.setattr(commit_module, "_MOST_WAITING", 3)
    supervisor = Supervisor({}, {}, outbox)
    with capture_logs() as logs, full_disk(outbox):
        for number in range(5):
            supervisor._committer.commit([example_event(number=number)])
    assert supervisor.lost_events == 2
    assert [log["lost_in_all"] for log in logs if "too many wait" in log["event"]] == [1, 2]
    supervisor._committer.commit(())
    assert [event.id for event in outbox.query()] == [example_event(number=number).id for number in (2, 3, 4)]


def test_an_outbox_that_stays_unwritable_loses_events_loudly(parts, outbox):
    sink = KeepingSink()
    streams = {"porch": parts("porch", ScriptedSource.lives(scene(*ACTION)))}
    supervisor = Supervisor(streams, {"list": SinkParts(lambda: sink)}, outbox)
    with capture_logs() as logs, full_disk(outbox):
        supervisor.start()
        assert supervisor.wait()
        supervisor.stop()
    assert supervisor.lost_events == len(EVENTS)
    assert [log["lost"] for log in logs if log["event"].startswith("events lost")] == [len(EVENTS)]
    assert sink.events == []


def test_a_start_without_an_outbox_is_an_error(parts, outbox):
    supervisor = Supervisor({"porch": parts("porch", ScriptedSource.lives([]))}, {}, outbox)
    outbox.close()
    with pytest.raises(OutboxUnavailable):
        supervisor.start()


def test_a_broken_engine_stops_the_daemon(parts, outbox):
    first = []

    def refuse(event):
        if not first:
            first.append(event)
            raise RuntimeError("broken listener")

    supervisor = Supervisor({"a": parts("a", ScriptedSource.lives(ONGOING))}, {}, outbox, on_event=refuse)
    supervisor.start()
    assert supervisor.wait() is False
    supervisor.stop()
    assert supervisor.failed
    # The listener came after the commit, so nothing is lost and nothing stays open.
    with Outbox.open_readonly(outbox.path) as history:
        check_pairs(history.query())
