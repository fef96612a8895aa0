"""Motions that no asset holds, written as key poses: degrees for a few joints against a person who stands at ease.

Angles are (x, y, z) against the parent's axes, applied as roll (z), then pitch (x), then yaw (y). An arm points to its
side: z lowers it, then x swings it forward (negative) or back, and y bends the forearm (left arm: negative bends). A
plural (`upper arms`, `thighs`) sets the left side and mirrors it to the right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from movinet_edge.training.render.gltf import SAMPLES_PER_S
from movinet_edge.training.render.motion import Motion, world_turns
from movinet_edge.training.render.rotation import Floats, blend, euler
from movinet_edge.training.render.skeleton import INDEX, JOINTS

Angles: TypeAlias = tuple[float, float, float]
Pose: TypeAlias = Mapping[str, Angles]
AT_EASE: Pose = {"upper arms": (0, 0, -78), "forearms": (0, -14, 0)}
PLURALS = {
    "clavicles": "clavicle", "upper arms": "upper arm", "forearms": "forearm", "hands": "hand",
    "thighs": "thigh", "shins": "shin", "feet": "foot",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A pose at a moment; `hips` are in standing hip heights, and how high they are matters only in the air."""

    time_s: float
    pose: Pose = field(default_factory=dict)
    hips: Angles = (0.0, 1.0, 0.0)


def performed(keys: list[Key], random: np.random.Generator, *, jitter: float = 0.12) -> Motion:
    """The motion through these keys, a little different each time: `jitter` is the spread of angles and times."""
    gaps = np.diff([key.time_s for key in keys]) * random.uniform(1 - jitter, 1 + jitter, size=len(keys) - 1)
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    habit = {name: random.normal(1, jitter, size=3) for name in (*JOINTS, *PLURALS)}
    # The hips carry all of the body: who lies, lies flat.
    habit["hips"] = 1 + (habit["hips"] - 1) * 0.2
    poses = np.stack([_local_turns(key.pose, habit) for key in keys])
    places = np.array([key.hips for key in keys])
    moments = np.arange(0, times[-1] + 1e-6, 1 / SAMPLES_PER_S)
    after = np.clip(np.searchsorted(times, moments, side="right"), 1, len(keys) - 1)
    share = np.clip((moments - times[after - 1]) / np.maximum(times[after] - times[after - 1], 1e-6), 0, 1)
    share = (share * share * (3 - 2 * share))[:, None]  # limbs start and stop softly
    local = blend(poses[after - 1], poses[after], share[..., None])
    return Motion(world_turns(local), places[after - 1] * (1 - share) + places[after] * share)


def still(pose: Pose, random: np.random.Generator, seconds: float = 3.0) -> Motion:
    """A pose that is held, breathing a little."""
    moved = {name: (x + random.normal(0, 3), y + random.normal(0, 3), z) for name, (x, y, z) in pose.items()}
    return performed([Key(0, pose), Key(seconds / 2, moved), Key(seconds, pose)], random)


def _local_turns(pose: Pose, habit: Mapping[str, Floats]) -> Floats:
    turns = np.zeros((len(JOINTS), 4))
    turns[:, 3] = 1
    for name, angles in {**AT_EASE, **pose}.items():
        x, y, z = np.asarray(angles) * habit[name]
        if name in PLURALS:
            turns[INDEX[f"left {PLURALS[name]}"]] = euler((x, y, z))
            turns[INDEX[f"right {PLURALS[name]}"]] = euler((x, -y, -z))
        else:
            turns[INDEX[name]] = euler((x, y, z))
    return turns
