"""A small world for the daemon's tests: a model that knows colours, films of flat colours, configurations for both."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from clips import write_clip
from toy_model import Block, ToySpec, write

PROJECT = Path(__file__).resolve().parents[2]
COLOURS = {"r": (255, 0, 0), "b": (0, 0, 255)}
LABELS = ("red", "green", "blue", "none")
SPEC = ToySpec(size_px=12, classes=4, head=16, spread=20, blocks=(Block(3, (1,)),))
FPS = 10


def write_model(folder: Path) -> Path:
    """A toy whose first label is sure of red and whose third is sure of blue; its labels lie beside it."""
    model = write(SPEC, folder / "colours.tflite")
    model.with_suffix(".txt").write_text("\n".join(LABELS) + "\n")
    return model


def write_film(path: Path, script: str) -> Path:
    """A film with a second of each letter's colour: `rrbb` is two seconds of red and two of blue."""

    def paint(index: int, width_px: int, height_px: int):
        return np.full((height_px, width_px, 3), COLOURS[script[index // FPS]], np.uint8)

    return write_clip(path, frames=FPS * len(script), fps=FPS, paint=paint)


def stream(name: str, source: dict, **settings) -> dict:
    """A stream that watches for red with a short window."""
    actions = {"seeing red": {"labels": ["red"], "cooldown": "0s"}}
    return {"name": name, "source": source, "actions": actions, "window": 5, "warm_up": "0s", **settings}


def write_config(folder: Path, streams: Sequence[dict], **settings) -> Path:
    """A configuration in `folder` with the toy model, a state folder and a jsonl sink."""
    tree = {
        "model": str(write_model(folder)),
        "state_dir": "state",
        "streams": list(streams),
        "sinks": [{"type": "jsonl", "path": "events.jsonl"}],
        **settings,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def start_daemon(config: Path) -> subprocess.Popen[str]:
    """`movinet-edge run` in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MOVINET_EDGE")}
    return subprocess.Popen(
        [sys.executable, "-m", "movinet_edge.cli", "run", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        cwd=PROJECT,
    )


def read_events(folder: Path) -> list[dict]:
    """What the jsonl sink has written so far; an unfinished last line is left out."""
    path = folder / "events.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
