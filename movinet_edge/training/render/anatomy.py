"""What the joints of a person can do, and what they cannot; left comes before right."""

import numpy as np

from movinet_edge.training.render.rotation import Floats, about, matrices, multiply, turned_by, vectors
from movinet_edge.training.render.skeleton import INDEX

SIDES = (("left", 1.0), ("right", -1.0))
"""Each side and the direction of x that leads away from the trunk."""
OUTWARD = np.array([sign for _, sign in SIDES])
_HIPS = INDEX["hips"]
# The frontal angle of an upper arm between the thigh and the other side of the head, radians from the horizontal.
_ARM_RANGE = (np.radians(-84), np.radians(105))
# From a joint to the next, in standing hip heights.
_BONES: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("thigh", (0, -0.49, 0)),
    ("shin", (0, -0.43, 0)),
    ("foot", (0, -0.08, 0.14)),
)


def pair(name: str) -> list[int]:
    """The joint on the left and that on the right."""
    return [INDEX[f"{side} {name}"] for side, _ in SIDES]


UPPER_ARMS = pair("upper arm")
# Knees bend about x, a left elbow about −y and a right one about y.
_HINGES = [*pair("shin"), *pair("forearm")]
_HINGE_AXES, _HINGE_SIGNS = np.array([0, 0, 1, 1]), np.array([1.0, 1.0, -1.0, 1.0])
_MOST_BENT = np.radians(150)


def possible(varied: Floats, source: Floats) -> Floats:
    """Knees and elbows bend one way, and arms stay out of the trunk, where the source has it so; `[T, 22, 4]`.

    Changes `varied` and returns it.
    """
    vector, pick = _bends(varied), (slice(None), np.arange(len(_HINGES)), _HINGE_AXES)
    was = _bends(source)[pick] * _HINGE_SIGNS
    vector[pick] = _HINGE_SIGNS * np.clip(vector[pick] * _HINGE_SIGNS, np.minimum(0, was), np.maximum(_MOST_BENT, was))
    varied[:, _HINGES] = turned_by(vector)
    angle, beside = _frontal(varied[:, UPPER_ARMS])
    was, _ = _frontal(source[:, UPPER_ARMS])
    limited = np.clip(angle, np.minimum(_ARM_RANGE[0], was), np.maximum(_ARM_RANGE[1], was))
    back = about("z", (limited - angle) * beside * OUTWARD)
    varied[:, UPPER_ARMS] = multiply(back, varied[:, UPPER_ARMS])
    return varied


def _bends(turns: Floats) -> Floats:
    """Rotation vectors of knees and elbows, `[T, 4, 3]`; bent beyond half a turn is not bent the wrong way."""
    vector = vectors(turns[:, _HINGES])
    bend = vector[:, np.arange(len(_HINGES)), _HINGE_AXES] * _HINGE_SIGNS
    length = np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)
    return np.asarray(np.where(bend[..., None] < -np.pi / 2, vector * (1 - 2 * np.pi / length), vector))


def _frontal(turns: Floats) -> tuple[Floats, Floats]:
    """How high the upper arms are raised to their sides, in radians, and how much they are beside the trunk, 0 to 1.

    Of turns `[T, 2, 4]` each is `[T, 2]`.
    """
    x, y, z = np.moveaxis(matrices(turns)[..., 0] * OUTWARD[:, None], -1, 0)
    return np.arctan2(y, x * OUTWARD), np.clip(1.6 - 2 * np.abs(z), 0, 1)


def lowest_foot(local: Floats) -> Floats:
    """The lowest of the feet's joints against the hips, in hip heights, `[T]`."""
    turn, reached, lows = local[:, [_HIPS]], np.zeros((len(local), 2)), []
    for name, bone in _BONES:
        turn = multiply(turn, local[:, pair(name)])
        reached = reached + matrices(turn)[..., 1, :] @ np.array(bone)
        lows.append(reached)
    return np.asarray(np.min(lows[1:], axis=(0, 2)))
