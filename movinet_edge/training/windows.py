"""Chooses what to train on next: windows of consecutive frames, each class as often as any other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.augment import vary
from movinet_edge.training.clips import ClipFolder
from movinet_edge.training.labels import UNLABELLED

_TEMPOS = (0.8, 1.25)
"""How much slower or faster than recorded a window may be seen."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows ready for the network.

    Attributes:
        pictures: uint8 `[windows, frames, size, size, 3]`, RGB.
        labels: int64 `[windows, frames]`, an index of `LABELS` or `UNLABELLED`.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WindowShape:
    """Frames of a window and the side of its pictures."""

    frames: int
    size_px: int


def draw(labels: NDArray[np.int16], count: int, frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Windows by the class of their last frame: each class is equally likely, and so is each window within it.

    Args:
        labels: int16 `[clips, frames]`.
        count: how many.
        frames: length of a window; none begins before its clip does.
        rng: all chance comes from it.

    Returns:
        int64 `[count, 2]`: clip, and index of the last frame.
    """
    first = frames - 1
    ends = labels[:, first:].reshape(-1)
    sizes = np.bincount(ends[ends != UNLABELLED])
    if not sizes.any():
        raise ValueError(f"no clip has a labelled frame with {first} frames before it")
    classes = rng.choice(np.flatnonzero(sizes), count)
    by_class = np.argsort(ends, kind="stable")
    starts = np.searchsorted(ends[by_class], classes)
    picked = by_class[starts + rng.integers(0, sizes[classes])]
    clips, last = np.divmod(picked, labels.shape[1] - first)
    return np.column_stack([clips, last + first]).astype(np.int64)


def frames_at_tempo(last: int, frames: int, tempo: float) -> NDArray[np.int64]:
    """Indices of a window's frames, `tempo` times as fast as recorded, but no further back than the clip goes."""
    step = min(tempo, last / (frames - 1)) if frames > 1 else 1.0
    indices: NDArray[np.int64] = np.rint(last - step * np.arange(frames - 1, -1, -1)).astype(np.int64)
    return indices


def random_batch(clips: ClipFolder, count: int, shape: WindowShape, rng: np.random.Generator) -> Batch:
    """Windows to train on, each varied in its own way."""
    pictures, labels = [], []
    for clip, last in draw(clips.labels, count, shape.frames, rng):
        tempo = float(np.exp(rng.uniform(*np.log(_TEMPOS))))
        indices = frames_at_tempo(int(last), shape.frames, tempo)
        pictures.append(vary(clips.frames(int(clip), indices.tolist()), shape.size_px, rng))
        labels.append(clips.labels[clip, indices])
    return Batch(np.stack(pictures), np.stack(labels).astype(np.int64))


def joined(first: Batch, second: Batch) -> Batch:
    """All windows of both."""
    return Batch(np.concatenate([first.pictures, second.pictures]), np.concatenate([first.labels, second.labels]))
