"""Golden timelines: the scores and the events of five clips, as a person has looked at them; see tests/golden."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import PATIENCE_S

from movinet_edge.api import ActionEvent
from movinet_edge.cli.clip_run import ClipRun
from movinet_edge.library import load

PROJECT = Path(__file__).resolve().parents[2]
GOLDEN = PROJECT / "tests" / "golden"

CLIPS = {
    "demo.mp4": ("jumping jacks", "push up"),
    "carving_ice_rpi.mp4": ("carving ice",),
    "flipping_a_pancake.mkv": ("flipping pancake",),
    "synthetic_cc0_Pushup.mp4": ("push up",),
    "torchvision_R6llTwEh07w.mp4": ("using segway",),
}

# Processors with other vector instructions may round the int8 kernels otherwise.
SCORE_TOLERANCE = 0.03
# A score that crosses a threshold one frame sooner or later moves an event by 0.2 s, and two decide together.
TIME_TOLERANCE_S = 0.4


@dataclass
class Timeline:
    """Raw scores of the watched labels by frame, and the events that came of them."""

    labels: tuple[str, ...]
    rows: list[list[float]]
    """The stream clock in seconds, then one score per label."""
    events: list[dict[str, object]]

    def write(self, name: str) -> None:
        lines = ["\t".join(("t", *self.labels))]
        lines += ["\t".join((f"{row[0]:.3f}", *(f"{score:.2f}" for score in row[1:]))) for row in self.rows]
        (GOLDEN / f"{name}.scores.tsv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        events = "".join(f"{json.dumps(event)}\n" for event in self.events)
        (GOLDEN / f"{name}.events.jsonl").write_text(events, encoding="utf-8")

    @classmethod
    def read(cls, name: str) -> "Timeline":
        head, *lines = (GOLDEN / f"{name}.scores.tsv").read_text(encoding="utf-8").splitlines()
        events = (GOLDEN / f"{name}.events.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [[float(cell) for cell in line.split("\t")] for line in lines]
        return cls(tuple(head.split("\t")[1:]), rows, [json.loads(event) for event in events])


def essence(event: ActionEvent) -> dict[str, object]:
    return {
        "type": event.event_type.value,
        "action": event.action,
        "t": round(event.time_s, 2),
        "started_s": round(event.started_s, 2),
        "ended_s": None if event.ended_s is None else round(event.ended_s, 2),
        "reason": event.reason and event.reason.value,
    }


@pytest.fixture(scope="module")
def model(a0_int8):
    """Rewritten, as it runs by default."""
    return load(a0_int8)


@pytest.fixture
def seen(model, clips_dir, demo_clip, tmp_path):
    """What this machine sees in a clip."""

    def _seen(file: str) -> Timeline:
        labels = CLIPS[file]
        actions = tmp_path / "actions.yaml"
        actions.write_text(json.dumps({label: {"labels": [label], "on": 0.5, "off": 0.3} for label in labels}))
        places = [model.labels.index(label) for label in labels]
        timeline = Timeline(labels, [], [])
        ClipRun(model, actions_file=actions).classify(
            file,
            [demo_clip if file == "demo.mp4" else clips_dir / file],
            concat=False,
            on_frame=lambda time_s, scores: timeline.rows.append([time_s, *(float(scores[n]) for n in places)]),
            on_event=lambda event: timeline.events.append(essence(event)),
            keep_scores=False,
        )
        return timeline

    return _seen


@pytest.mark.parametrize("file", CLIPS)
def test_timeline(file, seen, request):
    name, now = Path(file).stem, seen(file)
    if request.config.getoption("--rewrite-golden"):
        now.write(name)
        pytest.skip("written anew; look at the changes before you commit them")
    then = Timeline.read(name)
    assert now.labels == then.labels
    assert [row[0] for row in now.rows] == pytest.approx([row[0] for row in then.rows], abs=0.001)
    assert now.rows == [pytest.approx(row, abs=SCORE_TOLERANCE) for row in then.rows]
    assert_events_alike(now.events, then.events)


def assert_events_alike(now, then):
    exact, timed = ("type", "action", "reason"), ("t", "started_s", "ended_s")
    assert [[event[key] for key in exact] for event in now] == [[event[key] for key in exact] for event in then]
    for ours, theirs in zip(now, then, strict=True):
        for key in timed:
            assert ours[key] == (theirs[key] and pytest.approx(theirs[key], abs=TIME_TOLERANCE_S)), (key, ours, theirs)


def test_every_golden_timeline_is_compared():
    names = {path.name.split(".")[0] for kind in ("*.scores.tsv", "*.events.jsonl") for path in GOLDEN.glob(kind)}
    assert names == {Path(file).stem for file in CLIPS}


def test_rewriting_is_refused_in_ci():
    command = [sys.executable, "-m", "pytest", "--rewrite-golden", "--collect-only", "-q", str(Path(__file__))]
    env = {**os.environ, "CI": "true"}
    done = subprocess.run(
        command, env=env, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--rewrite-golden is refused in CI" in done.stderr
