"""Runs `movinet-edge` for tests: as a process in pipes, or on a terminal of its own."""

import errno
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COMMAND = (sys.executable, "-m", "movinet_edge.cli")

PATIENCE_S = 60.0
"""Generous: only a test that fails waits so long."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; fails where one is none."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of_type(self, *kinds: str) -> list[dict[str, Any]]:
        """Those lines of `classify` that are of these types."""
        return [line for line in self.lines if line["type"] in kinds]


def in_pipes(*arguments: object, env: Mapping[str, str] | None = None, **options: Any) -> Ran:
    """Run in a process with both outputs piped."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
        check=False,
        text=True,
        encoding="utf-8",
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )
    return Ran(done.returncode, done.stdout or "", done.stderr or "")


def on_terminal(*arguments: object, columns: int = 100) -> Ran:
    """Run in a process whose outputs are both a terminal that wide; `out` is all that came, without escapes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = bytearray()
    while True:
        try:
            seen += (piece := os.read(ours, 1 << 16))
        except OSError as error:
            if error.errno != errno.EIO:  # what Linux says when the last writer has left
                raise
            break
        if not piece:
            break
    os.close(ours)
    text = _ESCAPES.sub("", seen.decode("utf-8"))
    return Ran(process.wait(PATIENCE_S), text.replace("\r\n", "\n").replace("\r", "\n"))
