"""Jumping jacks as people vary them: with other arms, with crossed feet, small and fast, or without a jump."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.footing import between, cycle, stand
from movinet_edge.training.render.keyframes import Key, Pose
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def _jacks(random: Random, opened: Pose, closed: Pose, period_s: float, high: float) -> Motion:
    """Apart and together; the hips are given a little low where feet touch the floor, which lifts them."""
    flying = between(opened, closed)
    keys = [
        Key(0, closed, (0, 0.93, 0)),
        Key(period_s * 0.25, flying, (0, high, 0)),
        Key(period_s * 0.45, opened, (0, 0.88, 0)),
        Key(period_s * 0.55, opened, (0, 0.88, 0)),
        Key(period_s * 0.8, flying, (0, high, 0)),
    ]
    return cycle(keys, period_s, random, jitter=0.05)


def half_jacks(random: Random) -> Motion:
    """Arms no higher than the shoulders."""
    spread, soft = random.uniform(14, 24), random.uniform(5, 25)
    opened: Pose = {
        "upper arms": (0, 0, random.uniform(-8, 12)),
        "thighs": (-soft / 2, 0, spread),
        "shins": (soft, 0, 0),
    }
    return _jacks(random, opened, {"shins": (8, 0, 0), "thighs": (-4, 0, 0)}, random.uniform(0.75, 1.2), 1.05)


def seal_jacks(random: Random) -> Motion:
    """Arms open to the sides and clap ahead of the chest."""
    level = random.uniform(-12, 8)
    opened: Pose = {"upper arms": (0, random.uniform(-10, 12), level), "thighs": (0, 0, random.uniform(15, 26))}
    closed: Pose = {"upper arms": (0, -84, level), "forearms": (0, -8, 0), "thighs": (-5, 0, 1), "shins": (10, 0, 0)}
    return _jacks(random, opened, closed, random.uniform(0.8, 1.3), random.uniform(1.03, 1.09))


def cross_jacks(random: Random) -> Motion:
    """Feet and arms cross ahead of the body, each time the other one in front."""
    spread, level, high = random.uniform(14, 24), random.uniform(-25, 5), random.uniform(1.03, 1.08)
    opened: Pose = {"upper arms": (0, 0, level), "thighs": (0, 0, spread)}
    half_s = random.uniform(0.7, 1.1)
    keys: list[Key] = []
    for lap, ahead in enumerate((10.0, -10.0)):
        crossed: Pose = {
            "upper arms": (0, -112, level - 8),
            "forearms": (0, -25, 0),
            "left thigh": (-ahead, 0, -8),
            "right thigh": (ahead, 0, 8),
            "shins": (8, 0, 0),
        }
        start_s = lap * half_s
        keys += [
            Key(start_s, crossed, (0, 0.93, 0)),
            Key(start_s + half_s * 0.25, between(opened, crossed), (0, high, 0)),
            Key(start_s + half_s * 0.5, opened, (0, 0.88, 0)),
            Key(start_s + half_s * 0.75, between(opened, crossed), (0, high, 0)),
        ]
    return cycle(keys, 2 * half_s, random, jitter=0.05)


def low_jacks(random: Random) -> Motion:
    """Hardly any arms: they swing away from the thighs and back, the knees stay soft."""
    knees = random.uniform(15, 45)
    opened: Pose = {
        "hips": (6, 0, 0),
        "upper arms": (-8, 0, random.uniform(-45, -20)),
        "forearms": (0, -20, 0),
        "thighs": (-knees / 2 - 6, 0, random.uniform(18, 30)),
        "shins": (knees, 0, 0),
    }
    closed: Pose = {"thighs": (-8, 0, 1), "shins": (14, 0, 0)}
    return _jacks(random, opened, closed, random.uniform(0.75, 1.2), random.uniform(1.0, 1.05))


def press_jacks(random: Random) -> Motion:
    """Hands press from the shoulders over the head."""
    opened: Pose = {"upper arms": (0, 0, 72), "forearms": (0, 0, 10), "thighs": (0, 0, random.uniform(14, 26))}
    closed: Pose = {"upper arms": (-10, 0, -55), "forearms": (0, 0, 132), "shins": (10, 0, 0), "thighs": (-5, 0, 0)}
    return _jacks(random, opened, closed, random.uniform(0.8, 1.3), random.uniform(1.03, 1.1))


def fast_jacks(random: Random) -> Motion:
    """Small and quick, with bent arms."""
    opened: Pose = {
        "upper arms": (0, 0, random.uniform(0, 45)),
        "forearms": (0, -35, 30),
        "thighs": (-4, 0, random.uniform(8, 15)),
        "shins": (10, 0, 0),
    }
    closed: Pose = {"upper arms": (0, 0, -62), "forearms": (0, -35, 10), "thighs": (-5, 0, 1), "shins": (12, 0, 0)}
    return _jacks(random, opened, closed, random.uniform(0.45, 0.65), random.uniform(1.01, 1.04))


def jacks_anyhow(random: Random) -> Motion:
    """Arms from any low place to any high one, on any way; feet and knees as wide and soft as they like."""
    low, top = random.uniform(-82, -55), random.uniform(0, 85)
    ahead, elbow = random.uniform(-50, 10), random.uniform(0, 60)
    soft, out, knees = random.uniform(0, 30), random.uniform(12, 30), random.uniform(4, 24)
    opened: Pose = {
        "hips": (random.uniform(-2, 8), 0, 0),
        "upper arms": (ahead * random.random(), 0, top),
        "forearms": (0, -elbow * random.random(), random.uniform(-5, 35)),
        "thighs": (-soft / 2 - 3, 0, out),
        "shins": (soft, 0, 0),
    }
    closed: Pose = {
        "upper arms": (ahead, 0, low),
        "forearms": (0, -elbow, 0),
        "thighs": (-knees / 2, 0, random.uniform(-2, 4)),
        "shins": (knees, 0, 0),
    }
    return _jacks(random, opened, closed, random.uniform(0.5, 1.3), random.uniform(1.0, 1.12))


def stepping_jacks(random: Random) -> Motion:
    """One foot steps out while the arms rise, then the other: no jump."""
    reach, arms, beat_s = random.uniform(0.3, 0.5), random.uniform(20, 80), random.uniform(0.4, 0.75)
    high: Pose = {"upper arms": (0, 0, arms), "forearms": (0, -10, 0)}
    keys = [
        stand(0),
        stand(beat_s, high, (reach * 0.3, 0.94, 0), left=(reach, 0, 0)),
        stand(2 * beat_s),
        stand(3 * beat_s, high, (-reach * 0.3, 0.94, 0), right=(-reach, 0, 0)),
    ]
    return cycle(keys, 4 * beat_s, random, jitter=0.05)


JUMPED: dict[str, Callable[[Random], Motion]] = {
    "half jacks": half_jacks,
    "seal jacks": seal_jacks,
    "cross jacks": cross_jacks,
    "jacks with low arms": low_jacks,
    "press jacks": press_jacks,
    "small fast jacks": fast_jacks,
}
STEPPED: dict[str, Callable[[Random], Motion]] = {"stepping jacks": stepping_jacks}
