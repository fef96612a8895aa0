"""Turns: quaternions `[..., 4]` (x, y, z, w) and matrices `[..., 3, 3]`; x is left of a person, y up, z ahead."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]


def matrices(quaternions: Floats) -> Floats:
    """Rotation matrices `[..., 3, 3]` of unit quaternions `[..., 4]`."""
    x, y, z, w = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternions(turns: Floats) -> Floats:
    """Unit quaternions `[..., 4]` of rotation matrices `[..., 3, 3]`, by the largest of the four components."""
    m = turns
    trace = np.trace(m, axis1=-2, axis2=-1)
    diagonal = [m[..., i, i] for i in range(3)]
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    candidates = np.stack(
        [
            np.stack([1 + 2 * diagonal[0] - trace, xy, xz, a], axis=-1),
            np.stack([xy, 1 + 2 * diagonal[1] - trace, yz, b], axis=-1),
            np.stack([xz, yz, 1 + 2 * diagonal[2] - trace, c], axis=-1),
            np.stack([a, b, c, 1 + trace], axis=-1),
        ],
        axis=-2,
    )
    largest = np.argmax(np.stack([*diagonal, trace], axis=-1), axis=-1)
    chosen = np.take_along_axis(candidates, largest[..., None, None], axis=-2)[..., 0, :]
    return np.asarray(chosen / np.linalg.norm(chosen, axis=-1, keepdims=True))


def blend(first: Floats, second: Floats, share: Floats | float) -> Floats:
    """The way from `first` to `second` (quaternions `[..., 4]`) by `share` in [0, 1], along the shorter arc."""
    sign = np.where(np.sum(first * second, axis=-1, keepdims=True) < 0, -1.0, 1.0)
    mixed = first * (1 - share) + sign * second * share
    return np.asarray(mixed / np.linalg.norm(mixed, axis=-1, keepdims=True))


def multiply(left: Floats, right: Floats) -> Floats:
    """The turn `right` followed by `left`, as quaternions `[..., 4]`."""
    ax, ay, az, aw = np.moveaxis(left, -1, 0)
    bx, by, bz, bw = np.moveaxis(right, -1, 0)
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def about(axis: str, angle: Floats | float) -> Floats:
    """Quaternions `[..., 4]` of right-handed turns about the axis `x`, `y` or `z` by `angle` in radians."""
    half = np.asarray(angle, dtype=np.float64) / 2
    turn = np.zeros((*half.shape, 4))
    turn[..., "xyz".index(axis)] = np.sin(half)
    turn[..., 3] = np.cos(half)
    return turn


def euler(degrees: tuple[float, float, float]) -> Floats:
    """The quaternion `[4]` of a turn about z, then x, then y: roll, then pitch, then yaw, given as (x, y, z)."""
    x, y, z = np.radians(degrees)
    return multiply(about("y", y), multiply(about("x", x), about("z", z)))


def inverse(turn: Floats) -> Floats:
    """The turn back, of unit quaternions `[..., 4]`."""
    return turn * (-1, -1, -1, 1)


def vectors(turn: Floats) -> Floats:
    """The axis times the angle in radians, at most pi, `[..., 3]`, of unit quaternions `[..., 4]`."""
    turn = np.where(turn[..., 3:] < 0, -turn, turn)
    sine = np.linalg.norm(turn[..., :3], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, turn[..., 3:])
    return np.asarray(turn[..., :3] * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0))


def turned_by(vector: Floats) -> Floats:
    """Unit quaternions `[..., 4]` of vectors `[..., 3]`, axis times angle in radians."""
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.concatenate([vector * np.sinc(angle / (2 * np.pi)) / 2, np.cos(angle / 2)], axis=-1)
