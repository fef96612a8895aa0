"""`demo`: a newcomer's first command, in a pipe, on a terminal, interrupted, and without a model."""

import signal
import subprocess

import pytest
from commands import COMMAND, PATIENCE_S, in_pipes, on_terminal

from movinet_edge.api import ActionEvent

# Seen on the machine that rendered the clip; other processors decide a frame or two sooner or later.
EVENTS = [
    ("jumping jacks", "start", 10.4),
    ("jumping jacks", "stop", 23.6),
    ("push up", "start", 30.8),
    ("push up", "stop", 41.8),
]
TOLERANCE_S = 0.6
# The times are those of the official model. The small one may be late or lose an action early, by less than its window.
BUILTIN_TOLERANCE_S = 4.0


def seconds(clock):
    minutes, _, rest = clock.partition(":")
    return 60 * int(minutes) + float(rest)


def live_lines(text):
    """Action, what happened and when, of each line told while the clip ran."""
    found = []
    for line in text.splitlines():
        for sign in "▶■":
            before, there, after = line.partition(sign)
            if there:
                action, _, kind = after.split("  ")[0].strip().rpartition(" ")
                found.append((action, kind, seconds(before.split()[-1])))
    return found


def check_output(out, model="movinet-a0-int8"):
    told = live_lines(out)
    assert [(action, kind) for action, kind, _ in told] == [(action, kind) for action, kind, _ in EVENTS]
    tolerance_s = TOLERANCE_S if model == "movinet-a0-int8" else BUILTIN_TOLERANCE_S
    assert [time_s for *_, time_s in told] == pytest.approx([time_s for *_, time_s in EVENTS], abs=tolerance_s)
    assert f"{model} on LiteRT" in out
    rows = [line.split("  ")[0].strip() for line in out.splitlines() if line.rstrip().endswith("score fell")]
    assert rows == ["jumping jacks", "push up"]
    drawn = [line for line in out.splitlines() if "╰─" in line]
    assert len(drawn) == 2
    assert drawn[0].index("╰") < drawn[0].index("╯") < drawn[1].index("╰") < drawn[1].index("╯")
    assert "0:00" in out
    assert "All four events came" in out


def test_in_a_pipe(official):
    ran = in_pipes("demo")
    assert (ran.code, ran.err) == (0, "")
    check_output(ran.out)
    assert "×" not in ran.out.replace("172×172", "")  # no progress bar where nobody watches it


def test_on_a_terminal(official):
    ran = on_terminal("demo")
    assert ran.code == 0
    check_output(ran.out)
    assert "× real time" in ran.out
    assert "demo clip" in ran.out


def test_what_is_kept_is_what_was_shown(cli, official, tmp_path):
    ran = cli("demo", "--keep", tmp_path / "kept")
    assert ran.code == 0
    lines = (tmp_path / "kept" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [ActionEvent.from_json(line) for line in lines]
    assert [(event.action, event.event_type) for event in events] == [(action, kind) for action, kind, _ in EVENTS]
    stored = cli("events", "--state-dir", tmp_path / "kept", "--format", "jsonl")
    assert [line["id"] for line in stored.lines] == [event.id for event in events]


def test_settings_for_the_daemon_do_not_change_it(cli, official, monkeypatch):
    monkeypatch.setenv("MOVINET_EDGE__STREAMS__0__FPS", "1")
    assert cli("demo").code == 0


def test_a_reader_that_leaves_after_the_first_line(official):
    with subprocess.Popen([*COMMAND, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(PATIENCE_S), err) == (0, b"")


def test_ctrl_c(official):
    command = [*COMMAND, "demo", "--realtime"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, b"")
    assert "something is wrong" not in out.decode()


def test_offline_the_model_of_the_package_finds_both_actions(cli, offline):
    ran = cli("demo")
    assert ran.code == 0, ran.out + ran.err
    check_output(ran.out, model="builtin")
    assert ran.err.count("\n") == 1
    assert "the default one cannot be fetched; the package's own is used" in ran.err
    assert "movinet-edge models pull a0" in ran.err


def test_a_folder_that_cannot_be_made(cli, tmp_path):
    (tmp_path / "file").touch()
    ran = cli("demo", "--keep", tmp_path / "file")
    assert (ran.code, ran.out) == (78, "")
    assert ran.err == f"movinet-edge: --keep {tmp_path}/file: no folder can be made there: File exists\n"


def test_the_example_is_an_ordinary_configuration(cli, official, demo_clip):
    ran = cli("check", "--config", demo_clip.with_name("demo.yaml"))
    assert ran.code == 0
    assert "stream demo: 2 actions" in ran.out
