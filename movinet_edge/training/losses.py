"""What each mistake costs in training: of the class of a frame, of a pose, of the place of a joint."""

import torch
from torch import Tensor
from torch.nn import functional

from movinet_edge.training.labels import UNLABELLED
from movinet_edge.training.poses import KIND_OF

_LABEL_SMOOTHING = 0.1
_SURE_AFTER_FRAMES = 6
"""1.2 s after an action began a person could not tell either what it is, so these frames count less."""
_POSE_SHARP_M = 0.1
"""Errors below this count by their square."""
_JOINT_SPREAD_CELLS = 0.7
"""How far around a joint its place is said to be, one standard deviation: limbs are a few pixels thick."""


def frame_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the labelled frames, those early in an action, or in the window, counting less.

    Args:
        logits: float32 `[windows, frames, classes]`.
        labels: int64 `[windows, frames]`, `UNLABELLED` where unknown.
    """
    losses = functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), reduction="none", label_smoothing=_LABEL_SMOOTHING,
        ignore_index=UNLABELLED,
    ).view_as(labels)  # fmt: skip
    weights = _sureness(labels) * (labels != UNLABELLED)
    return (losses * weights).sum() / weights.sum().clamp(min=1.0)


def _sureness(labels: Tensor) -> Tensor:
    """How much can be known of each frame, 0 to 1: float32 `[windows, frames]`."""
    frames = labels.shape[1]
    place = torch.arange(frames, device=labels.device)
    begins = torch.zeros_like(labels)
    begins[:, 1:] = torch.where(labels[:, 1:] != labels[:, :-1], place[1:], 0)
    age = place + 1 - begins.cummax(1).values
    return (age / min(frames, _SURE_AFTER_FRAMES)).clamp(max=1.0)


def pose_loss(poses: Tensor, known: Tensor) -> Tensor:
    """Mean error of the known values, smooth at the bottom; both float32 `[windows, frames, POSE_VALUES]`."""
    told = ~known.isnan()
    if not told.any():
        return poses.sum() * 0.0
    return functional.smooth_l1_loss(poses[told], known[told], beta=_POSE_SHARP_M)


def joint_loss(maps: Tensor, known: Tensor) -> Tensor:
    """Mean cross-entropy of the places of the known joints against a spot around each.

    Args:
        maps: float32 `[windows, frames, JOINT_KINDS, cells, cells]`, logits.
        known: float32 `[windows, frames, 13, 2]`, across and down as shares of the side, NaN where unknown.
    """
    told = ~known.isnan().any(-1)
    if not told.any():
        return maps.sum() * 0.0
    cells = maps.shape[-1]
    away = torch.arange(cells, device=maps.device) + 0.5 - known[told][..., None] * cells  # [joints, 2, cells]
    spots = torch.softmax(-(away**2) / (2 * _JOINT_SPREAD_CELLS**2), -1)
    spot = spots[:, 1, :, None] * spots[:, 0, None, :]
    likely = maps.flatten(3).log_softmax(-1)[:, :, KIND_OF]
    return -(spot.flatten(1) * likely[told]).sum(1).mean()
