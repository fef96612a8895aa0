"""Lying and sitting, and the way onto a seat and off it."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.keyframes import Key, Pose, performed, still
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator

# Hips: x −90 is on the back, +90 on the face, z ±90 on a side.
LYING: dict[str, Pose] = {
    "on the back": {"hips": (-88, 0, 0), "upper arms": (-10, 0, -45), "thighs": (-8, 0, 12), "shins": (14, 0, 0)},
    "on the back, one knee up": {
        "hips": (-88, 0, 0),
        "upper arms": (-15, 0, -20),
        "left thigh": (-60, 0, 5),
        "left shin": (100, 0, 0),
    },
    "on the face": {
        "hips": (88, 0, 0),
        "head": (-15, 50, 0),
        "upper arms": (6, 0, 10),
        "forearms": (0, 0, 55),
        "thighs": (3, 0, 10),
    },
    "on the side": {
        "hips": (0, 0, 86),
        "right upper arm": (-80, 0, 84),
        "left upper arm": (-45, 0, -70),
        "thighs": (-35, 0, 2),
        "shins": (55, 0, 0),
    },
    "curled up": {
        "hips": (0, 0, 86),
        "spine": (30, 0, 0),
        "chest": (15, 0, 0),
        "upper arms": (-60, 0, -84),
        "forearms": (0, -100, 0),
        "thighs": (-95, 0, 0),
        "shins": (110, 0, 0),
    },
    "on the back, knees up": {
        "hips": (-88, 0, 0),
        "upper arms": (-20, 0, -70),
        "forearms": (0, -75, 0),
        "thighs": (-58, 0, 6),
        "shins": (98, 0, 0),
    },
    "on the back, one arm over the head": {
        "hips": (-88, 0, 0),
        "left upper arm": (0, 0, 62),
        "left forearm": (0, -30, 0),
        "right upper arm": (-10, 0, 70),
        "thighs": (-4, 0, 6),
        "right shin": (10, 0, 0),
    },
    "on the face, arms along": {
        "hips": (88, 0, 0),
        "head": (-10, -50, 0),
        "upper arms": (4, 0, -68),
        "thighs": (2, 0, 6),
        "shins": (3, 0, 0),
    },
    "on the side, stretched": {
        "hips": (0, 0, 86),
        "spine": (4, 0, 0),
        "right upper arm": (-20, 0, -80),
        "left upper arm": (-70, 0, -60),
        "left forearm": (0, -60, 0),
        "left thigh": (-25, 0, 2),
        "left shin": (40, 0, 0),
        "right thigh": (-5, 0, 0),
    },
    "on the back, arms wide": {
        "hips": (-88, 0, 0),
        "upper arms": (0, 0, 10),
        "forearms": (0, -40, 0),
        "thighs": (-5, 0, 18),
    },
}

SEATED: dict[str, Pose] = {
    "hands on the thighs": {
        "hips": (-6, 0, 0),
        "upper arms": (-25, 0, -75),
        "forearms": (0, -55, 0),
        "thighs": (-80, 0, 6),
        "shins": (85, 0, 0),
    },
    "leaning back": {
        "hips": (-20, 0, 0),
        "upper arms": (-5, 0, -65),
        "forearms": (0, -60, 0),
        "thighs": (-65, 0, 8),
        "shins": (75, 0, 0),
    },
    "reading": {
        "hips": (-4, 0, 0),
        "neck": (15, 0, 0),
        "head": (18, 0, 0),
        "upper arms": (-35, 0, -75),
        "forearms": (0, -95, 0),
        "thighs": (-82, 0, 5),
        "shins": (85, 0, 0),
    },
    "elbows on the knees": {
        "hips": (32, 0, 0),
        "spine": (12, 0, 0),
        "upper arms": (-55, 0, -76),
        "forearms": (0, -75, 0),
        "thighs": (-118, 0, 10),
        "shins": (85, 0, 0),
    },
    "at a table": {
        "hips": (4, 0, 0),
        "spine": (6, 0, 0),
        "upper arms": (-42, 0, -66),
        "forearms": (0, -62, 0),
        "thighs": (-90, 0, 6),
        "shins": (88, 0, 0),
    },
    "hands at the face, legs long": {
        "hips": (-12, 0, 0),
        "upper arms": (-38, 0, -72),
        "forearms": (0, -112, 0),
        "thighs": (-72, 0, 3),
        "shins": (38, 0, 0),
    },
    "on the phone": {
        "hips": (-8, 0, 0),
        "head": (0, -8, -6),
        "left upper arm": (-50, 0, -60),
        "left forearm": (0, -140, 0),
        "right upper arm": (-25, 0, -75),
        "right forearm": (0, 55, 0),
        "thighs": (-80, 0, 8),
        "shins": (85, 0, 0),
    },
}


def sit_down(random: Random) -> Motion:
    """Onto a chair."""
    seated = SEATED[str(random.choice(["hands on the thighs", "reading"]))]
    bent: Pose = {
        "hips": (35, 0, 0),
        "spine": (10, 0, 0),
        "upper arms": (-20, 0, -72),
        "thighs": (-85, 0, 4),
        "shins": (70, 0, 0),
    }
    return performed(
        [Key(0), Key(0.55, bent, (0, 1, -0.25)), Key(1.05, seated, (0, 1, -0.5)), Key(1.3, seated, (0, 1, -0.5))],
        random,
        jitter=0.08,
    )


def stand_up(random: Random) -> Motion:
    """From a chair."""
    return sit_down(random).reversed()


def lie_down(random: Random) -> Motion:
    """Onto the seat, a hand behind, onto an elbow, and flat."""
    slow = random.uniform(0.8, 1.3)
    crouching: Pose = {"hips": (25, 0, 0), "left upper arm": (35, 0, -55), "thighs": (-100, 0, 8), "shins": (105, 0, 0)}
    sitting: Pose = {"hips": (-20, 0, 0), "upper arms": (40, 0, -60), "thighs": (-80, 0, 8), "shins": (70, 0, 0)}
    leaning: Pose = {
        "hips": (-55, 0, 0),
        "spine": (10, 0, 0),
        "upper arms": (45, 0, -70),
        "forearms": (0, -60, 0),
        "thighs": (-40, 0, 8),
        "shins": (60, 0, 0),
    }
    flat = LYING[str(random.choice(["on the back", "on the back, one knee up", "on the back, knees up"]))]
    path = [crouching, sitting, leaning, flat]
    keys = [Key((0.7 + 0.7 * number) * slow, pose, (0, 1, -0.5)) for number, pose in enumerate(path)]
    return performed([Key(0), *keys, Key(keys[-1].time_s + 0.4, flat, (0, 1, -0.5))], random, jitter=0.08)


def get_up(random: Random) -> Motion:
    """From the back, by way of sitting."""
    return lie_down(random).reversed()


def sit_still(name: str) -> Callable[[Random], Motion]:
    """One of `SEATED`, held."""
    return lambda random: still(SEATED[name], random)


def lie_still(name: str) -> Callable[[Random], Motion]:
    """One of `LYING`, held."""
    return lambda random: still(LYING[name], random, 6.0)
