"""The log: for people on a terminal, for the journal everywhere else."""

import io
import json
import sys
from datetime import datetime

import pytest
import structlog

from movinet_edge.cli.logs import LEVEL_VARIABLE, configure_logging

LEVELS = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


class Terminal(io.StringIO):
    """Standard error as it is on a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def logged(monkeypatch):
    """What one line of each level leaves on standard error, with these settings."""

    def run(*settings, terminal=False):
        monkeypatch.setattr(sys, "stderr", stream := Terminal() if terminal else io.StringIO())
        configure_logging(*settings)
        log = structlog.get_logger("movinet_edge.test")
        for level in LEVELS:
            getattr(log, level)(f"a {level} line", stream="hall", path="a b", score=0.5)
        return stream.getvalue().splitlines()

    return run


def test_json_lines_carry_the_journals_priorities(logged):
    lines = logged("debug", "json")
    assert [line[:3] for line in lines] == [f"<{priority}>" for priority in LEVELS.values()]
    for line, level in zip(lines, LEVELS, strict=True):
        entry = json.loads(line[3:])
        assert datetime.fromisoformat(entry.pop("timestamp")).tzinfo is not None
        assert entry == {"event": f"a {level} line", "level": level, "stream": "hall", "path": "a b", "score": 0.5}


def test_a_console_line_is_readable(logged):
    for line, level in zip(logged("debug", "console"), LEVELS, strict=True):
        assert f"[{level}" in line
        assert f"a {level} line" in line
        assert "stream=hall" in line
        assert "\x1b" not in line


def test_auto_follows_the_terminal(logged, monkeypatch):
    assert logged("info", "auto")[0].startswith("<6>{")
    assert "\x1b[" in logged("info", "auto", terminal=True)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in logged("info", "auto", terminal=True)[0]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_configured_level(logged, level):
    assert len(logged(level, "json")) == len(LEVELS) - list(LEVELS).index(level)


@pytest.mark.parametrize(("wanted", "lines"), [("debug", 5), ("error", 2), (" Warning ", 3), ("", 4), ("loud", 4)])
def test_the_variable_stands_above_the_configuration(logged, monkeypatch, wanted, lines):
    monkeypatch.setenv(LEVEL_VARIABLE, wanted)
    assert len(logged("info", "json")) == lines


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_is_part_of_the_entry(monkeypatch, style):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    configure_logging("info", style)
    try:
        raise OSError("the camera is asleep")
    except OSError:
        structlog.get_logger().exception("source failed")
    text = stream.getvalue()
    assert "the camera is asleep" in text
    if style == "json":
        (line,) = text.splitlines()  # the journal takes each line for an entry
        assert line.startswith("<3>")
        assert json.loads(line[3:])["exception"][0]["exc_type"] == "OSError"


def test_what_cannot_be_json_is_written_as_text(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    configure_logging("info", "json")
    structlog.get_logger().info("opened", path=tmp_path, name="Küche")
    entry = json.loads(stream.getvalue()[3:])
    assert (entry["path"], entry["name"]) == (str(tmp_path), "Küche")
    assert "Küche" in stream.getvalue()


def test_the_variable_shows_more_of_a_command(cli, toy, clip_of, monkeypatch):
    clip_of("two/1.mkv", ("black", 1))
    folder = clip_of("two/2.mkv", ("black", 1)).parent
    assert cli("classify", folder, "--model", toy).err == ""
    monkeypatch.setenv(LEVEL_VARIABLE, "debug")
    assert "stream reset" in cli("classify", folder, "--model", toy).err
