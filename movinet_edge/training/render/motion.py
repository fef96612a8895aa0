"""A motion on our skeleton, free of the body that it was made for: retargeting, sampling, mirroring, blending."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from movinet_edge.training.render.gltf import SAMPLES_PER_S, Recording
from movinet_edge.training.render.rotation import Floats, about, blend, inverse, multiply, quaternions
from movinet_edge.training.render.skeleton import INDEX, JOINTS, MIRRORED, PARENTS, source_joints

_LEGS = [index for index, name in enumerate(JOINTS) if name.endswith(("thigh", "shin", "foot", "toes"))]
_THIGHS = [INDEX["left thigh"], INDEX["right thigh"]]


@dataclass(frozen=True, slots=True)
class Motion:
    """Turns of the joints in the world against the T-pose, quaternions `[T, 22, 4]`, and places of the hips `[T, 3]`.

    Lengths are in standing hip heights: a standing person's hips are at (0, 1, 0). One sample is 1/30 s.
    """

    turns: Floats
    hips: Floats

    @property
    def seconds(self) -> float:
        """The length; a single pose has none."""
        return (len(self.turns) - 1) / SAMPLES_PER_S

    def at(self, moments_s: Floats, *, loop: bool) -> Self:
        """The motion at these moments `[M]`; beyond its end it starts again, or stays as it is there."""
        last = len(self.turns) - 1
        place = moments_s * SAMPLES_PER_S
        laps = np.floor(place / last) if loop and last else np.zeros_like(place)
        place = np.clip(place - laps * last, 0, last)
        before = np.floor(place).astype(int)
        after = np.minimum(before + 1, last)
        share = (place - before)[:, None]
        travelled = self.hips[-1] - self.hips[0]
        travelled[1] = 0  # who climbs in one lap does not climb on
        hips = self.hips[before] * (1 - share) + self.hips[after] * share + laps[:, None] * travelled
        return type(self)(blend(self.turns[before], self.turns[after], share[..., None]), hips)

    def cut(self, start_s: float, end_s: float) -> Self:
        """The part between two moments."""
        part = slice(round(start_s * SAMPLES_PER_S), round(end_s * SAMPLES_PER_S) + 1)
        return type(self)(self.turns[part], self.hips[part])

    def reversed(self) -> Self:
        """From the end to the start."""
        return type(self)(self.turns[::-1], self.hips[::-1])

    def mirrored(self) -> Self:
        """Left and right exchanged."""
        return type(self)(self.turns[:, MIRRORED] * (1, -1, -1, 1), self.hips * (-1, 1, 1))

    def turned(self, yaw: Floats | float) -> Self:
        """Turned about the upright axis by `yaw` in radians, one for all or one for each sample `[T]`."""
        turn = np.broadcast_to(np.asarray(about("y", yaw))[..., None, :], self.turns.shape)
        cos, sin = np.cos(yaw), np.sin(yaw)
        x, y, z = self.hips.T
        return type(self)(multiply(turn, self.turns), np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=1))

    def moved(self, shift: Floats) -> Self:
        """Moved by `shift`, `[3]` or `[T, 3]`."""
        return type(self)(self.turns, self.hips + shift)

    def with_leg_swing(self, share: float) -> Self:
        """Legs that swing only this share of their way from standing straight."""
        if share == 1:
            return self
        turns = self.turns.copy()
        turns[:, _LEGS] = blend(np.broadcast_to((0.0, 0, 0, 1), turns[:, _LEGS].shape), turns[:, _LEGS], share)
        return type(self)(turns, self.hips)


def local_turns(world: Floats) -> Floats:
    """Turns of joints in the world `[T, 22, 4]` as turns against their parents."""
    local = world.copy()
    local[:, 1:] = multiply(inverse(world[:, PARENTS[1:]]), world[:, 1:])
    return local


def world_turns(local: Floats) -> Floats:
    """Turns of joints against their parents `[T, 22, 4]` as turns in the world."""
    turns = local.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            turns[:, joint] = multiply(turns[:, parent], local[:, joint])
    return turns


def retargeted(names: list[str], rest: Recording, recording: Recording) -> Motion:
    """The motion of a source whose joints at rest stand in a T-pose and look along z."""
    joints = source_joints(names)
    turns = recording.turns[:, joints] @ np.swapaxes(rest.turns[:, joints], -1, -2)
    hip_height = rest.positions[0, joints[_THIGHS], 1].mean()
    if hip_height <= 0:  # a rest pose around the hips: the floor is where the feet are
        hip_height -= rest.positions[0, joints, 1].min()
    hips = recording.positions[:, joints[_THIGHS]].mean(axis=1) / hip_height
    return Motion(quaternions(turns), hips)


def facing_ahead(motion: Motion) -> Motion:
    """Turned and moved so that the first sample stands above the origin and looks along z."""
    _, y, _, w = motion.turns[0, INDEX["hips"]]
    ahead = motion.turned(-2 * np.arctan2(y, w))
    return ahead.moved(-ahead.hips[0] * (1, 0, 1))
