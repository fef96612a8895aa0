"""Throws with one hand and with both, from above, from the side and from below."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import left_arm
from movinet_edge.training.render.composed.footing import LEFT, RIGHT, stand
from movinet_edge.training.render.keyframes import Angles, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
_BALANCE: Pose = {"left upper arm": (-45, 0, -45), "left forearm": (0, -30, 0)}


def _thrown(
    random: Random,
    poses: tuple[Pose, Pose, Pose],
    yaws: tuple[float, float, float],
    step: float,
    *,
    low: float = 0.97,
    lean: float = 4,
) -> Motion:
    """Back, let go, follow through, while the left foot steps ahead; `yaws` are how far the hips turn."""
    back_s, go_s = random.uniform(0.35, 0.6), random.uniform(0.16, 0.26)
    through_s = back_s + go_s + random.uniform(0.15, 0.25)
    left: Angles = (LEFT[0], 0.0, step)
    lifted: Angles = (LEFT[0], 0.05 if step > 0.1 else 0.0, step * 0.5)
    back, go, through = poses
    keys = [
        stand(0),
        stand(back_s, back, (-0.03, 0.99, -0.04), (0, yaws[0], 0), lifted),
        stand(back_s + go_s, go, (0, low, step * 0.5), (lean, yaws[1], 0), left),
        stand(through_s, through, (0, low, step * 0.6), (lean * 2, yaws[2], 0), left),
        stand(through_s + 0.45, {}, (0, 0.995, step * 0.7), left=left, right=(RIGHT[0], 0, step * 0.5)),
    ]
    return performed(keys, random, jitter=0.08)


def throw_sidearm(random: Random) -> Motion:
    """The right arm level, in an arc around the body."""
    level = random.uniform(5, 28)
    back: Pose = {
        **_BALANCE,
        "spine": (4, -20, 8),
        "chest": (0, -20, 0),
        "right upper arm": (0, -30, level),
        "right forearm": (0, 55, 0),
    }
    go: Pose = {
        "spine": (10, 15, 8),
        "chest": (0, 15, 0),
        "right upper arm": (0, 55, level),
        "right forearm": (0, 8, 0),
        "left upper arm": (15, 0, -55),
    }
    through: Pose = {"spine": (14, 25, 0), "chest": (0, 20, 0), "right upper arm": (0, 115, level + 15)}
    return _thrown(random, (back, go, through), (-25, 12, 25), random.uniform(0.2, 0.45), low=0.9)


def throw_anyhow(random: Random) -> Motion:
    """The right hand, from wherever it is taken back to, at any height above the waist."""
    level, elbow = random.uniform(-55, 40), random.uniform(15, 115)
    twist, reach = random.uniform(0, 25), random.uniform(85, 130)
    other = left_arm(random)
    back: Pose = {
        **other,
        "spine": (random.uniform(-10, 8), -twist, 4),
        "chest": (0, -twist, 0),
        "right upper arm": (0, random.uniform(-45, -5), level),
        "right forearm": (0, elbow, random.uniform(-40, 0)),
    }
    go: Pose = {
        **other,
        "spine": (8, twist, 4),
        "chest": (0, twist / 2, 0),
        "right upper arm": (0, random.uniform(35, 70), level + random.uniform(-10, 15)),
        "right forearm": (0, random.uniform(5, 30), 0),
    }
    through: Pose = {**other, "spine": (14, twist, 0), "right upper arm": (0, reach, level + random.uniform(10, 45))}
    turned = random.uniform(0, 1)
    return _thrown(random, (back, go, through), (-30 * turned, 15 * turned, 25 * turned), random.uniform(0.0, 0.45))


def throw_overhead(random: Random) -> Motion:
    """Both hands from behind the head."""
    step = float(random.choice([0.0, 0.3]))
    back: Pose = {"spine": (-14, 0, 0), "upper arms": (-168, 0, -72), "forearms": (0, random.uniform(-105, -70), 0)}
    go: Pose = {"spine": (10, 0, 0), "upper arms": (-125, 0, -78), "forearms": (0, -12, 0)}
    through: Pose = {"spine": (24, 0, 0), "upper arms": (-60, 0, -76), "forearms": (0, -8, 0)}
    return _thrown(random, (back, go, through), (0, 0, 0), step)


def chest_pass(random: Random) -> Motion:
    """Both hands from the chest straight ahead."""
    back: Pose = {"upper arms": (-18, 0, -56), "forearms": (0, -125, 0)}
    go: Pose = {"spine": (8, 0, 0), "upper arms": (random.uniform(-92, -75), 0, -80), "forearms": (0, -6, 0)}
    through: Pose = {"spine": (8, 0, 0), "upper arms": (-65, 0, -74), "forearms": (0, -14, 0)}
    return _thrown(random, (back, go, through), (0, 0, 0), random.uniform(0.0, 0.4))


def bowl(random: Random) -> Motion:
    """Underarm, low over a long step, as one rolls a ball."""
    low = random.uniform(0.65, 0.82)
    back: Pose = {
        "spine": (18, -8, 0),
        "right upper arm": (random.uniform(50, 75), 0, 78),
        "left upper arm": (-30, 0, -40),
    }
    go: Pose = {"spine": (26, 6, 0), "right upper arm": (-25, 0, 78), "left upper arm": (20, 0, -45)}
    through: Pose = {"spine": (16, 10, 0), "right upper arm": (-110, 0, 80), "left upper arm": (20, 0, -50)}
    return _thrown(random, (back, go, through), (-10, 5, 10), random.uniform(0.5, 0.7), low=low, lean=12)


def throw_frisbee(random: Random) -> Motion:
    """Backhand: the right arm from across the belly out to the side."""
    level = random.uniform(15, 35)
    back: Pose = {
        "spine": (8, 25, 0),
        "chest": (0, 20, 0),
        "right upper arm": (0, 112, level + 10),
        "right forearm": (0, 85, 0),
    }
    go: Pose = {"spine": (6, -5, 0), "right upper arm": (0, 45, level), "right forearm": (0, 8, 0)}
    through: Pose = {"spine": (4, -20, 0), "right upper arm": (0, -5, level - 10), "right forearm": (0, 5, 0)}
    return _thrown(random, (back, go, through), (30, 5, -15), random.uniform(0.0, 0.3))


def toss(random: Random) -> Motion:
    """Both hands swing something from between the knees up and away."""
    low = random.uniform(0.75, 0.88)
    arms = random.uniform(-125, -85)
    down: Pose = {"spine": (18, 0, 0), "upper arms": (-15, 0, -84), "forearms": (0, -6, 0)}
    go: Pose = {"spine": (-4, 0, 0), "upper arms": (arms * 0.8, 0, -82), "forearms": (0, -14, 0)}
    through: Pose = {"spine": (-8, 0, 0), "upper arms": (arms, 0, -76), "forearms": (0, -16, 0)}
    feet: tuple[Angles, Angles] = ((0.17, 0.0, 0.0), (-0.17, 0.0, 0.0))
    keys = [
        stand(0),
        stand(0.5, down, (0, low, -0.08), (30, 0, 0), feet[0], right=feet[1]),
        stand(0.75, go, (0, 0.97, 0), (0, 0, 0), feet[0], right=feet[1]),
        stand(0.95, through, (0, 0.98, 0.02), (-4, 0, 0), feet[0], right=feet[1]),
        stand(1.4),
    ]
    return performed(keys, random, jitter=0.08)


THROWS: dict[str, Callable[[Random], Motion]] = {
    "throw sidearm": throw_sidearm,
    "throw overhead with both hands": throw_overhead,
    "chest pass": chest_pass,
    "bowl": bowl,
    "throw a frisbee": throw_frisbee,
    "toss with both hands": toss,
}
