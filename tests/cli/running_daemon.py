"""`movinet-edge run` as a process, for the verbs that speak with it."""

import json
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Any

from commands import COMMAND, PATIENCE_S, Ran, in_pipes

from movinet_edge.daemon.control_socket import NoDaemon, Status, ask

CONFIG = """\
    model: {toy}
    state_dir: state
    streams:
      - name: hall
        source: {{type: file, path: {clip}, pace: realtime, loop: true, concat: true}}
        actions:
          reddening: {{labels: [turning red], on: 0.5, off: 0.3}}
          "turning: [all]": {{labels: ["turning *"]}}
      - name: yard
        enabled: false
        source: {{type: file, path: {clip}}}
        actions:
          reddening: {{labels: [turning red]}}
      - name: attic
        source: {{type: file, path: nothing.mp4}}
        actions:
          reddening: {{labels: [turning red]}}
    sinks:
      - {{type: jsonl, path: events.jsonl}}
"""


class RunningDaemon:
    """The process, its configuration, and commands to it."""

    def __init__(self, folder: Path, text: str, **names: object) -> None:
        self.folder, self.config = folder, folder / "config.yaml"
        self.config.write_text(textwrap.dedent(text).format(**names), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        command = [*COMMAND, "run", "--config", str(self.config)]
        with (self.folder / "daemon.log").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_and_wait(self) -> None:
        """Start it, and wait until it answers."""
        self.start()
        self.until(self.status)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it with a signal; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def ask(self, verb: str, *arguments: object) -> Ran:
        """Run a verb in a process of its own."""
        return in_pipes(verb, *arguments, "--config", self.config)

    def status(self) -> dict[str, Any]:
        """How it stands; empty while nobody answers. Asked from this process, since a verb takes half a second."""
        try:
            status: dict[str, Any] = ask(self.folder / "state" / "control.sock", Status())
        except NoDaemon:
            return {}
        return status

    def stream(self, name: str) -> dict[str, Any]:
        """How one stream stands."""
        return next(stream for stream in self.status()["streams"] if stream["name"] == name)

    def until(self, condition: Any) -> None:
        """Wait for it, and show the log when it does not come."""
        give_up_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < give_up_s, self.told()
            time.sleep(0.05)

    def told(self) -> str:
        """The log so far."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def events(self) -> list[tuple[str, str, str | None]]:
        """Stream, type and reason of what the sink has got."""
        path = self.folder / "events.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [(event["stream"], event["event_type"], event["reason"]) for event in events]
