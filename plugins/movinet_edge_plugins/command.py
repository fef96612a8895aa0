"""Sink `command`: runs a program for each event, which it finds as JSON on its standard input."""

import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from typing import BinaryIO, ClassVar

from pydantic import BaseModel, Field, field_validator

from movinet_edge.api import ActionEvent, DeliveryError, DeliveryRejected, Duration, PluginSettings

# What programs need to find others, to speak a language and to know the time of day. The daemon's own environment may
# hold secrets, so nothing else is passed on.
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")

# What a well-behaved program needs to tidy up after SIGTERM.
_GRACE_S = 2.0

# As much of what a program says as is kept, from its end; and of that what goes into an error.
_KEPT_BYTES = 4096
_PIPE_BYTES = 65536  # all that a pipe holds, so that one reading gets what a process left in it
_SHOWN_LINES, _SHOWN_CHARACTERS = 3, 300

# The program's word for "try again later". Source: sysexits(3), EX_TEMPFAIL.
_TRY_AGAIN = 75

# Sent by whoever stops the machine, the service or a greedy process; a program that crashes dies of others.
_FROM_OUTSIDE = {signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM}


class CommandSettings(PluginSettings):
    """What to run, and how."""

    command: tuple[str, ...] = Field(
        min_length=1, description="program and arguments, as in [/usr/local/bin/on-event, porch]; no shell reads them"
    )
    timeout: Duration = Field(default=10.0, gt=0, description="a program that runs longer is stopped, and tried again")
    environment: dict[str, str] = Field(
        default={}, repr=False, description="further variables; of the daemon's own only a few such as PATH are passed"
    )

    @field_validator("command")
    @classmethod
    def _check_command(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        program = command[0]
        if not program or ("/" in program and not program.startswith("/")):
            raise ValueError(f"{program!r} is neither the whole path of a program nor the name of one on the PATH")
        if any("\0" in word for word in command):
            raise ValueError("cannot hold NUL characters")
        return command

    @field_validator("environment")
    @classmethod
    def _check_environment(cls, environment: dict[str, str]) -> dict[str, str]:
        for name, value in environment.items():
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
                raise ValueError(f"{name!r} is no name for a variable")
            if "\0" in value:
                raise ValueError(f"{name} cannot hold NUL characters")
        return environment


class CommandSink:
    """Runs a program once per event, one at a time; an event is accepted when the program ends with status 0.

    Status 75, a time-out and a signal from outside mean "not now". Any other end is final: the program has seen the
    event and failed, and would most likely fail again.
    """

    Settings: ClassVar[type[BaseModel]] = CommandSettings

    def __init__(self, settings: CommandSettings) -> None:
        self._command = settings.command
        self._timeout_s = settings.timeout
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._environment = {"PATH": os.defpath} | passed_on | settings.environment

    def open(self) -> None:
        """Look whether the program is there; raises DeliveryError when it is not, or may not be run."""
        program, path = self._command[0], self._environment["PATH"]
        if shutil.which(program, path=path) is None:
            where = program if "/" in program else f"{program} on the PATH {path}"
            is_there = shutil.which(program, mode=os.F_OK, path=path) is not None
            raise DeliveryError(f"cannot run {where}: " + ("it is not executable" if is_there else "it is not there"))

    def deliver(self, event: ActionEvent) -> None:
        """Run the program for one event; raises DeliveryError for what may pass, DeliveryRejected for a final no."""
        status, said = self._run(f"{event.to_json()}\n".encode())
        program = os.path.basename(self._command[0])  # noqa: PTH119 - nothing is looked up
        if status is None:
            raise DeliveryError(f"{program} did not end within {self._timeout_s:g} s and was stopped{said}")
        if status == _TRY_AGAIN:
            raise DeliveryError(f"{program} asked to be tried again (status {status}){said}")
        if -status in _FROM_OUTSIDE:
            raise DeliveryError(f"{program} was ended by {signal.Signals(-status).name}{said}")
        if status < 0:
            raise DeliveryRejected(f"{program} crashed with {_signal_name(-status)}{said}")
        if status:
            raise DeliveryRejected(f"{program} ended with status {status}{said}")

    def close(self) -> None:
        """Nothing stays open between events."""

    def _run(self, event: bytes) -> tuple[int | None, str]:
        """The program's status (None: stopped because of the time, negative: a signal's number) and its last words."""
        with ExitStack() as opened:
            # A file in memory: unlike a pipe it takes all at once, and does not care whether anybody reads it.
            stdin = opened.enter_context(os.fdopen(os.memfd_create("event"), "w+b"))
            stdin.write(event)
            stdin.seek(0)
            running = _Running(self._started(stdin), opened)
            in_time = running.wait(self._timeout_s)
            if not in_time:
                running.send(signal.SIGTERM)
                running.wait(_GRACE_S)
                running.send(signal.SIGKILL)  # for what the program started, too
            status = running.collect()
            return status if in_time else None, _last_words(running.said)

    def _started(self, stdin: BinaryIO) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the user's own program, and no shell
                self._command,
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                bufsize=0,  # so that reading never waits for more than there is
                env=self._environment,
                start_new_session=True,  # so that all it starts can be stopped with it, and Ctrl-C is for the daemon
            )
        except OSError as error:
            raise DeliveryError(f"cannot run {self._command[0]}: {error.strerror or error}") from error


class _Running:
    """A process that is waited for while what it says is read, so that it never has to wait for a reader."""

    def __init__(self, process: subprocess.Popen[bytes], opened: ExitStack) -> None:
        """`opened` gets what is to be released in the end, the process itself included."""
        assert process.stderr is not None  # noqa: S101 - for the type checker: it is a pipe
        self.said = b""
        self._process, self._stderr = process, opened.enter_context(process.stderr)
        opened.callback(self._end)
        os.set_blocking(self._stderr.fileno(), False)
        # Tells of the end without collecting the process, whose number therefore cannot become another's.
        self._pidfd = os.pidfd_open(process.pid)
        opened.callback(os.close, self._pidfd)
        self._events = opened.enter_context(selectors.DefaultSelector())
        self._events.register(self._pidfd, selectors.EVENT_READ)
        self._events.register(self._stderr, selectors.EVENT_READ)

    def wait(self, timeout_s: float) -> bool:
        """True when it ended in time. What it started may go on."""
        until_s = time.monotonic() + timeout_s
        while (left_s := until_s - time.monotonic()) > 0:
            ready = {key.fileobj for key, _ in self._events.select(left_s)}
            if self._stderr in ready and not self._listen():
                self._events.unregister(self._stderr)
            if self._pidfd in ready:
                self._listen()
                return True
        return False

    def send(self, number: signal.Signals) -> None:
        """Signal the process and all it has started; only before `collect`."""
        with suppress(ProcessLookupError, PermissionError):  # a program such as sudo has made itself untouchable
            os.killpg(self._process.pid, number)

    def collect(self) -> int:
        """Wait for the end; the status."""
        return self._process.wait()

    def _listen(self) -> bool:
        piece = self._stderr.read(_PIPE_BYTES) or b""
        self.said = (self.said + piece)[-_KEPT_BYTES:]
        return bool(piece)

    def _end(self) -> None:
        """Leave nothing behind, whatever went wrong on the way."""
        if self._process.returncode is None:
            self.send(signal.SIGKILL)
            self.collect()


def _last_words(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    text = " | ".join(lines[-_SHOWN_LINES:])
    text = "".join(character if character.isprintable() else " " for character in text)
    return f": {text[-_SHOWN_CHARACTERS:]}" if text else ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
