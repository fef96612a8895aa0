"""The command as a whole: help, version, errors for people, exit codes, and what pipes and signals do to it."""

import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest
from commands import COMMAND, PATIENCE_S, in_pipes

from movinet_edge.cli.main import _VERBS, build_parser, verb_module


@pytest.mark.parametrize("verb", _VERBS)
def test_help_says_what_a_verb_does(cli, verb):
    overview, own = cli("--help"), cli(verb, "--help")
    assert overview.code == own.code == 0
    assert f"    {verb} " in overview.out
    assert verb_module(verb).HELP in overview.out
    assert verb_module(verb).DESCRIPTION in own.out


def test_help_explains_every_option():
    for verb in _VERBS:
        module = verb_module(verb)
        parser = build_parser()
        subparsers = next(a for a in parser._actions if a.dest == "verb").choices
        for action in subparsers[verb]._actions:
            explained = action.help or action.choices or action.metavar in ("NAME", "DIR")
            assert explained, f"{module.__name__} {action.option_strings}"


def test_version_is_that_of_the_package(cli):
    ran = cli("--version")
    assert (ran.code, ran.out) == (0, f"movinet-edge {version('movinet-edge')}\n")


def test_the_installed_command_is_this_one():
    (script,) = entry_points(group="console_scripts", name="movinet-edge")
    assert script.value == "movinet_edge.cli.main:console_main"


WRONG_ARGUMENTS = [
    ([], "VERB"),
    (["clasify", "a.mp4"], "there is no verb 'clasify'; did you mean 'classify'?"),
    (["fly"], "there is no verb 'fly'; there are: run, check, probe, status"),
    (["classify"], "VIDEO"),
    (["classify", "a.mp4", "--windw", "3"], "--windw"),
    (["classify", "a.mp4", "--window", "0"], "'0' is not a whole number above 0"),
    (["classify", "a.mp4", "--window", "2.5"], "'2.5' is not a whole number above 0"),
    (["classify", "a.mp4", "--fps", "fast"], "'fast' is not a number above 0"),
    (["classify", "a.mp4", "--fps", "nan"], "'nan' is not a number above 0"),
    (["classify", "a.mp4", "--fps", "inf"], "'inf' is not a number above 0"),
    (["classify", "a.mp4", "--memory", "short"], "cumulative"),
    (["classify", "a.mp4", "--threads", "-1"], "'-1' is not a whole number above 0"),
    (["classify", "a.mp4", "--format", "xml"], "jsonl"),
    (["bench", "--frames", "0"], "'0' is not a whole number above 0"),
    (["events", "--since", "yesterday"], "'yesterday' is neither a time such as 2026-01-31T18:00 nor an age"),
    (["events", "--limit", "0"], "'0' is not a whole number above 0"),
    (["models"], "list|show|pull|verify"),
    (["models", "get"], "pull"),
    (["schema"], "what"),
    (["schema", "events"], "config"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG_ARGUMENTS, ids=[" ".join(a) for a, _ in WRONG_ARGUMENTS])
def test_wrong_arguments_are_one_line_and_64(cli, arguments, said):
    ran = cli(*arguments)
    assert ran.code == 64
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("movinet-edge")
    assert said in ran.err
    assert "--help" in ran.err


WRONG_WISHES = [
    (["check", "--config", "nowhere.yaml"], 78, "nowhere.yaml: there is no such file"),
    (["run", "--config", "nowhere.yaml"], 78, "nowhere.yaml: there is no such file"),
    (["events", "--state-dir", "nowhere"], 78, "there is no store nowhere/outbox.db"),
    (["models", "show", "movinet-a0-int4"], 78, "did you mean movinet-a0-int8"),
    (["classify", "a.mp4", "--model", "nowhere.tflite"], 78, "there is no model file nowhere.tflite"),
    (["classify", "a.mp4", "--scores", "--format", "table"], 78, "--scores belongs to --format jsonl"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG_WISHES, ids=[" ".join(a) for a, _, _ in WRONG_WISHES])
def test_an_error_is_one_message_without_a_traceback(cli, folder, arguments, code, said):
    ran = cli(*arguments)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err.startswith("movinet-edge: ")
    assert ran.err.count("movinet-edge: ") == 1
    assert said in ran.err


def test_nothing_of_the_runtime_is_heard(toy, red_clip):
    ran = in_pipes("classify", red_clip, "--model", toy)
    assert (ran.code, ran.err) == (0, "")


def test_nothing_of_the_runtime_is_heard_after_an_error(toy, tmp_path):
    ran = in_pipes("classify", tmp_path / "none.mp4", "--model", toy)
    assert ran.code == 66
    assert ran.err == f"movinet-edge: {tmp_path}/none.mp4: there is no such file\n"


PIPED = [["--help"], ["models", "list"], ["plugins"], ["schema", "config"], ["classify", "CLIP", "--scores"]]


@pytest.mark.parametrize("arguments", [*PIPED, ["classify", "CLIP", "--format", "table"]], ids=" ".join)
def test_a_reader_that_has_left_is_no_error(arguments, toy, red_clip):
    arguments = [str(red_clip) if word == "CLIP" else word for word in arguments]
    if arguments[0] == "classify":
        arguments += ["--model", str(toy)]
    reading, writing = os.pipe()
    os.close(reading)
    ran = in_pipes(*arguments, stdout=writing)
    os.close(writing)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("arguments", [["schema", "config"], ["models", "list"]], ids=" ".join)
def test_a_full_disk_is_said_in_one_line(arguments):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = in_pipes(*arguments, stdout=full)
    assert ran.code == 1
    assert ran.err == "movinet-edge: standard output: No space left on device\n"


def test_a_closed_standard_error_is_no_error():
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, "plugins"]
    done = subprocess.run(closed, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0
    assert b"rtsp" in done.stdout


def test_a_fault_of_ours_is_shown_whole_and_is_1():
    broken = "import movinet_edge.cli.main as m; m.main = lambda: [][0]; m.console_main()"
    done = subprocess.run([sys.executable, "-c", broken], capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Traceback")
    assert done.stderr.endswith(b"IndexError: list index out of range\n")


def test_a_closed_standard_output_is_no_error():
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "schema", "event"]
    done = subprocess.run(closed, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_utf8_gets_question_marks(toy, red_clip):
    ran = in_pipes("classify", red_clip, "--model", toy, "--format", "table", env={"PYTHONIOENCODING": "ascii"})
    assert (ran.code, ran.err) == (0, "")
    assert "turning red" in ran.out
    assert "real time" in ran.out


def test_ctrl_c_is_130_without_a_traceback(toy, clip_of):
    # More lines than a pipe holds, so that the command still has something to do when the signal comes.
    clip = clip_of("long.mkv", ("red", 100))
    arguments = ["classify", str(clip), "--model", str(toy), "--fps", "native", "--scores"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (130, b"")
