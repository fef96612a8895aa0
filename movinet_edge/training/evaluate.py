"""Measures an exported file on clips that were never learnt, frame by frame on our own engine as the daemon runs it."""

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api.errors import ModelError
from movinet_edge.argument_types import positive_int
from movinet_edge.engine import Model
from movinet_edge.library import BUILTIN_MODEL, load
from movinet_edge.training.clips import ClipFolder, clips_in
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.usage import errors_told

SHORTEST_SPAN_FRAMES = 5
"""One second: what is shorter is over before anybody, the model too, can tell what it was."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often which class was taken for which.

    Attributes:
        counts: int64 `[classes, classes]`; row: what it was, column: what had the highest score.
    """

    counts: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Spans that were judged."""
        return int(self.counts.sum())

    @property
    def top1(self) -> float:
        """Share of the spans that were taken for what they were; NaN without any."""
        return float(np.trace(self.counts) / self.total) if self.total else float("nan")

    def recall(self, label: int) -> float:
        """The same of one class; NaN where it never occurred."""
        row = self.counts[label]
        return float(row[label] / row.sum()) if row.sum() else float("nan")

    def precision(self, label: int) -> float:
        """Share of what was taken for the class that it really was; NaN where nothing was."""
        column = self.counts[:, label]
        return float(column[label] / column.sum()) if column.sum() else float("nan")

    @property
    def mean_recall(self) -> float:
        """The mean of `recall` over the classes that were there."""
        shown = [self.recall(label) for label in range(len(LABELS)) if self.counts[label].any()]
        return float(np.mean(shown)) if shown else float("nan")

    def taken_for(self, label: int) -> str:
        """What the class was most often taken for when it was missed, with how often: three others at most."""
        row = self.counts[label].copy()
        row[label] = 0
        return ", ".join(f"{LABELS[other]} {row[other]}" for other in row.argsort()[::-1][:3] if row[other])


def spans(labels: Sequence[int] | NDArray[np.int16]) -> Iterator[tuple[int, int, int]]:
    """Class, first frame and last frame of each labelled stretch of a clip that is long enough to be judged."""
    values = np.asarray(labels)
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for first, past in pairwise(edges):
        if values[first] != UNLABELLED and past - first >= SHORTEST_SPAN_FRAMES:
            yield int(values[first]), first, past - 1


def clip_scores(model: Model, pictures: NDArray[np.uint8], window: int) -> NDArray[np.float32]:
    """Scores after each frame of a clip that begins a stream.

    Args:
        model: the exported file.
        pictures: uint8 `[frames, height, width, 3]`, RGB.
        window: frames that the pool remembers.

    Returns:
        float32 `[frames, classes]`, in [0, 1].
    """
    state = model.new_state(window=window)
    return np.stack([model.step(picture, state) for picture in pictures])


def _few(labels: Sequence[str]) -> str:
    return f"{len(labels)} ({', '.join(labels[:3])}, …)"


def judge(model: Model, clips: ClipFolder, window: int, *, without: Collection[str] = ()) -> Confusion:
    """Each span of each clip by the highest score at its last frame, but for clips that show motions `without`."""
    if model.labels != LABELS:
        raise ModelError(
            f"{model.path} has other classes than the clips: {_few(model.labels)} instead of {_few(LABELS)}"
        )
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for clip in range(len(clips)):
        if not set(without).isdisjoint(clips.meta(clip).get("motions", ())):
            continue
        best = clip_scores(model, clips.frames(clip, range(clips.labels.shape[1])), window).argmax(1)
        for label, _, last in spans(clips.labels[clip]):
            counts[label, best[last]] += 1
    return Confusion(counts)


def report(found: Confusion, told: str) -> Iterator[str]:
    """Lines for people: all spans, then class by class with what each was taken for.

    Args:
        found: what was judged.
        told: by what, the end of the first line.
    """
    yield f"{100 * found.top1:.1f} % of {found.total} spans are told {told}\n"
    for label, name in enumerate(LABELS):
        if found.counts[label].any():
            yield f"  {name:<14}{100 * found.recall(label):5.1f} %  {found.taken_for(label)}".rstrip() + "\n"


def main() -> None:
    """Judge a model on clips."""
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.evaluate",
        description="How often a model tells spans of clips: own ones, fresh ones of the same motions, or held ones.",
        epilog="example: python -m movinet_edge.training.evaluate --model builtin --data clips/held",
    )
    parser.add_argument("--model", default=BUILTIN_MODEL, metavar="NAME|FILE", help="whose (default: %(default)s)")
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of shards; may be repeated")
    parser.add_argument("--window", type=positive_int, default=16, help="frames that the pool remembers (default: 16)")
    arguments = parser.parse_args()
    with errors_told(parser):
        found = judge(load(arguments.model, pull=False), clips_in(arguments.data), arguments.window)
    sys.stdout.writelines(report(found, f"by {arguments.model}"))


if __name__ == "__main__":
    main()
