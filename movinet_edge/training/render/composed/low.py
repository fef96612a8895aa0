"""Staying low: on the knees, on the heels, squatting, on the floor. None of it is lying."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.footing import stand
from movinet_edge.training.render.keyframes import Pose, performed, still
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
POSES: dict[str, Pose] = {
    "on both knees": {
        "upper arms": (-12, 0, -76),
        "forearms": (0, -40, 0),
        "thighs": (-4, 0, 6),
        "shins": (94, 0, 0),
        "feet": (55, 0, 0),
    },
    "on the heels": {
        "hips": (-4, 0, 0),
        "upper arms": (-24, 0, -78),
        "forearms": (0, -38, 0),
        "thighs": (-62, 0, 7),
        "shins": (150, 0, 0),
        "feet": (50, 0, 0),
    },
    "on one knee": {
        "spine": (8, 0, 0),
        "upper arms": (-30, 0, -72),
        "forearms": (0, -45, 0),
        "left thigh": (-88, 0, 6),
        "left shin": (88, 0, 0),
        "right thigh": (2, 0, -4),
        "right shin": (92, 0, 0),
        "right foot": (30, 0, 0),
    },
    "on the floor, legs long": {
        "hips": (-14, 0, 0),
        "spine": (6, 0, 0),
        "upper arms": (22, 0, -62),
        "thighs": (-78, 0, 8),
        "shins": (8, 0, 0),
    },
    "on the floor, around the knees": {
        "hips": (-8, 0, 0),
        "spine": (14, 0, 0),
        "chest": (8, 0, 0),
        "upper arms": (-66, 0, -72),
        "forearms": (0, -55, 0),
        "thighs": (-112, 0, 6),
        "shins": (112, 0, 0),
    },
}


def squat(random: Random) -> Motion:
    """Deep on both feet, the arms ahead or on the knees, swaying a little."""
    deep, lean = random.uniform(0.36, 0.5), random.uniform(22, 36)
    arms: Pose = {"upper arms": (-58, 0, -70), "forearms": (0, random.uniform(-60, -10), 0), "head": (-14, 0, 0)}
    keys = [
        stand(moment_s, arms, (sway, deep + rise, -0.12), (lean, 0, 0))
        for moment_s, sway, rise in ((0.0, 0.0, 0.0), (1.3, 0.03, 0.02), (2.6, -0.03, -0.01), (3.9, 0.0, 0.0))
    ]
    return performed(keys, random, jitter=0.04)


def _stay(name: str) -> Callable[[Random], Motion]:
    return lambda random: still(POSES[name], random)


LOW: dict[str, Callable[[Random], Motion]] = {
    "squat": squat,
    **{name: _stay(name) for name in POSES},
}
