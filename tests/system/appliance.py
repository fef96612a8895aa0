"""The daemon on a machine, from outside: what it is told to do, and what came of it."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from machine import Machine

PROJECT = Path(__file__).resolve().parents[2]
MODEL = PROJECT.parent / "shared/models/movinet_a0_stream_int8_v1.tflite"
RELEASES = {"bookworm": 12, "trixie": 13}

STATE = "/var/lib/movinet-edge"
CONFIG = "/etc/movinet-edge/config.yaml"
SITE = "/usr/lib/movinet-edge/lib/python3.*/site-packages"
DROP_IN = "/etc/systemd/system/movinet-edge.service.d"


@contextmanager
def new_machine(stage, suite, name, **options):
    """A machine that boots, without movinet-edge. In its /srv/models is the model, so that nothing is downloaded."""
    root = stage / f"{suite}-{name}"
    subprocess.run(["rm", "-rf", root], check=True)
    subprocess.run(["cp", "-a", "--reflink=auto", stage / suite, root], check=True)
    (root / "srv/models").mkdir()
    shutil.copy(MODEL, root / "srv/models")
    machine = Machine(root, **options)
    machine.boot()
    # The start has a bound, so that a daemon which never says that it is ready fails a test soon.
    drop_in(machine, "models", "[Service]\nEnvironment=MOVINET_EDGE_MODEL_PATH=/srv/models\nTimeoutStartSec=60\n")
    try:
        yield machine
    finally:
        if machine.on:
            machine.power_off()
        subprocess.run(["rm", "-rf", root], check=True)


def drop_in(machine, name, text):
    """Change the unit, as `systemctl edit` does."""
    folder = machine.root / DROP_IN.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.conf").write_text(text)
    machine.run("systemctl daemon-reload")


ACTIONS = ("jumping jacks", "push up")


def configure(machine, *, source=None, pace="realtime", actions=ACTIONS, sink=None, file=CONFIG, site=SITE):
    """Watch the bundled clip, over and over, or another source."""
    (clip,) = machine.root.glob(f"{site}/movinet_edge/cli/demo.mp4".lstrip("/"))
    source = source or {"type": "file", "path": f"/{clip.relative_to(machine.root)}", "pace": pace, "loop": True}
    sink = sink or {"type": "jsonl", "path": f"{STATE}/events.jsonl"}
    configuration = {
        "streams": [
            {
                "name": "demo",
                "source": source,
                "actions": {name: {"labels": [name], "on": 0.5, "off": 0.3} for name in actions},
            }
        ],
        "sinks": [sink],
    }
    # JSON is YAML.
    (machine.root / file.lstrip("/")).write_text(json.dumps(configuration))


def events(machine, file=f"{STATE}/events.jsonl"):
    """What the jsonl sink has written so far."""
    return [json.loads(line) for line in machine.run(f"cat {file}", check=False).splitlines() if line.startswith("{")]


def stored(machine):
    """All events in the daemon's store."""
    lines = machine.run(f"movinet-edge events --state-dir {STATE} --format jsonl", timeout_s=300).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def started(machine, **how):
    """The process of the daemon that runs with this configuration."""
    configure(machine, **how)
    machine.run("systemctl start movinet-edge")
    return machine.unit("movinet-edge", "MainPID")


def live(machine):
    """Wait until frames are scored."""
    return machine.wait(lambda: "1 stream live" in machine.unit("movinet-edge", "StatusText"), "no live stream")
