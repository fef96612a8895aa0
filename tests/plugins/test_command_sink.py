"""Sink `command` with real programs: contract, verdicts, time-outs, environment, and nothing left behind."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError

from movinet_edge.api import ActionEvent, DeliveryError, DeliveryRejected
from movinet_edge.delivery import Backoff, DeliveryWorker, FailedEvents, Outbox
from movinet_edge.testing.sinks import SinkContract, example_event
from movinet_edge_plugins.command import CommandSettings, CommandSink

PATIENCE_S = 20.0  # generous: only a test that fails waits so long


def shell(script: str, *arguments: object) -> list[str]:
    return ["/bin/sh", "-c", script, "script", *map(str, arguments)]


def deliver(command: list[str], event: ActionEvent | None = None, **settings: object) -> None:
    sink = CommandSink(CommandSettings(command=command, **settings))
    sink.open()
    sink.deliver(event or example_event(seq=1))
    sink.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "did not happen"
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class TestCommandSinkContract(SinkContract):
    sink_type = CommandSink

    def settings(self):
        return {"command": ["tee", "-a", str(self.folder / "events")], "timeout": "20s"}

    def check_accepted(self, events: Sequence[ActionEvent]):
        lines = (self.folder / "events").read_text(encoding="utf-8").splitlines()
        assert [ActionEvent.from_json(line) for line in lines] == list(events)


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "where", "reason"),
        [
            ({"command": []}, "command", "at least 1 item"),
            ({"command": "logger"}, "command", "valid tuple"),
            ({"command": [""]}, "command", "neither the whole path"),
            ({"command": ["bin/notify"]}, "command", "neither the whole path"),
            ({"command": ["./notify"]}, "command", "neither the whole path"),
            ({"command": ["~/notify"]}, "command", "neither the whole path"),
            ({"command": ["logger", "a\0b"]}, "command", "NUL"),
            ({"command": ["logger"], "timeout": 0}, "timeout", "greater than 0"),
            ({"command": ["logger"], "environment": {"A=B": "c"}}, "environment", "'A=B' is no name"),
            ({"command": ["logger"], "environment": {"": "c"}}, "environment", "'' is no name"),
            ({"command": ["logger"], "environment": {"A": "\0"}}, "environment", "A cannot hold NUL"),
        ],
    )
    def test_wrong(self, settings, where, reason):
        with pytest.raises(ValidationError) as caught:
            CommandSettings(**settings)
        (error,) = caught.value.errors()
        assert error["loc"] == (where,)
        assert reason in error["msg"]

    def test_a_secret_is_not_shown(self):
        assert "hunter2" not in repr(CommandSettings(command=["logger"], environment={"TOKEN": "hunter2"}))


class TestOpen:
    def test_a_missing_program_is_named(self, tmp_path):
        with pytest.raises(DeliveryError, match=rf"cannot run {tmp_path}/nothing: it is not there"):
            CommandSink(CommandSettings(command=[f"{tmp_path}/nothing"])).open()
        with pytest.raises(DeliveryError, match=r"cannot run no-such-program on the PATH .*bin.*: it is not there"):
            CommandSink(CommandSettings(command=["no-such-program"])).open()

    def test_a_program_that_must_not_be_run_is_named(self, tmp_path):
        (tmp_path / "notes.txt").write_text("remember the milk")
        with pytest.raises(DeliveryError, match=r"notes\.txt: it is not executable"):
            CommandSink(CommandSettings(command=[str(tmp_path / "notes.txt")])).open()

    def test_the_path_is_the_programs_own(self, tmp_path):
        program = tmp_path / "on-event"
        program.write_text(f"#!/bin/sh\ncat > {shlex.quote(str(tmp_path / 'event'))}\n")
        program.chmod(0o755)
        deliver(["on-event"], environment={"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert (tmp_path / "event").exists()

    @pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("no program", "Exec format error")])
    def test_what_cannot_be_run_later_is_tried_again(self, tmp_path, content, reason):
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        sink = CommandSink(CommandSettings(command=[str(program)]))
        sink.open()
        program.unlink() if content is None else program.write_text(content)
        with pytest.raises(DeliveryError, match=f"cannot run {program}: {reason}"):
            sink.deliver(example_event(seq=1))


class TestVerdict:
    @pytest.mark.parametrize(
        ("script", "kind", "text"),
        [
            ("exit 75", DeliveryError, "sh asked to be tried again (status 75)"),
            ("echo not yet >&2; exit 75", DeliveryError, "sh asked to be tried again (status 75): not yet"),
            ("exit 1", DeliveryRejected, "sh ended with status 1"),
            ("exit 255", DeliveryRejected, "sh ended with status 255"),
            ("echo said; echo 'no such user' >&2; exit 67", DeliveryRejected, "sh ended with status 67: no such user"),
            ("kill -TERM $$", DeliveryError, "sh was ended by SIGTERM"),
            ("kill -KILL $$", DeliveryError, "sh was ended by SIGKILL"),
            ("kill -SEGV $$", DeliveryRejected, "sh crashed with SIGSEGV"),
            ("kill -40 $$", DeliveryRejected, "sh crashed with signal 40"),
        ],
    )
    def test_of_a_program_that_fails(self, script, kind, text):
        with pytest.raises(kind) as caught:
            deliver(shell(script))
        assert str(caught.value) == text

    @pytest.mark.parametrize("script", ["cat", "true", "exec 0<&-; exec 2>&-", "head -c 1", "echo warning >&2"])
    def test_status_0_is_accepted_whatever_was_read_or_said(self, script):
        deliver(shell(script))

    def test_a_large_event_arrives_whole(self, tmp_path):
        event = example_event(seq=1, labels=tuple(f"label {n} " + "x" * 1000 for n in range(600)))
        deliver(["tee", str(tmp_path / "event")], event)
        assert (tmp_path / "event").read_text() == event.to_json() + "\n"

    def test_nothing_of_an_event_is_interpreted(self, tmp_path):
        event = example_event(seq=1, action="$(touch pwned); `touch pwned` & ' \" \n *")
        deliver(["tee", str(tmp_path / "event"), str(tmp_path / "$HOME")], event)
        assert (tmp_path / "$HOME").exists()
        assert ActionEvent.from_json((tmp_path / "event").read_text()) == event
        assert not Path("pwned").exists()

    def test_the_error_holds_the_last_lines_alone(self):
        script = "for n in 1 2 3 4 5; do echo line $n >&2; done; printf '\\n\\033[31mred\\033[0m\\n' >&2; exit 1"
        with pytest.raises(DeliveryRejected) as caught:
            deliver(shell(script))
        assert str(caught.value) == "sh ended with status 1: line 4 | line 5 |  [31mred [0m"

    def test_a_flood_of_words_is_read_but_not_kept(self):
        script = "head -c 5000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 1"
        with pytest.raises(DeliveryRejected, match=r"the end$") as caught:
            deliver(shell(script), timeout=PATIENCE_S)
        assert len(str(caught.value)) < 400


class TestTime:
    def test_a_program_that_takes_too_long_is_stopped(self, tmp_path):
        pids = tmp_path / "pids"
        script = 'echo $$ > "$1"; echo stuck >&2; sleep 60 & echo $! >> "$1"; wait'
        with pytest.raises(DeliveryError, match=r"sh did not end within 1 s and was stopped: stuck"):
            deliver(shell(script, pids), timeout="1s")
        for pid in map(int, pids.read_text().split()):
            eventually(lambda pid=pid: not is_running(pid))

    def test_it_may_tidy_up(self, tmp_path):
        script = "trap 'echo tidy > \"$1\"; exit 0' TERM; sleep 60 & wait"
        with pytest.raises(DeliveryError, match="did not end"):
            deliver(shell(script, tmp_path / "tidied"), timeout="1s")
        assert (tmp_path / "tidied").read_text() == "tidy\n"

    def test_it_is_killed_when_it_does_not_listen(self, monkeypatch, tmp_path):
        monkeypatch.setattr("movinet_edge_plugins.command._GRACE_S", 0.1)
        pids = tmp_path / "pids"
        script = "trap '' TERM; echo $$ > \"$1\"; while true; do sleep 1; done"
        with pytest.raises(DeliveryError, match="did not end"):
            deliver(shell(script, pids), timeout="1s")
        assert not is_running(int(pids.read_text()))

    def test_what_goes_on_in_the_background_is_not_waited_for(self, tmp_path):
        deliver(shell('sleep 60 & echo $! > "$1"', tmp_path / "pid"), timeout=PATIENCE_S)
        left = psutil.Process(int((tmp_path / "pid").read_text()))
        assert left.status() != psutil.STATUS_ZOMBIE
        left.kill()


class TestEnvironment:
    def test_holds_no_more_than_programs_need(self, tmp_path, monkeypatch):
        monkeypatch.setenv("MOVINET_EDGE__SINKS__0__PASSWORD", "hunter2")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        deliver(shell('env > "$1"', tmp_path / "env"), environment={"TOKEN": "a b", "LANG": "C.UTF-8"})
        found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
        assert found.items() >= {("TOKEN", "a b"), ("LANG", "C.UTF-8"), ("TZ", "Asia/Tokyo")}
        added_by_the_shell = {"PWD", "OLDPWD", "SHLVL", "_"}
        assert found.keys() - added_by_the_shell <= {
            *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TOKEN")
        }

    def test_has_a_path_even_where_the_daemon_has_none(self, monkeypatch):
        monkeypatch.delenv("PATH")
        deliver(["true"])

    def test_the_program_is_alone_in_its_session_and_has_three_descriptors(self, tmp_path):
        code = "import os, sys; open(sys.argv[1], 'w').write(f'{os.getsid(0)} {os.getpid()} {os.listdir(\"/dev/fd\")}')"
        read_end, write_end = os.pipe()
        os.set_inheritable(write_end, True)
        deliver([sys.executable, "-c", code, str(tmp_path / "seen")])
        os.close(read_end)
        os.close(write_end)
        session, pid, descriptors = (tmp_path / "seen").read_text().split(" ", 2)
        assert session == pid != str(os.getsid(0))
        assert set(eval(descriptors)) <= {"0", "1", "2", "3", "4"}  # noqa: S307 - our own; the last two look and write


def test_nothing_is_left_behind():
    def run_all() -> None:
        for script in ("exit 0", "exit 1", "exit 75", "kill -9 $$", "sleep 9 & exit 0", "sleep 60"):
            with suppress(DeliveryError, DeliveryRejected):
                deliver(shell(script), timeout="200ms")

    run_all()
    this = psutil.Process()
    before = this.num_fds()
    run_all()
    assert this.num_fds() == before
    assert [child for child in this.children() if "script" in child.cmdline() or not child.cmdline()] == []


def test_a_process_that_cannot_be_watched_is_not_left_running(monkeypatch, tmp_path):
    def refuse(pid: int) -> int:
        raise OSError(24, "Too many open files")

    # Peers of other tests (an RTSP server, say) may still be children of this process.
    before = psutil.Process().children()
    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(OSError, match="Too many"):
        deliver(shell('echo $$ > "$1"; sleep 60', tmp_path / "pid"))
    assert not [child for child in psutil.Process().children() if child not in before]


def test_through_the_outbox_a_failing_program_fills_the_dead_letters_and_gets_them_again(tmp_path):
    fixed = tmp_path / "fixed"
    command = shell('if [ -e "$1" ]; then cat >> "$2"; else echo broken >&2; exit 3; fi', fixed, tmp_path / "events")
    with closing(Outbox(tmp_path / "outbox.db")) as outbox:
        outbox.register_sinks(["command"])
        outbox.append([example_event(number=n) for n in (1, 2)])
        settings = CommandSettings(command=command)
        worker = DeliveryWorker("command", lambda: CommandSink(settings), outbox, backoff=Backoff(first_s=0.01))
        worker.start()
        eventually(lambda: worker.stats.rejected == 2)
        failed = FailedEvents(outbox.path).query()
        assert [(f.event.seq, f.reason) for f in failed] == [(n, "sh ended with status 3: broken") for n in (1, 2)]
        fixed.touch()
        outbox.retry_failed("command")
        eventually(lambda: not outbox.has_failed("command"))
        assert worker.stop(PATIENCE_S)
    events = [ActionEvent.from_json(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [(event.seq, event.late) for event in events] == [(1, True), (2, True)]
