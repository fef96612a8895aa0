"""Falls: backward, forward, to a side, onto the knees, off a seat."""

import numpy as np

from movinet_edge.training.render.composed.resting import LYING, SEATED
from movinet_edge.training.render.keyframes import Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def landing(random: Random, path: list[Key], end: str) -> Motion:
    """From standing along `path`, to lie as `LYING` calls it."""
    last = path[-1]
    settled = Key(last.time_s + random.uniform(0.15, 0.35), LYING[end], last.hips)
    return performed([Key(0), *path, settled, Key(settled.time_s + 0.8, LYING[end], last.hips)], random)


def fall_backward(random: Random) -> Motion:
    """Slips, sits in the air, lands on the back."""
    return landing(
        random,
        [
            Key(
                0.3,
                {"hips": (-14, 0, 0), "upper arms": (-60, 0, -50), "thighs": (-15, 0, 5), "shins": (15, 0, 0)},
                (0, 1, -0.1),
            ),
            Key(
                0.65,
                {
                    "hips": (-40, 0, 0),
                    "upper arms": (-80, 0, -40),
                    "thighs": (-50, 0, 8),
                    "shins": (50, 0, 0),
                    "head": (25, 0, 0),
                },
                (0, 1, -0.4),
            ),
            Key(
                0.95,
                {
                    "hips": (-80, 0, 0),
                    "upper arms": (-40, 0, 0),
                    "thighs": (-45, 0, 10),
                    "shins": (30, 0, 0),
                    "head": (20, 0, 0),
                },
                (0, 1, -0.65),
            ),
        ],
        str(random.choice(["on the back", "on the back, one knee up"])),
    )


def fall_by_sitting(random: Random) -> Motion:
    """The knees give way backward, a hand looks for the floor, the seat meets it, and then the back."""
    crouching: Pose = {
        "hips": (25, 0, 0),
        "left upper arm": (35, 0, -55),
        "right upper arm": (-40, 0, 60),
        "thighs": (-100, 0, 8),
        "shins": (105, 0, 0),
    }
    sitting: Pose = {"hips": (-28, 0, 0), "upper arms": (40, 0, -58), "thighs": (-75, 0, 10), "shins": (90, 0, 0)}
    path = [Key(0.45, crouching, (0, 1, -0.1)), Key(0.8, sitting, (0, 1, -0.45)), Key(1.0, sitting, (0, 1, -0.5))]
    return landing(random, path, str(random.choice(["on the back", "on the back, one knee up"])))


def fall_forward(random: Random) -> Motion:
    """Trips, arms ahead, lands on the face."""
    return landing(
        random,
        [
            Key(
                0.3,
                {
                    "hips": (22, 0, 0),
                    "upper arms": (-50, 0, -60),
                    "left thigh": (-35, 0, 0),
                    "right thigh": (20, 0, 0),
                    "right shin": (30, 0, 0),
                },
                (0, 1, 0.2),
            ),
            Key(
                0.6,
                {
                    "hips": (55, 0, 0),
                    "upper arms": (-115, 0, -60),
                    "forearms": (0, -40, 0),
                    "thighs": (-25, 0, 0),
                    "shins": (50, 0, 0),
                },
                (0, 1, 0.5),
            ),
            Key(
                0.9,
                {"hips": (84, 0, 0), "upper arms": (-130, 0, -50), "forearms": (0, -60, 0), "shins": (35, 0, 0)},
                (0, 1, 0.8),
            ),
        ],
        "on the face",
    )


def fall_sideways(random: Random) -> Motion:
    """Tips over to the right."""
    return landing(
        random,
        [
            Key(
                0.35,
                {
                    "hips": (4, 0, 18),
                    "spine": (0, 0, 8),
                    "upper arms": (0, 0, -30),
                    "shins": (15, 0, 0),
                    "thighs": (-12, 0, 0),
                },
                (-0.12, 1, 0),
            ),
            Key(
                0.7,
                {
                    "hips": (8, 0, 50),
                    "left upper arm": (-40, 0, 20),
                    "right upper arm": (-30, 0, 30),
                    "thighs": (-30, 0, 4),
                    "shins": (45, 0, 0),
                },
                (-0.45, 1, 0),
            ),
            Key(
                1.0,
                {
                    "hips": (4, 0, 82),
                    "left upper arm": (-60, 0, -20),
                    "right upper arm": (-60, 0, 60),
                    "thighs": (-30, 0, 5),
                    "shins": (50, 0, 0),
                },
                (-0.75, 1, 0),
            ),
        ],
        str(random.choice(["on the side", "curled up"])),
    )


def collapse(random: Random) -> Motion:
    """The knees give way, then the body tips over."""
    kneeling: Pose = {
        "hips": (12, 0, 0),
        "spine": (20, 0, 0),
        "head": (25, 0, 0),
        "upper arms": (0, 0, -72),
        "thighs": (-25, 0, 4),
        "shins": (115, 0, 0),
        "feet": (45, 0, 0),
    }
    if random.random() < 0.5:
        tipping: Pose = {**kneeling, "hips": (10, 0, 60), "thighs": (-40, 0, 4), "shins": (90, 0, 0)}
        return landing(
            random,
            [
                Key(0.4, {"hips": (5, 0, 0), "thighs": (-45, 0, 3), "shins": (80, 0, 0), "head": (20, 0, 0)}),
                Key(0.8, kneeling, (0, 1, 0.1)),
                Key(1.3, tipping, (-0.4, 1, 0.1)),
            ],
            "on the side",
        )
    return landing(
        random,
        [
            Key(0.4, {"hips": (5, 0, 0), "thighs": (-45, 0, 3), "shins": (80, 0, 0), "head": (20, 0, 0)}),
            Key(0.8, kneeling, (0, 1, 0.1)),
            Key(1.25, {**kneeling, "hips": (60, 0, 0)}, (0, 1, 0.5)),
        ],
        "on the face",
    )


def fall_off_a_seat_forward(random: Random) -> Motion:
    """Sits, slides ahead onto hands and knees, and lies down there."""
    seated = SEATED["hands on the thighs"]
    leaning: Pose = {**seated, "hips": (35, 0, 0), "upper arms": (-50, 0, -75), "thighs": (-95, 0, 5)}
    on_hands: Pose = {"hips": (70, 0, 0), "upper arms": (-75, 0, -75), "thighs": (-80, 0, 4), "shins": (90, 0, 0)}
    lying = LYING[str(random.choice(["on the face", "on the side"]))]
    keys = [
        Key(0, seated),
        Key(0.45, leaning, (0, 1, 0.2)),
        Key(0.85, on_hands, (0, 1, 0.6)),
        Key(1.35, lying, (0.1, 1, 0.9)),
        Key(2.0, lying, (0.1, 1, 0.9)),
    ]
    return performed(keys, random)


def fall_off_a_seat(random: Random) -> Motion:
    """Sits, slides to a side and lands there."""
    seated = SEATED["hands on the thighs"]
    return performed(
        [
            Key(0, seated),
            Key(0.35, {**seated, "hips": (0, 0, 25), "spine": (0, 0, 10)}, (-0.15, 1, 0.05)),
            Key(
                0.75,
                {**seated, "hips": (0, 0, 65), "thighs": (-60, 0, 5), "right upper arm": (-40, 0, 40)},
                (-0.5, 1, 0.15),
            ),
            Key(1.05, LYING["on the side"], (-0.7, 1, 0.2)),
            Key(1.8, LYING["on the side"], (-0.7, 1, 0.2)),
        ],
        random,
    )
