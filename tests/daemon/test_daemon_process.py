"""The daemon as a process: signals, kill -9, exit codes, and two of them in one folder."""

import random
import signal
import time
from collections import defaultdict

import pytest
from scene import read_events, start_daemon, stream, write_config, write_film

from movinet_edge.delivery import EventHistory

FOREVER = {"type": "file", "path": "film.mp4", "pace": "realtime", "loop": True}


def finish(process, timeout_s=15.0):
    """Exit code and log of a process that ends by itself."""
    _, log = process.communicate(timeout=timeout_s)
    return process.returncode, log


def wait_for(condition, timeout_s=20.0):
    """Poll until the condition gives something true."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail("what was waited for did not happen")


def by_occurrence(events):
    """Event types of each id, each event once however often it was written."""
    types = defaultdict(list)
    for event in {event["seq"]: event for event in events}.values():
        types[event["id"]].append(event["event_type"])
    return types


def test_streams_that_end_are_worked_off_and_delivered(tmp_path):
    write_film(tmp_path / "one.mp4", "bbrrrbbb")
    write_film(tmp_path / "two.mp4", "bbbrrr")
    config = write_config(
        tmp_path,
        [stream("one", {"type": "file", "path": "one.mp4"}), stream("two", {"type": "file", "path": "two.mp4"})],
    )
    code, log = finish(start_daemon(config))
    assert code == 0, log
    told = {(e["stream"], e["event_type"], e["reason"]) for e in read_events(tmp_path)}
    assert told == {
        ("one", "start", None),
        ("one", "stop", "below"),
        ("two", "start", None),
        ("two", "stop", "source_lost"),
    }
    start = next(e for e in read_events(tmp_path) if e["stream"] == "one" and e["event_type"] == "start")
    assert 2.0 <= start["started_s"] <= 3.0  # red from 2 s on, and a window of 1 s


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_and_delivers_what_is_open_within_five_seconds(tmp_path, number):
    write_film(tmp_path / "film.mp4", "rrrrrrrrrr")
    process = start_daemon(write_config(tmp_path, [stream("porch", FOREVER)]))
    wait_for(lambda: read_events(tmp_path))
    began = time.monotonic()
    process.send_signal(number)
    code, log = finish(process)
    assert code == 0, log
    assert time.monotonic() - began < 5
    start, stop = read_events(tmp_path)
    assert (start["event_type"], stop["event_type"], stop["reason"]) == ("start", "stop", "shutdown")
    assert start["id"] == stop["id"]
    assert "Traceback" not in log


HANGING_SINK = """
import time
from movinet_edge.api import PluginSettings

class Hanging:
    Settings = PluginSettings
    def __init__(self, settings): pass
    def open(self): pass
    def deliver(self, event): time.sleep(60)
    def close(self): pass

SINKS = {"hanging": Hanging}
"""


def test_a_second_signal_and_a_hanging_sink_change_nothing_about_the_stop(tmp_path):
    write_film(tmp_path / "film.mp4", "rrrrrrrrrr")
    plugins = tmp_path / "plugins"
    plugins.mkdir(mode=0o755)
    (plugins / "hanging.py").write_text(HANGING_SINK)
    (plugins / "hanging.py").chmod(0o644)
    sinks = [{"type": "hanging"}, {"type": "jsonl", "path": "events.jsonl"}]
    config = write_config(tmp_path, [stream("porch", FOREVER)], sinks=sinks, plugin_dirs=["plugins"])
    process = start_daemon(config)
    wait_for(lambda: read_events(tmp_path))
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
        time.sleep(0.2)  # the hanging sink keeps the daemon busy for much longer
    code, log = finish(process)
    assert code == 0, log
    assert time.monotonic() - began < 5
    assert [event["event_type"] for event in read_events(tmp_path)] == ["start", "stop"]
    assert '"sink": "hanging", "pending": 2' in log
    assert "Traceback" not in log


def test_kill_9_at_any_instant_loses_nothing_and_leaves_nothing_open(tmp_path):
    write_film(tmp_path / "film.mp4", "rrb")
    config = write_config(tmp_path, [stream(name, FOREVER) for name in ("a", "b", "c")])
    chance = random.Random(9)  # noqa: S311  # a seed that repeats is what is wanted
    for _ in range(6):
        process = start_daemon(config)
        seen = len(read_events(tmp_path))
        wait_for(lambda seen=seen: len(read_events(tmp_path)) > seen)
        time.sleep(chance.uniform(0.0, 2.0))
        process.kill()
        process.communicate()
    with EventHistory(tmp_path / "state" / "outbox.db") as history:
        committed = {event.seq for event in history.query()}
    process = start_daemon(config)
    wait_for(lambda: committed < {event["seq"] for event in read_events(tmp_path)})
    process.terminate()
    code, log = finish(process)
    assert code == 0, log

    events = read_events(tmp_path)
    types = by_occurrence(events)
    assert len(types) > 6
    for occurrence, told in types.items():
        assert sorted(told) == ["start", "stop"], occurrence
    assert {event["reason"] for event in events if event["event_type"] == "stop"} >= {"shutdown"}
    copies = defaultdict(set)
    for event in events:
        copies[event["seq"]].add(event["id"])
    assert all(len(ids) == 1 for ids in copies.values())
    assert sorted(copies) == list(range(1, len(copies) + 1))


def test_one_daemon_per_state_folder(tmp_path):
    write_film(tmp_path / "film.mp4", "r")
    config = write_config(tmp_path, [stream("porch", FOREVER)])
    first = start_daemon(config)
    wait_for(lambda: read_events(tmp_path))
    code, log = finish(start_daemon(config))
    assert code != 0
    assert f"another movinet-edge (process {first.pid}) uses" in log
    first.terminate()
    assert finish(first)[0] == 0


def test_a_rejected_stream_does_not_touch_the_others(tmp_path):
    write_film(tmp_path / "film.mp4", "bbrrrbb")
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    streams = [
        stream("good", {"type": "file", "path": "film.mp4"}),
        stream("bad", {"type": "file", "path": "broken.mp4"}),
    ]
    code, log = finish(start_daemon(write_config(tmp_path, streams)))
    assert code == 0, log
    assert {event["stream"] for event in read_events(tmp_path)} == {"good"}
    assert log.count("source rejected") == 1
    assert "broken.mp4" in log


def test_when_every_stream_is_rejected_the_exit_code_says_so(tmp_path):
    config = write_config(tmp_path, [stream("bad", {"type": "file", "path": "nothing.mp4"})])
    code, log = finish(start_daemon(config))
    assert code == 66
    assert "there is no such file" in log


def test_a_wrong_configuration_exits_with_78_and_names_the_line(tmp_path):
    config = write_config(tmp_path, [stream("porch", {"type": "file", "path": "x.mp4", "pacee": "fast"})])
    number = next(n for n, line in enumerate(config.read_text().splitlines(), 1) if "pacee" in line)
    code, log = finish(start_daemon(config))
    assert code == 78
    assert f"config.yaml:{number}: streams[0].source.pacee: unknown key; did you mean 'pace'?" in log
    assert "Traceback" not in log


def test_a_sink_that_cannot_be_written_holds_up_nobody(tmp_path):
    write_film(tmp_path / "film.mp4", "bbrrrbb")
    (tmp_path / "folder.jsonl").mkdir()
    sinks = [{"type": "jsonl", "path": "folder.jsonl", "name": "broken"}, {"type": "jsonl", "path": "events.jsonl"}]
    config = write_config(tmp_path, [stream("porch", {"type": "file", "path": "film.mp4"})], sinks=sinks)
    code, log = finish(start_daemon(config))
    assert code == 0, log
    assert len(read_events(tmp_path)) == 2
    assert "events wait in the outbox" in log
