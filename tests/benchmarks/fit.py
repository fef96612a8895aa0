"""Compares the ways to fit a picture into the model's square (`fit:`) by their accuracy on labelled clips.

Usage: python tests/benchmarks/fit.py --clips FOLDER --model MODEL.tflite --labels LABELS.txt [--window FRAMES]

FOLDER holds clips and `clips.tsv`, a table with the columns `file` and `label`; clips without a label are left out.
"""

import argparse
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from rich.console import Console
from rich.table import Table

from movinet_edge.api import FrameRequest
from movinet_edge.engine import DEFAULT_WINDOW, Fit, Model, load_model, read_labels
from movinet_edge_plugins.file import FileSettings, FileSource

MODEL_FPS = 5.0

# Clips of which more than one label is true.
_EITHER = {"dunking or shooting basketball": ("dunking basketball", "shooting basketball")}


@dataclass(frozen=True, slots=True)
class Clip:
    """A video and the labels that are true of all of it."""

    path: Path
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One clip scored in one way: top-1 at the end, share of frames top-1, mean score of the true labels."""

    last: bool
    share: float
    score: float


def read_clips(folder: Path, known: Sequence[str]) -> list[Clip]:
    """The labelled clips of a folder; a remark in brackets behind a label does not count."""
    clips = []
    with (folder / "clips.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            label = re.sub(r"\s*\(.*\)$", "", row["label"])
            labels = _EITHER.get(label, (label,))
            if label and set(labels) <= set(known):
                clips.append(Clip(folder / row["file"], labels))
    return clips


def score_clip(model: Model, clip: Clip, fit: Fit, window: int) -> Result:
    """Run a clip as the daemon would, decoded no larger than this fit needs."""
    state = model.new_state(fit=fit, window=window)
    true = [model.labels.index(label) for label in clip.labels]
    source = FileSource(FileSettings(path=clip.path))
    top_1, scores = [], []
    try:
        for frame in source.frames(FrameRequest(fps=MODEL_FPS, size_for=state.preprocessor.frame_size)):
            frame_scores = model.step(frame.image, state, colour=frame.colour)
            top_1.append(int(frame_scores.argmax()) in true)
            scores.append(float(frame_scores[true].sum()))
    finally:
        source.close()
    return Result(last=top_1[-1], share=float(np.mean(top_1)), score=float(np.mean(scores)))


def compare(model: Model, clips: Sequence[Clip], window: int) -> Table:
    """A line for every fit."""
    table = Table("fit", title=f"{model.name}, {len(clips)} clips, window {window} frames")
    for heading in ("last frame top-1", "share of frames top-1", "mean score"):
        table.add_column(heading, justify="right")
    for fit in get_args(Fit):
        results = [score_clip(model, clip, fit, window) for clip in clips]
        table.add_row(
            fit,
            f"{sum(result.last for result in results)} of {len(results)}",
            f"{np.mean([result.share for result in results]):.3f}",
            f"{np.mean([result.score for result in results]):.3f}",
        )
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, required=True, help="folder with clips.tsv")
    parser.add_argument("--model", type=Path, required=True, help="streaming MoViNet as TFLite")
    parser.add_argument("--labels", type=Path, required=True, help="one label a line")
    parser.add_argument("--window", type=int, default=DEFAULT_WINDOW, help="frames remembered")
    options = parser.parse_args()
    model = load_model(options.model, labels=read_labels(options.labels))
    clips = read_clips(options.clips, model.labels)
    if not clips:
        parser.error(f"{options.clips / 'clips.tsv'} names no clip with a label of this model")
    Console().print(compare(model, clips, options.window))


if __name__ == "__main__":
    main()
