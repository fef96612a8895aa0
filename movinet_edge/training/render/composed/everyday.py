"""Picking up, waving, jumping, dancing, and the gestures of people who stand about."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.resting import SEATED
from movinet_edge.training.render.keyframes import Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def pick_up_bending(random: Random) -> Motion:
    """Bends at the hips to the floor and comes up with something."""
    low: Pose = {
        "hips": (60, 0, 0),
        "spine": (25, 0, 0),
        "chest": (12, 0, 0),
        "upper arms": (-85, 0, -80),
        "thighs": (-75, 0, 0),
        "shins": (25, 0, 0),
    }
    up: Pose = {"right upper arm": (-20, 0, 75), "right forearm": (0, 60, 0)}
    return performed([Key(0), Key(0.7, low, (0, 1, -0.15)), Key(1.0, low, (0, 1, -0.15)), Key(1.7, up)], random)


def pick_up_with_one_hand(random: Random) -> Motion:
    """One foot ahead, down on bent knees, the right hand to the floor, and up with something."""
    low: Pose = {
        "hips": (45, 10, 0),
        "spine": (22, 0, 0),
        "right upper arm": (-75, 0, 80),
        "left upper arm": (-20, 0, -60),
        "left forearm": (0, -40, 0),
        "left thigh": (-115, 0, 5),
        "left shin": (85, 0, 0),
        "right thigh": (-55, 0, 0),
        "right shin": (95, 0, 0),
        "right foot": (30, 0, 0),
    }
    up: Pose = {"right upper arm": (-15, 0, 75), "right forearm": (0, 80, 0)}
    return performed(
        [Key(0), Key(0.7, low, (0, 1, 0.15)), Key(0.95, low, (0, 1, 0.15)), Key(1.6, up, (0, 1, 0.1))], random
    )


def pick_up_squatting(random: Random) -> Motion:
    """Squats to the floor and comes up with something."""
    low: Pose = {
        "hips": (35, 0, 0),
        "spine": (18, 0, 0),
        "upper arms": (-55, 0, -80),
        "thighs": (-125, 0, 12),
        "shins": (125, 0, 0),
        "feet": (-25, 0, 0),
    }
    up: Pose = {"upper arms": (-25, 0, -75), "forearms": (0, -65, 0)}
    return performed([Key(0), Key(0.8, low, (0, 1, -0.1)), Key(1.15, low, (0, 1, -0.1)), Key(1.9, up)], random)


def wave_one_hand(random: Random) -> Motion:
    """The right hand, above the shoulder."""
    arm, swing = random.uniform(-20, 30), random.uniform(20, 40)
    out: Pose = {"right upper arm": (-25, 0, -arm), "right forearm": (0, 0, -70 + swing)}
    inward: Pose = {"right upper arm": (-25, 0, -arm), "right forearm": (0, 0, -95 - swing)}
    period = random.uniform(0.5, 1.0)
    return performed([Key(0, out), Key(period / 2, inward), Key(period, out)], random, jitter=0.06)


def wave_both_arms(random: Random) -> Motion:
    """Both arms over the head."""
    out: Pose = {"upper arms": (0, 0, 25), "forearms": (0, 0, 15)}
    inward: Pose = {"upper arms": (0, 0, 75), "forearms": (0, 0, 15)}
    period = random.uniform(0.6, 1.2)
    return performed([Key(0, out), Key(period / 2, inward), Key(period, out)], random, jitter=0.08)


def jump_up(random: Random) -> Motion:
    """On the spot, with a swing of the arms."""
    crouch: Pose = {
        "hips": (30, 0, 0),
        "upper arms": (30, 0, -75),
        "thighs": (-80, 0, 3),
        "shins": (90, 0, 0),
        "feet": (-30, 0, 0),
    }
    ahead, high = random.uniform(0, 0.5), random.uniform(1.25, 1.55)
    return performed(
        [
            Key(0),
            Key(0.35, crouch, (0, 0.68, 0)),
            Key(0.5, {"upper arms": (-130, 0, -70), "feet": (35, 0, 0)}, (0, 1.06, ahead * 0.3)),
            Key(
                0.7, {"upper arms": (-150, 0, -70), "thighs": (-15, 0, 4), "shins": (25, 0, 0)}, (0, high, ahead * 0.6)
            ),
            Key(0.9, {"upper arms": (-90, 0, -60), "feet": (20, 0, 0)}, (0, 1.05, ahead * 0.9)),
            Key(1.08, {**crouch, "upper arms": (-40, 0, -65)}, (0, 0.7, ahead)),
            Key(1.45, {}, (0, 1, ahead)),
        ],
        random,
        jitter=0.07,
    )


def dance_freely(random: Random) -> Motion:
    """Sways to a beat of its own: each joint swings between two or four poses."""
    beats = int(random.choice([2, 4]))
    beat_s = random.uniform(0.35, 0.65)

    def move() -> Pose:
        knees = random.uniform(0, 40)
        return {
            "hips": (0, random.uniform(-25, 25), random.uniform(-10, 10)),
            "spine": (0, random.uniform(-15, 15), random.uniform(-15, 15)),
            "head": (random.uniform(-10, 15), 0, random.uniform(-12, 12)),
            "left upper arm": (random.uniform(-110, 10), 0, random.uniform(-75, 50)),
            "left forearm": (0, random.uniform(-110, 0), 0),
            "right upper arm": (random.uniform(-110, 10), 0, random.uniform(-50, 75)),
            "right forearm": (0, random.uniform(0, 110), 0),
            "left thigh": (random.uniform(-40, 5), 0, random.uniform(0, 18)),
            "left shin": (knees, 0, 0),
            "right thigh": (random.uniform(-40, 5), 0, random.uniform(-18, 0)),
            "right shin": (random.uniform(0, 40), 0, 0),
        }

    moves = [move() for _ in range(beats)]
    sway = random.uniform(0, 0.12)
    keys = [Key(i * beat_s, pose, ((-1) ** i * sway, 1, 0)) for i, pose in enumerate(moves)]
    return performed([*keys, Key(beats * beat_s, moves[0], keys[0].hips)], random, jitter=0.04)


GESTURES: dict[str, Pose] = {
    "arms crossed": {"upper arms": (-35, 0, -70), "forearms": (0, -110, 0)},
    "hands on the hips": {"upper arms": (15, 0, -45), "forearms": (0, -95, 0)},
    "phone at the ear": {"left upper arm": (-50, 0, -55), "left forearm": (0, -145, 0), "head": (0, 0, -6)},
    "looking at a phone": {
        "upper arms": (-30, 0, -75),
        "forearms": (0, -100, 0),
        "neck": (18, 0, 0),
        "head": (15, 0, 0),
    },
    "drinking": {"right upper arm": (-55, 0, 55), "right forearm": (0, 135, 0), "head": (-15, 0, 0)},
    "carrying": {"upper arms": (-20, 0, -78), "forearms": (0, -80, 0)},
    "hands behind the back": {"upper arms": (30, 0, -75), "forearms": (0, -40, 0)},
    "pointing": {"right upper arm": (-80, 0, 60), "right forearm": (0, 5, 0)},
}


def gesture(name: str) -> Callable[[Random], Motion]:
    """Stands at ease, does one of `GESTURES` for a while, and comes back."""

    def moving(random: Random) -> Motion:
        pose = GESTURES[name]
        look: Pose = {
            **pose,
            "head": (random.uniform(-10, 20), random.uniform(-50, 50), 0),
            "spine": (0, random.uniform(-15, 15), 0),
        }
        hold = random.uniform(1.0, 3.0)
        return performed(
            [Key(0), Key(0.8, pose), Key(0.8 + hold, look), Key(1.6 + hold, pose), Key(2.4 + hold)], random
        )

    return moving


def seated_gesture(
    name: str, seats: tuple[str, ...] = ("hands on the thighs", "reading")
) -> Callable[[Random], Motion]:
    """Sits in one of these ways, and does one of `GESTURES` for a while."""

    def moving(random: Random) -> Motion:
        seated = SEATED[str(random.choice(seats))]
        pose = {**seated, **GESTURES[name]}
        look: Pose = {**pose, "head": (random.uniform(0, 25), random.uniform(-40, 40), 0)}
        hold = random.uniform(0.5, 2.5)
        return performed([Key(0, seated), Key(0.8, pose), Key(0.8 + hold, look), Key(1.6 + hold, seated)], random)

    return moving


def turn_around(random: Random) -> Motion:
    """Turns to a side on the spot and back."""
    side = random.choice([-1, 1]) * random.uniform(50, 150)
    half: Pose = {
        "hips": (0, side / 2, 0),
        "head": (0, side / 4, 0),
        "left thigh": (-18, 0, 0),
        "left shin": (25, 0, 0),
    }
    there: Pose = {"hips": (0, side, 0)}
    return performed(
        [Key(0), Key(0.5, half), Key(1.0, there), Key(2.5, there), Key(3.0, half), Key(3.5)], random, jitter=0.06
    )
