"""Ways to pick something up: on one knee, off one leg, with straight knees, from beside one."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import left_arm
from movinet_edge.training.render.composed.footing import LEFT, RIGHT, stand
from movinet_edge.training.render.keyframes import Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
_HOLDS_ONE: Pose = {"right upper arm": (-15, 0, 76), "right forearm": (0, 75, 0), "head": (15, 0, 0)}
_HOLDS_BOTH: Pose = {"upper arms": (-22, 0, -77), "forearms": (0, -72, 0)}


def _picked(random: Random, low: Key, up: Pose, *, wait_s: float, rise_s: float) -> Motion:
    """Down to `low`, a moment there, and up with something in the hands."""
    again = Key(low.time_s + wait_s, low.pose, low.hips)
    return performed([stand(0), low, again, stand(again.time_s + rise_s, up)], random, jitter=0.06)


def pick_up_on_one_knee(random: Random) -> Motion:
    """The right knee on the floor."""
    low: Pose = {
        "spine": (25, 0, 0),
        "head": (15, 0, 0),
        "right upper arm": (-55, 0, 82),
        "left upper arm": (-45, 0, -76),
        "left forearm": (0, -45, 0),
        "right foot": (45, 0, 0),
    }
    key = stand(random.uniform(0.8, 1.2), low, (0, 0.5, 0.05), (22, 0, 0), (0.12, 0, 0.4), right=(-0.11, 0, -0.35))
    return _picked(random, key, _HOLDS_ONE, wait_s=random.uniform(0.25, 0.7), rise_s=random.uniform(0.8, 1.1))


def pick_up_something_small(random: Random) -> Motion:
    """Nearly straight knees, one hand to the floor, a look at it afterwards."""
    low: Pose = {
        "spine": (34, 8, 0),
        "chest": (14, 0, 0),
        "head": (10, 0, 0),
        "right upper arm": (-95, 0, 82),
        "left upper arm": (-45, 0, -66),
    }
    key = stand(random.uniform(0.6, 0.9), low, (0, 0.94, -0.14), (random.uniform(60, 72), 0, 0))
    look: Pose = {**_HOLDS_ONE, "right forearm": (0, 105, 0), "head": (25, -10, 0)}
    return _picked(random, key, look, wait_s=random.uniform(0.12, 0.4), rise_s=random.uniform(0.6, 0.9))


def pick_up_off_one_leg(random: Random) -> Motion:
    """Tips over the left leg while the right one rises behind, as golfers do."""
    tilt = random.uniform(60, 78)
    low: Pose = {
        "spine": (26, 0, 0),
        "chest": (12, 0, 0),
        "right upper arm": (-95, 0, 82),
        "left upper arm": (-30, 0, -60),
        "left forearm": (0, -25, 0),
        "right thigh": (random.uniform(-25, 5), 0, -2),
        "right shin": (random.uniform(5, 40), 0, 0),
        "right foot": (35, 0, 0),
    }
    key = stand(random.uniform(0.8, 1.1), low, (0.07, 0.93, -0.05), (tilt, 0, 0))
    return _picked(random, key, _HOLDS_ONE, wait_s=random.uniform(0.1, 0.3), rise_s=random.uniform(0.7, 1.0))


def pick_up_beside(random: Random) -> Motion:
    """A bag beside the right foot: sinks to that side and comes up with a long arm."""
    low: Pose = {
        "spine": (16, -12, 16),
        "chest": (4, 0, 10),
        "right upper arm": (-25, 0, 28),
        "left upper arm": (-10, 0, -45),
    }
    up: Pose = {"right upper arm": (0, 0, 80), "right forearm": (0, 8, 0), "spine": (0, 0, -6)}
    key = stand(random.uniform(0.6, 0.9), low, (-0.06, 0.66, -0.05), (26, -15, 16), LEFT, right=RIGHT)
    return _picked(random, key, up, wait_s=random.uniform(0.1, 0.35), rise_s=random.uniform(0.6, 0.9))


def pick_up_a_box(random: Random) -> Motion:
    """A step ahead, both hands under it with bent knees and back, and up before the chest."""
    step = random.uniform(0.2, 0.4)
    left, right = (0.14, 0.0, step), (-0.14, 0.0, 0.0)
    low: Pose = {"spine": (26, 0, 0), "chest": (8, 0, 0), "upper arms": (-72, 0, -78), "forearms": (0, -12, 0)}
    middle = step * 0.45
    down_s, rise_s = random.uniform(0.7, 1.0), random.uniform(0.7, 1.1)
    place = (0.0, 0.74, middle - 0.1)
    keys = [
        stand(0),
        stand(down_s, low, place, (50, 0, 0), left, right=right),
        stand(down_s + 0.25, low, place, (50, 0, 0), left, right=right),
        stand(
            down_s + 0.25 + rise_s,
            {**_HOLDS_BOTH, "spine": (-4, 0, 0)},
            (0, 0.96, middle),
            (0, 0, 0),
            left,
            right=right,
        ),
    ]
    return performed(keys, random, jitter=0.06)


def pick_up_anyhow(random: Random) -> Motion:
    """Down with the back or with the knees, one foot ahead or not, one hand or both, and up with something."""
    high, ahead = random.uniform(0.55, 0.95), random.uniform(0, 0.3)
    bow = 25 + 100 * (high - 0.55) + random.uniform(0, 15)  # hips low: the knees do it; high: the back
    left, right = (LEFT[0] + random.uniform(0, 0.08), 0.0, ahead), (RIGHT[0] - random.uniform(0, 0.08), 0.0, 0.0)
    reach = -50 - bow * 0.7 + random.uniform(-15, 10)
    low: Pose = {
        "spine": (random.uniform(14, 34), random.uniform(-12, 12), 0),
        "chest": (random.uniform(0, 14), 0, 0),
        "head": (random.uniform(-20, 20), 0, 0),
        "upper arms": (reach, 0, random.uniform(-86, -72)),
        "forearms": (0, -random.uniform(0, 30), 0),
    }
    up: Pose = dict(_HOLDS_BOTH)
    if random.random() < 0.5:
        low = {**low, **left_arm(random), "right upper arm": (reach, 0, 82)}
        up = _HOLDS_ONE
    place = (0.0, high, ahead / 2 - 0.1)
    down_s, wait_s, rise_s = random.uniform(0.5, 1.2), random.uniform(0.1, 0.6), random.uniform(0.55, 1.1)
    turned = (bow, random.uniform(-20, 20), 0)
    over = (0.0, 0.985, ahead / 2)
    keys = [
        stand(0, None, over, left=left, right=right),
        stand(down_s, low, place, turned, left, right=right),
        stand(down_s + wait_s, low, place, turned, left, right=right),
        stand(down_s + wait_s + rise_s, up, over, left=left, right=right),
    ]
    return performed(keys, random, jitter=0.06)


PICK_UPS: dict[str, Callable[[Random], Motion]] = {
    "pick up on one knee": pick_up_on_one_knee,
    "pick up something small": pick_up_something_small,
    "pick up off one leg": pick_up_off_one_leg,
    "pick up beside": pick_up_beside,
    "pick up a box": pick_up_a_box,
}
