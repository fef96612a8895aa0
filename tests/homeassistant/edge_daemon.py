"""The daemon in a process of its own, on cameras that show what a test paints, with an `mqtt` sink."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemon.scene import start_daemon, stream, write_config

# For the daemon to stop, which takes five seconds at the most, or a command to end, on a busy machine.
PATIENCE_S = 30.0

NODE = "testnode"

# Colours of the toy model's labels that make an action start.
WAVING, SITTING, NOTHING = "red", "blue", "black"

ACTIONS = {"waving": WAVING, "sitting down": SITTING}
"""What a stream watches for by default: names, one of which cannot be part of a topic as it is, and colours."""


class EdgeDaemon:
    """`movinet-edge run`. It can be stopped, killed and started again on the same folder."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self._folder = folder
        self._sink = {"type": "mqtt", "host": "127.0.0.1", "port": broker_port, "node": NODE}
        self._process: subprocess.Popen[str] | None = None
        plugins = folder / "plugins"
        plugins.mkdir()
        plugins.chmod(0o755)
        plugin = Path(shutil.copy(Path(__file__).with_name("painted.py"), plugins))
        plugin.chmod(0o644)
        self.watch({"porch": ACTIONS})

    def watch(self, streams: Mapping[str, Mapping[str, str]], **settings: Any) -> None:
        """Write a configuration with these streams, of each its actions and their colours; `settings` for all."""
        described = []
        for name, actions in streams.items():
            if not (self._folder / f"{name}.colour").exists():
                self.paint(NOTHING, stream=name)
            rules = {action: {"labels": [colour], "cooldown": "0s"} for action, colour in actions.items()}
            described.append(stream(name, {"type": "painted", "path": f"{name}.colour"}, actions=rules, **settings))
        write_config(self._folder, described, sinks=[self._sink], plugin_dirs=["plugins"])

    def paint(self, colour: str, *, stream: str = "porch") -> None:
        """Let the camera of a stream see this from now on."""
        draft = self._folder / f"{stream}.draft"
        draft.write_text(colour)
        draft.replace(self._folder / f"{stream}.colour")

    def start(self) -> None:
        """Begin, without waiting."""
        self._process = start_daemon(self._folder / "config.yaml")

    def stop(self) -> None:
        """In an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut does it."""
        self._end(signal.SIGKILL)

    def command(self, *words: str) -> None:
        """`movinet-edge` with these words, for this daemon's configuration."""
        command = [sys.executable, "-m", "movinet_edge.cli", *words, "--config", str(self._folder / "config.yaml")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            print(process.communicate(timeout=PATIENCE_S)[1])  # noqa: T201 - shown by pytest when a test has failed
        finally:
            process.kill()
