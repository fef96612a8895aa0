"""An hour of simulated video takes no more memory than its first minute."""

import gc
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from coloured_scenes import FPS, make_pipeline, picture

from movinet_edge.api import Frame, StopReason
from movinet_edge.engine import load_model

MINUTE = 60 * int(FPS)
HOUR = 60 * MINUTE
SCENES = ("black", "red", "black", "blue")
SCENE_FRAMES = 10 * int(FPS)
MOST_GROWTH = 1.02


def resident_bytes() -> int:
    gc.collect()  # what only waits for the collector is no growth
    return psutil.Process().memory_info().rss


def watch_an_hour(model_path: Path) -> None:
    """Tell the resident size in bytes after a minute and after an hour, and how much was done for it."""
    pipeline = make_pipeline(load_model(model_path))
    pictures = [picture(colour, (320, 240)) for colour in SCENES]
    events, after_a_minute = 0, 0
    for index in range(HOUR):
        events += len(pipeline.feed(Frame(pictures[index // SCENE_FRAMES % len(SCENES)], index / FPS)))
        if index + 1 == MINUTE:
            after_a_minute = resident_bytes()
    events += len(pipeline.end(StopReason.SHUTDOWN))
    sys.stdout.write(f"{after_a_minute} {resident_bytes()} {events} {pipeline.figures.scored}\n")


@pytest.mark.slow
def test_an_hour_costs_what_a_minute_costs(toy_path):
    arguments = [sys.executable, __file__, str(toy_path)]
    paths = {"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parent.parent}"}
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, timeout=200, env=paths)
    minute, hour, events, scored = map(int, done.stdout.split())
    sys.stdout.write(f"resident after a minute {minute / 2**20:.1f} MiB, after an hour {hour / 2**20:.1f} MiB\n")
    assert scored == HOUR
    assert events > 300, "the hour was to be eventful"
    assert hour <= MOST_GROWTH * minute


if __name__ == "__main__":
    watch_an_hour(Path(sys.argv[1]))
