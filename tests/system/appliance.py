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


def configure(machine, *, pace="realtime", actions=("jumping jacks", "push up"), sink=None, file=CONFIG, site=SITE):
    """Watch the bundled clip, over and over."""
    (clip,) = machine.root.glob(f"{site}/movinet_edge/cli/demo.mp4".lstrip("/"))
    sink = sink or {"type": "jsonl", "path": f"{STATE}/events.jsonl"}
    configuration = {
        "streams": [
            {
                "name": "demo",
                "source": {"type": "file", "path": f"/{clip.relative_to(machine.root)}", "pace": pace, "loop": True},
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
