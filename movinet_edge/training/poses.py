"""Where a person's joints are, as lessons beside the classes: a network that is asked for poses, too, learns faster.

There are two: where in the picture joints of each kind are, asked of an early layer and the middle one; and the pose
and its movement, asked of what the head sees where the hips are. Rendered clips know the joints, real ones don't. The
parts of the network that answer are not exported.

Nothing is asked about the body's own left and right, which small pictures hardly show: whoever cannot tell a front from
a back answers best with the middle of both hands. The classes do not depend on it either.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

JOINTS = (
    "head",
    "left upper arm", "left forearm", "left hand", "right upper arm", "right forearm", "right hand",
    "left thigh", "left shin", "left foot", "right thigh", "right shin", "right foot",
)  # fmt: skip
"""The joints that clips tell, by their names in the renderer's skeleton; a limb's joint is where it begins."""

_OTHER_SIDE = {"left": "right", "right": "left"}
MIRRORED = [
    JOINTS.index(" ".join([_OTHER_SIDE.get(side, side), *rest])) for side, *rest in (name.split() for name in JOINTS)
]
"""What each joint is in a mirror."""
_NAMES_OF_KINDS = [name.removeprefix("left ").removeprefix("right ") for name in JOINTS]
_KINDS = list(dict.fromkeys(_NAMES_OF_KINDS))
JOINT_KINDS = len(_KINDS)
"""How many kinds of joints there are: both hands are of one."""
KIND_OF = [_KINDS.index(name) for name in _NAMES_OF_KINDS]
"""The kind of each joint."""
_LEFT, _RIGHT = ([JOINTS.index(f"{side} {part}") for part in ("upper arm", "thigh")] for side in _OTHER_SIDE)
_HIPS = [JOINTS.index("left thigh"), JOINTS.index("right thigh")]
_BACK_FRAMES = 2
"""How far back movement is measured: 0.4 s."""
_LARGEST_M = 2.0
"""Limbs that seem longer are near the camera's edge and teach nothing."""

LESSONS = ("pose.", "joints.")
"""What the names of weights begin with that answer what is asked in training alone."""
POSE_VALUES = 2 * 2 * len(JOINTS) + 2 + 1


def pose_targets(
    joints_px: NDArray[np.float32],
    metre_px: NDArray[np.float32],
    view: NDArray[np.float64],
    size_px: int,
) -> NDArray[np.float32]:
    """What the network is asked of each frame.

    Args:
        joints_px: `[frames, 13, 2]`, where the clip's pictures show the joints; NaN where nobody is seen.
        metre_px: `[frames]`, how many pixels one metre takes at the hips.
        view: `[2, 3]`, from places in the network's picture to places in the clip's.
        size_px: side of the network's picture.

    Returns:
        float32 `[frames, POSE_VALUES]`: joints from the middle of the hips, how they moved within the body and how the
        hips moved since two frames ago, all in metres on the picture's plane, and the logarithm of the picture's share
        that a metre takes. Left is the side of the body that is further left in the picture, judged by shoulders
        and hips. NaN where unknown, as movement is in the first two frames.
    """
    places = _places_px(joints_px, view)
    metre = metre_px / np.sqrt(abs(np.linalg.det(view[:, :2])))
    hips = hips_of(places)
    shape = (places - hips[:, None]) / metre[:, None, None]
    frames = len(places)
    moved, travelled = np.full_like(shape, np.nan), np.full_like(hips, np.nan)
    moved[_BACK_FRAMES:] = shape[_BACK_FRAMES:] - shape[:-_BACK_FRAMES]
    shape, moved = (_sides_as_seen(values, places) for values in (shape, moved))
    travelled[_BACK_FRAMES:] = (hips[_BACK_FRAMES:] - hips[:-_BACK_FRAMES]) / metre[_BACK_FRAMES:, None]
    metres = np.concatenate([shape.reshape(frames, -1), moved.reshape(frames, -1), travelled], 1)
    share = np.log(metre / size_px)[:, None]
    return np.concatenate([metres.clip(-_LARGEST_M, _LARGEST_M), share], 1).astype(np.float32)


def joint_targets(joints_px: NDArray[np.float32], view: NDArray[np.float64], size_px: int) -> NDArray[np.float32]:
    """Where the network's picture shows the joints: float32 `[frames, 13, 2]`, shares of its side from the top left.

    The arguments are those of `pose_targets`. NaN where unknown and where the joint is outside the picture. Left and
    right are the body's, and the wrong way round in a picture that is mirrored.
    """
    shares = _places_px(joints_px, view) / size_px
    inside = ((shares >= 0) & (shares <= 1)).all(-1, keepdims=True)
    return np.where(inside, shares, np.nan).astype(np.float32)


def hips_of(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle of the hips `[..., 2]` of joints `[..., 13, 2]`; NaN where one side is unknown."""
    middle: NDArray[np.float32] = joints[..., _HIPS, :].mean(-2)
    return middle


def _places_px(joints_px: NDArray[np.float32], view: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    """Places in the network's picture `[frames, 13, 2]`."""
    places: NDArray[np.floating[Any]] = (joints_px - view[:, 2]) @ np.linalg.inv(view[:, :2]).T
    return places


def _sides_as_seen(values: NDArray[np.floating[Any]], places: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Values of each joint `[frames, 13, 2]`, those of left and right exchanged where left is further right."""
    exchanged = places[:, _LEFT, 0].sum(1) > places[:, _RIGHT, 0].sum(1)
    return np.where(exchanged[:, None, None], values[:, MIRRORED], values)
