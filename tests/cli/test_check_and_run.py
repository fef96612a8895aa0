"""`check` and `run`: the same errors from both, and a daemon that runs a recording to its end."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from commands import PATIENCE_S, in_pipes

PROJECT = Path(__file__).resolve().parents[2]
PROBLEMS = """\
    model: {toy}
    state_dir: state
    streams:
      - name: hall
        source: {{type: file, path: {clip}, lop: true}}
        actions:
          reddening: {{labels: [turning read], colldown: 5s}}
    sinks:
      - {{type: jsonnl, path: events.jsonl}}
"""
RIGHT = """\
    model: {toy}
    state_dir: state
    streams:
      - name: hall
        source: {{type: file, path: {clip}}}
        actions:
          reddening: {{labels: [turning red]}}
    sinks:
      - {{type: jsonl, path: events.jsonl}}
      - {{type: log}}
"""


@pytest.fixture
def write(folder, toy, red_clip):
    """Write a configuration; `{toy}` and `{clip}` stand for their paths."""

    def _write(text, **names):
        path = folder / "config.yaml"
        path.write_text(textwrap.dedent(text).format(**{"toy": toy, "clip": red_clip, **names}), encoding="utf-8")
        return path

    return _write


def test_what_is_right(cli, write, folder):
    ran = cli("check", "--config", write(RIGHT))
    assert (ran.code, ran.err) == (0, "")
    told, *rest = ran.out.splitlines()
    assert told.endswith("config.yaml: right")
    assert rest[0].startswith("  stream hall: 1 action, toy on LiteRT")
    assert rest[1:] == ["  sink jsonl", "  sink log", f"  state in {folder}/state"]


def test_a_check_leaves_nothing_behind(cli, write, folder):
    cli("check", "--config", write(RIGHT))
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize("verb", ["check", "run"])
def test_everything_that_is_wrong_is_told_at_once_with_its_line(cli, write, verb):
    path = write(PROBLEMS)
    ran = cli(verb, "--config", path)
    assert (ran.code, ran.out) == (78, "")
    told = ran.err.removeprefix("movinet-edge: ").splitlines()
    wanted = {5: "did you mean 'loop'?", 7: "did you mean 'cooldown'?", 9: "did you mean 'jsonl'?"}
    for line, hint in wanted.items():
        assert any(complaint.startswith(f"{path}:{line}: ") and hint in complaint for complaint in told), (line, told)


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_label_the_model_does_not_have(cli, write, verb):
    path = write(RIGHT.replace("[turning red]", "[turning red, turning greeen]"))
    ran = cli(verb, "--config", path)
    assert ran.code == 78
    assert f"{path}:7: streams[0].actions.reddening.labels[1]: " in ran.err
    assert "did you mean 'turning green'" in ran.err


@pytest.mark.parametrize("text", ["streams: [\n", "- a list\n", "streams: []\n", "", "\x00"], ids=repr)
def test_a_file_that_is_no_configuration(cli, folder, text):
    path = folder / "config.yaml"
    path.write_text(text)
    ran = cli("check", "--config", path)
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith(f"movinet-edge: {path}")


def test_check_downloads_nothing_and_says_how_to(cli, write, offline):
    ran = cli("check", "--config", write(RIGHT, toy="movinet-a1-int8"))
    assert ran.code == 78
    assert "movinet-edge models pull movinet-a1-int8" in ran.err
    assert "Traceback" not in ran.err


def test_run_says_when_trying_again_may_help(cli, write, offline):
    ran = cli("run", "--config", write(RIGHT, toy="movinet-a1-int8"))
    assert ran.code == 69
    assert "movinet-a1-int8 could not be downloaded" in ran.err
    assert "By hand" in ran.err


@pytest.mark.parametrize("name", ["minimal", "porch", "all-options"])
@pytest.mark.usefixtures("official")
def test_the_examples_are_right(cli, name):
    ran = cli("check", "--config", PROJECT / "config" / f"{name}.yaml")
    assert (ran.code, ran.err) == (0, "")


def test_a_recording_from_beginning_to_end(cli, write, folder):
    ran = in_pipes("run", "--config", write(RIGHT))
    assert (ran.code, ran.out) == (0, "")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(event["event_type"], event["action"]) for event in events] == [
        ("start", "reddening"),
        ("stop", "reddening"),
    ]
    log = [json.loads(line.removeprefix("<6>")) for line in ran.err.splitlines()]
    assert [entry["event"] for entry in log if entry["event"].startswith("action")] == [
        "action started",
        "action stopped",
    ]
    (done,) = (entry for entry in log if entry["event"] == "stream done")
    assert done["scored"] == 50
    stored = cli("events", "--config", folder / "config.yaml", "--format", "jsonl")
    assert [event["id"] for event in stored.lines] == [event["id"] for event in events]


def test_when_a_daemon_ends_libraries_clean_up(write, folder):
    """A plugin's library may have something to switch off; only what hangs is left without that."""
    program = "import atexit, movinet_edge.cli.main as m; atexit.register(print, 'cleaned up'); m.console_main()"
    command = [sys.executable, "-c", program, "run", "--config", str(write(RIGHT))]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE_S, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("cleaned up\n")


def test_when_no_stream_can_be_read(write, folder):
    ran = in_pipes("run", "--config", write(RIGHT, clip=folder / "none.mp4"))
    assert ran.code == 66
    (error,) = (line for line in ran.err.splitlines() if line.startswith("<3>"))
    assert "there is no such file" in error
