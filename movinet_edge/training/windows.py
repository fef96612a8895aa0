"""Chooses what to train on next: windows of consecutive frames, each class as often as any other but `idle`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.augment import Part, part_around, vary
from movinet_edge.training.clips import ClipFolder, Poses
from movinet_edge.training.errors import InputError
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.poses import joint_targets, pose_targets

_NOBODY = LABELS.index("nobody")
_TEMPOS = (0.8, 1.25)
"""How much slower or faster than recorded a window may be seen."""
_MARGINS = (1.15, 2.0)
_EMPTY_PARTS = (0.35, 1.0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows ready for the network.

    Attributes:
        pictures: uint8 `[windows, frames, size, size, 3]`, RGB.
        labels: int64 `[windows, frames]`, an index of `LABELS` or `UNLABELLED`.
        poses: float32 `[windows, frames, POSE_VALUES]`, NaN where unknown; see `poses.pose_targets`.
        joints: float32 `[windows, frames, 13, 2]`, NaN where unknown; see `poses.joint_targets`.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    poses: NDArray[np.float32]
    joints: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WindowShape:
    """What windows are like, and which are drawn.

    Attributes:
        frames: of a window.
        size_px: side of its pictures.
        closeups: the share of windows that show the person from nearby. With small pictures the network sees in
            close-ups what it will see in the whole of large ones.
        idle_times: how much more often than any other class `idle` is drawn: it is most of what a camera sees, and
            looks more different than any. At 6 it is a quarter of all windows.
    """

    frames: int
    size_px: int
    closeups: float = 0.0
    idle_times: float = 6.0


def draw(
    labels: NDArray[np.int16], count: int, frames: int, rng: np.random.Generator, *, idle_times: float = 1.0
) -> NDArray[np.int64]:
    """Windows by the class of their last frame: each class is equally likely, and so is each window within it.

    Args:
        labels: int16 `[clips, frames]`.
        count: how many.
        frames: length of a window; none begins before its clip does.
        rng: all chance comes from it.
        idle_times: how much likelier `idle` is than any other class.

    Returns:
        int64 `[count, 2]`: clip, and index of the last frame.
    """
    first = frames - 1
    ends = labels[:, first:].reshape(-1)
    sizes = np.bincount(ends[ends != UNLABELLED])
    if not sizes.any():
        raise InputError(f"no clip has a labelled frame with {first} frames before it")
    shares = np.where(np.arange(len(sizes)) == LABELS.index("idle"), idle_times, 1.0) * (sizes > 0)
    classes = rng.choice(len(sizes), count, p=shares / shares.sum())
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
    pictures, labels, poses, joints = [], [], [], []
    for clip, last in draw(clips.labels, count, shape.frames, rng, idle_times=shape.idle_times):
        tempo = float(np.exp(rng.uniform(*np.log(_TEMPOS))))
        indices = frames_at_tempo(int(last), shape.frames, tempo)
        window = clips.frames(int(clip), indices.tolist())
        place = clips.poses(int(clip), indices.tolist())
        part = _closeup(place, window.shape[1], rng) if rng.random() < shape.closeups else None
        seen, view = vary(window, shape.size_px, rng, part=part)
        shown = clips.labels[clip, indices]
        hide(place, shown)
        pictures.append(seen)
        labels.append(shown)
        poses.append(pose_targets(place.joints_px, place.metre_px, view, shape.size_px))
        inside = ((place.joints_px >= 0) & (place.joints_px <= window.shape[1])).all(-1, keepdims=True)
        joints.append(joint_targets(np.where(inside, place.joints_px, np.float32(np.nan)), view, shape.size_px))
    return Batch(np.stack(pictures), np.stack(labels).astype(np.int64), np.stack(poses), np.stack(joints))


def hide(poses: Poses, labels: NDArray[np.int16]) -> None:
    """Forget, in place, joints of which most are out of sight, as the labels of their frames tell."""
    hidden = (labels == UNLABELLED) | (labels == _NOBODY)
    poses.joints_px[hidden], poses.metre_px[hidden] = np.nan, np.nan


def _closeup(place: Poses, side_px: int, rng: np.random.Generator) -> Part:
    """The person from nearby; where nobody is, any part, or empty places would be known by being seen from afar."""
    part = part_around(place.joints_px, rng.uniform(*_MARGINS))
    if part is None:
        share = rng.uniform(*_EMPTY_PARTS)
        return Part(side_px * rng.uniform(share / 2, 1 - share / 2, 2), side_px * share)
    return Part(part.middle, min(part.side, float(side_px)))


def joined(first: Batch, second: Batch) -> Batch:
    """All windows of both."""
    return Batch(
        np.concatenate([first.pictures, second.pictures]),
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.poses, second.poses]),
        np.concatenate([first.joints, second.joints]),
    )
