"""A changed configuration on a running daemon: what changed is applied, and nothing else is touched."""

import textwrap
import threading

import pytest
import toy_model
from coloured_scenes import PATIENCE_S, SPEC, KeepingSink, check_pairs, write_scene
from stream_run import until
from structlog.testing import capture_logs
from trouble import file_size_limit

from movinet_edge.api import ActionEvent, CommandRefused, StreamState
from movinet_edge.config import read_document
from movinet_edge.daemon.adjustments import Adjustments
from movinet_edge.daemon.assembly import assemble
from movinet_edge.daemon.controls import Controls, adjust
from movinet_edge.daemon.reload import Reloader
from movinet_edge.daemon.supervisor import Supervisor
from movinet_edge.delivery import Outbox
from movinet_edge.engine import Model

STREAM = """\
  - name: {name}
    source: {{type: file, path: red.mp4, pace: realtime, loop: true, concat: true}}
    actions:
      red: {{labels: [red], on: {on}, off: 0.3, min_duration: 0s}}
    window: 5
    warm_up: 0s
"""


def stream(name, on=0.6, more=""):
    return STREAM.format(name=name, on=on) + textwrap.indent(more, "    ")


def config(*streams, top="", sinks=("events",)):
    lines = "".join(f"  - {{type: jsonl, name: {name}, path: {name}.jsonl}}\n" for name in sinks)
    return f"model: toy.tflite\nstate_dir: state\n{top}streams:\n{''.join(streams)}" + (
        f"sinks:\n{lines}" if sinks else ""
    )


class Daemon:
    """A whole daemon in this process, with a configuration file that may change."""

    def __init__(self, folder, text):
        self.folder, self.file = folder, folder / "config.yaml"
        self.file.write_text(text)
        assembly = assemble(self.read())
        outbox = Outbox(assembly.outbox_path)
        self.adjustments = Adjustments(folder / "state" / "adjustments.json")
        disabled = [name for name, parts in assembly.streams.items() if not adjust(name, parts, self.adjustments)]
        self.supervisor = Supervisor(assembly.streams, assembly.sinks, outbox, disabled=disabled)
        self.controls = Controls(self.supervisor, self.adjustments)
        self.logs = []
        self.reloader = Reloader(
            assembly, self.supervisor, self.adjustments, read=self.read, on_log=lambda new: self.logs.append(new.log)
        )
        self.ended = []
        self.waiter = threading.Thread(target=lambda: self.ended.append(self.supervisor.wait()), daemon=True)
        self.supervisor.start()
        self.waiter.start()

    def read(self):
        return read_document(self.file, environ={})

    def reload(self, text):
        if text is None:
            self.file.unlink()
        else:
            self.file.write_text(text)
        return self.reloader.reload()

    @property
    def streams(self):
        return {status.name: status for status in self.controls.status().streams}

    @property
    def sinks(self):
        return [status.name for status in self.controls.status().sinks]

    def until_live(self, *names):
        until(lambda: all(self.streams[name].state is StreamState.LIVE for name in names))

    def until_started(self, *names, file="events.jsonl"):
        until(lambda: set(names) <= {event.stream for event in self.events(file)})

    def events(self, file="events.jsonl"):
        path = self.folder / file
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [ActionEvent.from_json(line) for line in lines if line.endswith(b"\n")]

    def told(self, name, file="events.jsonl"):
        return [
            (event.event_type.value, event.reason and event.reason.value)
            for event in self.events(file)
            if event.stream == name
        ]

    def stop(self):
        keeps_events = "events" in self.sinks
        self.supervisor.request_stop()
        self.waiter.join(PATIENCE_S)
        self.supervisor.stop()
        assert self.ended == [False], "it ended by itself"
        if keeps_events:
            check_pairs(self.events() + self.events("later.jsonl"))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("film") / "red.mp4", ("red", 20))


@pytest.fixture
def daemon(tmp_path, toy_path, film):
    (tmp_path / "toy.tflite").symlink_to(toy_path)
    (tmp_path / "red.mp4").symlink_to(film)
    started = []

    def start(text):
        started.append(Daemon(tmp_path, text))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


def test_an_unchanged_file_changes_nothing(daemon):
    text = config(stream("a"))
    running = daemon(text)
    running.until_live("a")
    runner = running.supervisor.runner("a")
    assert running.reload(text) == "nothing to change"
    assert running.reload("# a remark\n" + text) == "nothing to change"
    assert running.supervisor.runner("a") is runner


def test_what_did_not_change_goes_on_untouched(daemon):
    running = daemon(config(stream("a"), stream("b"), stream("c")))
    running.until_started("a", "b", "c")
    runner, parts = running.supervisor.runner("a"), running.supervisor.parts("a")
    workers = dict(running.supervisor._workers)
    text = config(stream("a"), stream("b", on=0.7), stream("d"))
    assert running.reload(text) == "stream added: d; stream removed: c; stream changed: b"
    assert list(running.streams) == ["a", "b", "d"]
    scored = parts.pipeline.figures.scored
    running.until_started("d")
    until(lambda: running.told("b") == [("start", None), ("stop", "disabled"), ("start", None)])
    until(lambda: parts.pipeline.figures.scored > scored + 2)
    assert running.supervisor.runner("a") is runner
    assert running.supervisor.parts("a") is parts
    assert running.supervisor._workers == workers
    assert running.streams["a"].health.reconnects == 0
    assert running.told("a") == [("start", None)]
    assert running.told("c") == [("start", None), ("stop", "disabled")]
    # And the next time: what was kept is known by its old parts.
    assert running.reload(text) == "nothing to change"


def test_the_only_stream_may_change_without_the_daemon_taking_itself_for_done(daemon):
    running = daemon(config(stream("a")))
    for turn in range(5):
        running.until_live("a")
        assert running.reload(config(stream("a", on=0.5 + turn / 100 + 0.01))) == "stream changed: a"
    running.until_live("a")
    assert running.ended == []


def test_a_changed_stream_is_never_missing_from_what_sinks_are_told(daemon):
    running = daemon(config(stream("a"), stream("b")))
    running.until_live("a", "b")
    seen, done = set(), threading.Event()

    def look():
        while not done.is_set():
            seen.add(tuple(running.streams))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    for turn in range(5):
        running.reload(config(stream("a"), stream("b", on=0.7 + turn / 100)))
    done.set()
    watcher.join(PATIENCE_S)
    assert seen == {("a", "b")}


def test_a_model_is_not_loaded_again_and_another_one_is(daemon, monkeypatch):
    running = daemon(config(stream("a"), stream("b")))
    model = running.supervisor.parts("a").pipeline.model
    running.reload(config(stream("a", on=0.7), stream("b"), stream("c")))
    models = [running.supervisor.parts(name).pipeline.model for name in "abc"]
    assert all(one is model for one in models)
    toy_model.write(SPEC, running.folder / "other.tflite")
    assert running.reload(config(stream("a", on=0.7, more="model: other.tflite\n"), stream("b"))) == (
        "stream removed: c; stream changed: a"
    )
    assert running.supervisor.parts("b").pipeline.model is model
    assert running.supervisor.parts("a").pipeline.model is not model
    running.until_live("a", "b")
    # What all streams use is a change of each of them, though none says so.
    text = config(stream("a", on=0.7, more="model: other.tflite\n"), stream("b"), top="threads: 2\n")
    assert running.reload(text) == "stream changed: a, b"
    assert isinstance(running.supervisor.parts("b").pipeline.model, Model)
    assert running.supervisor.parts("b").pipeline.model is not model


def test_sinks_come_and_go(daemon):
    running = daemon(config(stream("a"), sinks=["events", "second"]))
    running.until_started("a")
    running.until_started("a", file="second.jsonl")
    worker = running.supervisor._workers["events"]
    text = config(stream("a"), sinks=["events", "third"])
    assert running.reload(text) == "sink added: third; sink removed: second"
    assert running.sinks == ["events", "third"]
    assert running.supervisor._workers["events"] is worker
    running.reload(text.replace("on: 0.6", "on: 0.7"))
    until(lambda: running.told("a") == [("start", None), ("stop", "disabled"), ("start", None)])
    until(lambda: running.told("a", "third.jsonl") == running.told("a")[1:])
    assert running.told("a", "second.jsonl") == [("start", None)]


def test_a_changed_sink_goes_on_where_it_was(daemon):
    running = daemon(config(stream("a")))
    running.until_started("a")
    text = config(stream("a", on=0.7)).replace("path: events.jsonl", "path: later.jsonl")
    assert running.reload(text) == "stream changed: a; sink changed: events"
    until(
        lambda: (
            running.told("a") + running.told("a", "later.jsonl")
            == [("start", None), ("stop", "disabled"), ("start", None)]
        )
    )


def test_all_sinks_may_go(daemon):
    running = daemon(config(stream("a")))
    assert running.reload(config(stream("a"), sinks=())) == "sink removed: events"
    assert running.sinks == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (config(stream("a", more="fpss: 5\n")), "did you mean 'fps'?"),
        (config(stream("a")).replace("toy.tflite", "tov.tflite"), "did you mean"),
        (config(stream("a").replace("[red]", "[rad]")), "did you mean 'red'?"),
        (config(stream("a"), stream("a")), "'a'"),
        ("streams: [\n", "config.yaml:"),
        ("", "config.yaml"),
        (None, "config.yaml"),
    ],
    ids=["key", "model", "label", "name", "YAML", "empty", "gone"],
)
def test_a_wrong_file_keeps_the_old_one_and_says_why(daemon, wrong, words):
    right = config(stream("a"))
    running = daemon(right)
    running.until_live("a")
    runner = running.supervisor.runner("a")
    with capture_logs() as logs, pytest.raises(CommandRefused) as refused:
        running.reload(wrong)
    assert words in str(refused.value)
    assert str(refused.value).startswith("the old configuration goes on, because the new one is wrong:\n")
    assert [(log["log_level"], words in log["reason"]) for log in logs] == [("error", True)]
    assert running.supervisor.runner("a") is runner
    assert running.streams["a"].state is StreamState.LIVE
    assert running.logs == []
    assert running.reload(right + "log: {level: debug}\n") == "nothing to change"
    assert [log.level for log in running.logs] == ["debug"]


def test_keys_that_need_a_restart_are_named(daemon):
    running = daemon(config(stream("a")))
    said = running.reload(config(stream("a"), top="outbox: {max_events: 7}\ncontrol: {mode: '0600'}\n"))
    assert said == "nothing to change; changed, but only a restart applies it: outbox, control"


def test_a_threshold_set_by_command_holds_until_the_file_changes_it(daemon):
    running = daemon(config(stream("a", on=0.6)))
    running.controls.set_threshold("a", "red", 0.9)
    running.reload(config(stream("a", on=0.6, more="stall_after: 7s\n")))
    assert running.streams["a"].actions[0].on == 0.9, "another change of the stream does not undo it"
    running.reload(config(stream("a", on=0.7)))
    assert running.streams["a"].actions[0].on == 0.7
    running.reload(config(stream("a", on=0.6)))
    assert running.streams["a"].actions[0].on == 0.6


def test_a_stream_switched_off_by_command_stays_so_until_the_file_says_otherwise(daemon):
    running = daemon(config(stream("a"), stream("b")))
    running.controls.set_enabled("a", False)
    running.reload(config(stream("a", on=0.7), stream("b")))
    assert running.streams["a"].state is StreamState.DISABLED
    running.reload(config(stream("a", on=0.7, more="enabled: false\n"), stream("b")))
    assert running.streams["a"].state is StreamState.DISABLED
    running.reload(config(stream("a", on=0.7, more="enabled: true\n"), stream("b")))
    running.until_live("a")


def test_a_command_during_the_reload_is_not_lost(daemon):
    """However the two meet: what was kept and what runs are the same afterwards."""
    running = daemon(config(stream("a")))
    for turn in range(8):
        wanted = turn % 2 == 0
        command = threading.Thread(target=running.controls.set_enabled, args=("a", wanted), daemon=True)
        command.start()
        running.reload(config(stream("a", on=0.6, more=f"stall_after: {turn + 5}s\n")))
        command.join(PATIENCE_S)
        assert not command.is_alive()
        assert (running.streams["a"].state is not StreamState.DISABLED) == wanted


def test_an_outbox_that_cannot_be_written_leaves_the_sinks_and_the_next_reload_applies_it(daemon):
    running = daemon(config(stream("a")))
    running.until_started("a")
    more = config(stream("a"), sinks=["events", "second"])
    wal = running.folder / "state" / "outbox.db-wal"
    running.file.write_text(more)
    with capture_logs() as logs, file_size_limit(wal.stat().st_size), pytest.raises(CommandRefused, match="sinks"):
        running.reloader.reload()
    assert any(log["log_level"] == "error" and "sinks" in log["event"] for log in logs)
    assert running.sinks == ["events"]
    assert running.reload(more) == "sink added: second"
    assert running.sinks == ["events", "second"]


def test_a_source_that_hangs_does_not_hold_up_a_reload(daemon, monkeypatch):
    running = daemon(config(*(stream(name) for name in "abcd")))
    running.until_live(*"abcd")
    release = threading.Event()
    try:
        for name in "abcd":
            capture = running.supervisor.runner(name)._capture
            monkeypatch.setattr(capture._source, "close", lambda: release.wait(PATIENCE_S))
            monkeypatch.setattr(capture, "_read", lambda _source: release.wait(PATIENCE_S))
        with capture_logs() as logs:
            running.reload(config(stream("e")))
        assert list(running.streams) == ["e"]
        running.until_live("e")
        assert all(log["event"] != "inference hangs; open actions are closed at the next start" for log in logs)
    finally:
        release.set()


def test_nothing_is_started_once_the_daemon_has_stopped(tmp_path):
    supervisor = Supervisor({}, {}, Outbox(tmp_path / "outbox.db"))
    supervisor.start()
    assert supervisor.wait() is True
    supervisor.stop()
    supervisor.replace_streams([], {"a": None}, adjust=lambda *_: True)
    supervisor.replace_sinks([], {"list": KeepingSink})
    assert supervisor.status().streams == supervisor.status().sinks == ()
