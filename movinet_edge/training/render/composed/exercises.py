"""Exercises, ways to move on, punches, kicks and throws."""

import numpy as np

from movinet_edge.training.render.composed.everyday import GESTURES
from movinet_edge.training.render.keyframes import Angles, Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
_BUSY_HANDS = ("phone at the ear", "looking at a phone", "drinking", "carrying")
_BUSY_HANDS_SHARE = 0.3


def jumping_jacks(random: Random) -> Motion:
    """One jump apart and together."""
    apart: Pose = {
        "upper arms": (0, 0, random.uniform(45, 85)),
        "forearms": (0, -10, 0),
        "thighs": (0, 0, random.uniform(16, 28)),
    }
    high = random.uniform(1.03, 1.12)
    period = random.uniform(0.8, 1.3)
    return performed(
        [
            Key(0),
            Key(period * 0.25, {**apart, "upper arms": (0, 0, 0), "thighs": (0, 0, 12)}, (0, high, 0)),
            Key(period * 0.45, apart, (0, 0.97, 0)),
            Key(period * 0.55, apart, (0, 0.97, 0)),
            Key(period * 0.8, {"upper arms": (0, 0, 0), "thighs": (0, 0, 10)}, (0, high, 0)),
            Key(period),
        ],
        random,
        jitter=0.05,
    )


def push_up(random: Random) -> Motion:
    """Down and up again."""
    up: Pose = {
        "hips": (69, 0, 0),
        "head": (-20, 0, 0),
        "upper arms": (-78, 0, -78),
        "forearms": (0, -8, 0),
        "feet": (-45, 0, 0),
    }
    down: Pose = {
        "hips": (83, 0, 0),
        "head": (-20, 0, 0),
        "upper arms": (0, 0, random.uniform(-60, -15)),
        "forearms": (0, -95, 0),
        "feet": (-45, 0, 0),
    }
    period = random.uniform(1.0, 2.4)
    return performed(
        [Key(0, up), Key(period * 0.45, down), Key(period * 0.55, down), Key(period, up)], random, jitter=0.03
    )


def push_up_anyhow(random: Random) -> Motion:
    """Hands narrow or wide, deep or less, quick or slow, the hips in line or high, off the toes or the knees."""
    deep, pike, on_knees = random.uniform(0.7, 1.0), random.uniform(0, 12), random.random() < 0.3
    apart, look = random.uniform(0, 6), random.uniform(-35, 5)
    # Degrees of the trunk with straight arms, and how many more when the chest is at the floor.
    steep, sinks = (50.0, 22.0) if on_knees else (69.0, 14.0)
    steep += pike * 0.6
    legs: dict[str, Angles] = {"thighs": (-pike, 0, apart), "feet": (-45, 0, 0)}
    if on_knees:
        legs |= {"shins": (random.uniform(40, 95), 0, 0), "feet": (50, 0, 0)}
    wide, bent = random.uniform(-82, -66), random.uniform(0, 20)
    up: Pose = {
        **legs,
        "hips": (steep, 0, 0),
        "head": (look, 0, 0),
        "upper arms": (-steep - 9, 0, wide),
        "forearms": (0, -bent, 0),
    }
    down: Pose = {
        **legs,
        "hips": (steep + sinks * deep, 0, 0),
        "head": (look, 0, 0),
        "upper arms": ((-steep - 9) * (1 - deep), 0, wide + deep * random.uniform(0, 50)),
        "forearms": (0, -95 * deep - bent * (1 - deep), 0),
    }
    period_s, rest_s = random.uniform(0.7, 2.8), random.uniform(0.05, 0.55)
    keys = [Key(0, up), Key(period_s * 0.45, down), Key(period_s * 0.55, down), Key(period_s, up)]
    return performed([*keys, Key(period_s + rest_s, up)], random, jitter=0.03)


def walk(random: Random) -> Motion:
    """Two steps, sometimes with something in the hands."""
    busy = GESTURES[str(random.choice(_BUSY_HANDS))] if random.random() < _BUSY_HANDS_SHARE else None
    step, arms, elbow = random.uniform(17, 27), random.uniform(5, 28), random.uniform(8, 35)
    lean = random.uniform(-2, 8)

    def stride(left: float, right_shin: float, left_shin: float) -> Pose:
        swinging: Pose = {
            "left upper arm": (left * arms, 0, -78),
            "right upper arm": (-left * arms, 0, 78),
            "forearms": (0, -elbow, 0),
        }
        return {
            **(busy or swinging),
            "spine": (lean, left * 6, 0),
            "left thigh": (-left * step, 0, 0),
            "right thigh": (left * step, 0, 0),
            "left shin": (left_shin, 0, 0),
            "right shin": (right_shin, 0, 0),
        }

    keys = [stride(1, 12, 5), stride(0.1, 55, 6), stride(-1, 5, 12), stride(-0.1, 6, 55), stride(1, 12, 5)]
    quarter_s = random.uniform(0.22, 0.3)
    return performed([Key(number * quarter_s, pose) for number, pose in enumerate(keys)], random, jitter=0.04)


def crawl(random: Random) -> Motion:
    """On hands and knees, one cycle."""
    trunk: Pose = {
        "hips": (78, 0, 0),
        "head": (-35, 0, 0),
        "forearms": (0, -8, 0),
        "shins": (85, 0, 0),
        "feet": (60, 0, 0),
    }
    left: Pose = {
        **trunk,
        "left upper arm": (-105, 0, -80),
        "right upper arm": (-60, 0, 80),
        "left thigh": (-60, 0, 0),
        "right thigh": (-100, 0, 0),
    }
    right: Pose = {
        **trunk,
        "left upper arm": (-60, 0, -80),
        "right upper arm": (-105, 0, 80),
        "left thigh": (-100, 0, 0),
        "right thigh": (-60, 0, 0),
    }
    period = random.uniform(0.9, 1.6)
    return performed([Key(0, left), Key(period / 2, right), Key(period, left)], random, jitter=0.05)


_GUARD: Pose = {
    "spine": (6, 0, 0),
    "upper arms": (-35, 0, -65),
    "forearms": (0, -120, 0),
    "left thigh": (-15, 0, 5),
    "right thigh": (12, 0, 5),
    "shins": (12, 0, 0),
}


def punch(random: Random) -> Motion:
    """Left, then right, out of a guard."""
    left: Pose = {
        **_GUARD,
        "spine": (6, -15, 0),
        "chest": (0, -15, 0),
        "left upper arm": (-85, 0, -80),
        "left forearm": (0, -8, 0),
    }
    right: Pose = {
        **_GUARD,
        "spine": (8, 20, 0),
        "chest": (0, 20, 0),
        "right upper arm": (-85, 0, 80),
        "right forearm": (0, 8, 0),
    }
    return performed(
        [Key(0, _GUARD), Key(0.18, left), Key(0.4, _GUARD), Key(0.6, right), Key(0.85, _GUARD)], random, jitter=0.1
    )


def front_kick(random: Random) -> Motion:
    """The left leg forward."""
    high = random.uniform(-110, -65)
    return performed(
        [
            Key(0, _GUARD),
            Key(0.25, {**_GUARD, "left thigh": (-85, 0, 0), "left shin": (95, 0, 0)}),
            Key(0.42, {**_GUARD, "hips": (-12, 0, 0), "left thigh": (high, 0, 0), "left shin": (5, 0, 0)}),
            Key(0.65, {**_GUARD, "left thigh": (-80, 0, 0), "left shin": (95, 0, 0)}),
            Key(0.95, _GUARD),
        ],
        random,
    )


def side_kick(random: Random) -> Motion:
    """The left leg to the side, the trunk away from it."""
    return performed(
        [
            Key(0, _GUARD),
            Key(0.28, {**_GUARD, "hips": (0, 0, 12), "left thigh": (-60, 0, 40), "left shin": (90, 0, 0)}),
            Key(
                0.48,
                {**_GUARD, "hips": (0, 0, 30), "left thigh": (-15, 0, random.uniform(50, 85)), "left shin": (5, 0, 0)},
            ),
            Key(0.7, {**_GUARD, "hips": (0, 0, 12), "left thigh": (-60, 0, 40), "left shin": (90, 0, 0)}),
            Key(1.0, _GUARD),
        ],
        random,
    )


def throw_overarm(random: Random) -> Motion:
    """The right arm back, over the shoulder and down."""
    return performed(
        [
            Key(0),
            Key(
                0.4,
                {
                    "spine": (-8, -20, 0),
                    "chest": (0, -20, 0),
                    "right upper arm": (20, 0, -10),
                    "right forearm": (0, 100, 0),
                    "left upper arm": (-70, 0, -60),
                    "left thigh": (-25, 0, 0),
                },
            ),
            Key(
                0.62,
                {
                    "spine": (10, 15, 0),
                    "chest": (5, 20, 0),
                    "right upper arm": (-110, 0, 40),
                    "right forearm": (0, 25, 0),
                    "left thigh": (-25, 0, 0),
                    "right thigh": (20, 0, 0),
                },
                (0, 1, 0.15),
            ),
            Key(0.85, {"spine": (22, 20, 0), "right upper arm": (-50, 0, 75), "right thigh": (20, 0, 0)}, (0, 1, 0.2)),
            Key(1.3, {}, (0, 1, 0.2)),
        ],
        random,
    )


def throw_underarm(random: Random) -> Motion:
    """The right arm swings back and up to the front."""
    return performed(
        [
            Key(0),
            Key(
                0.45,
                {"spine": (15, -10, 0), "right upper arm": (55, 0, 78), "left thigh": (-20, 0, 0), "shins": (20, 0, 0)},
            ),
            Key(
                0.75,
                {
                    "spine": (-5, 5, 0),
                    "right upper arm": (-110, 0, 78),
                    "left thigh": (-22, 0, 0),
                    "right thigh": (15, 0, 0),
                },
                (0, 1, 0.1),
            ),
            Key(1.2, {}, (0, 1, 0.1)),
        ],
        random,
    )
