"""Dances that have a name or a figure: steps to a beat, and arms that go with them."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.footing import LEFT, RIGHT, cycle, mirrored, stand
from movinet_edge.training.render.keyframes import Angles, Key, Pose
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
_ELBOWS: Pose = {"upper arms": (-10, 0, -68), "forearms": (0, -80, 0)}


def _beat_s(random: Random) -> float:
    """Of music between 95 and 150 beats a minute."""
    return 60 / float(random.uniform(95, 150))


def _arms(random: Random) -> Pose:
    """Somewhere between hanging and shoulder height, bent."""
    return {
        "left upper arm": (random.uniform(-70, 0), 0, random.uniform(-75, -15)),
        "left forearm": (0, random.uniform(-110, -30), 0),
        "right upper arm": (random.uniform(-70, 0), 0, random.uniform(15, 75)),
        "right forearm": (0, random.uniform(30, 110), 0),
    }


def step_touch(random: Random) -> Motion:
    """A step to the side, the other foot follows and taps; then back."""
    beat_s, wide, bounce = _beat_s(random), random.uniform(0.15, 0.3), random.uniform(0.03, 0.08)
    arms = _arms(random)
    keys: list[Key] = []
    for number, (side, together) in enumerate(((1, False), (1, True), (-1, False), (-1, True))):
        x = side * wide
        left, right = (LEFT[0] + wide, 0.0, 0.0), (RIGHT[0] - wide, 0.0, 0.0)
        if together:
            left, right = (left, (x - 0.1, 0.03, 0.02)) if side > 0 else ((x + 0.1, 0.03, 0.02), right)
        upper = {**(arms if side > 0 else mirrored(arms)), "spine": (4, side * 8.0, -side * 5.0)}
        centre = x * (1.0 if together else 0.4)
        keys.append(
            stand(number * beat_s, upper, (centre, 0.99 - bounce * together, 0), (0, side * 8, 0), left, right=right)
        )
    return cycle(keys, 4 * beat_s, random)


def twist(random: Random) -> Motion:
    """Hips and knees one way, the trunk the other, on soft knees that sink and rise."""
    beat_s, turn = _beat_s(random), random.uniform(22, 42)
    lows = [random.uniform(0.78, 0.94) for _ in range(4)]
    keys = []
    for number, low in enumerate(lows):
        side = 1 if number % 2 == 0 else -1
        upper: Pose = {
            "spine": (8, -side * turn * 0.8, 0),
            "chest": (0, -side * turn * 0.6, 0),
            "left upper arm": (-30 - side * 22, 0, -62),
            "right upper arm": (-30 + side * 22, 0, 62),
            "forearms": (0, -85, 0),
        }
        keys.append(stand(number * beat_s, upper, (side * 0.03, low, 0), (4, side * turn, 0)))
    return cycle(keys, 4 * beat_s, random)


def arms_up_sway(random: Random) -> Motion:
    """Both arms over the head lean with the body from one side to the other."""
    beat_s, sway, arms = 2 * _beat_s(random), random.uniform(0.06, 0.14), random.uniform(45, 70)
    keys = []
    for number, side in enumerate((1, -1)):
        upper: Pose = {
            "left upper arm": (-12, 0, arms - side * 18),
            "right upper arm": (-12, 0, -arms - side * 18),
            "forearms": (0, 0, 15),
            "spine": (0, 0, -side * 12),
            "chest": (0, 0, -side * 8),
            "head": (-6, 0, -side * 8),
        }
        keys.append(stand(number * beat_s, upper, (side * sway, 0.98, 0), (0, 0, side * 6)))
    return cycle(keys, 2 * beat_s, random)


def grapevine(random: Random) -> Motion:
    """Four steps to the left, every second one behind the other foot, and back."""
    beat_s, step = _beat_s(random), random.uniform(0.22, 0.32)
    arms = _arms(random) if random.random() < 0.5 else {"upper arms": (0, 0, random.uniform(-50, -5))}
    keys = []
    for number, (x, crossed) in enumerate(((0, 0), (1, 0), (2, 1), (3, 0), (4, 0), (3, 0), (2, -1), (1, 0))):
        place = (x * step, 0.98 - 0.03 * abs(crossed), 0.0)
        left, right = (place[0] + 0.13, 0.0, 0.0), (place[0] - 0.13, 0.0, 0.0)
        if crossed > 0:  # on the way to the left the right foot passes behind
            left, right = (place[0] - 0.06, 0.0, 0.08), (place[0] + 0.12, 0.0, -0.12)
        elif crossed < 0:
            left, right = (place[0] - 0.12, 0.0, -0.12), (place[0] + 0.06, 0.0, 0.08)
        keys.append(stand(number * beat_s, arms, place, (2, crossed * 15.0, 0), left, right=right))
    return cycle(keys, 8 * beat_s, random)


def hip_shake(random: Random) -> Motion:
    """The hips from side to side, the shoulders stay; the hands are on the hips, up, or out."""
    beat_s, tilt = _beat_s(random) / float(random.choice([1, 2])) + 0.1, random.uniform(9, 17)
    arms: list[Pose] = [
        {"upper arms": (15, 0, -45), "forearms": (0, -95, 0)},
        {"upper arms": (-20, 0, 35), "forearms": (0, -20, 60)},
        {"upper arms": (-10, 0, -30), "forearms": (0, -40, 20)},
    ]
    held = arms[int(random.integers(3))]
    keys = []
    for number, side in enumerate((1, -1)):
        upper: Pose = {**held, "spine": (4, 0, -side * tilt * 0.8), "chest": (0, 0, -side * tilt * 0.4)}
        keys.append(stand(number * beat_s, upper, (side * 0.08, 0.94, 0), (0, side * 6, side * tilt)))
    return cycle(keys, 2 * beat_s, random)


def pumping_fists(random: Random) -> Motion:
    """Bounces on the beat while a fist, or both, go up and down."""
    beat_s, both = _beat_s(random), bool(random.random() < 0.4)
    up: Angles = (-random.uniform(140, 165), 0, -74)
    high: Pose = {"left upper arm": up, "left forearm": (0, -15, 0)}
    low: Pose = {"left upper arm": (-75, 0, -72), "left forearm": (0, -115, 0)}
    if both:
        high, low = {**high, **mirrored(high)}, {**low, **mirrored(low)}
    keys = []
    for number in range(4):
        pumped = {**_ELBOWS, **(high if number % 2 == 0 else low), "head": (10 if number % 2 else -6, 0, 0)}
        # Two keys a beat: the knees give way between the beats.
        keys.append(stand(number * beat_s / 2, pumped, (0, 0.99 if number % 2 == 0 else 0.86, 0), (4, 0, 0)))
    return cycle(keys, 2 * beat_s, random)


def waltz(random: Random) -> Motion:
    """Turns once around in two bars of three, the arms about a partner who is not there."""
    beat_s, radius = _beat_s(random) * 0.95, random.uniform(0.1, 0.25)
    hold: Pose = {
        "left upper arm": (0, -25, random.uniform(-20, 5)),
        "left forearm": (0, -35, 25),
        "right upper arm": (0, 62, 18),
        "right forearm": (0, 62, 0),
    }
    keys = []
    for number in range(6):
        yaw = number * 60.0
        turn = np.radians(yaw)
        place = np.array([np.sin(turn), 0, np.cos(turn)]) * radius
        aside, ahead = np.array([np.cos(turn), 0, -np.sin(turn)]), np.array([np.sin(turn), 0, np.cos(turn)])
        stride = 0.14 if number % 2 == 0 else -0.14
        left, right = place + aside * 0.1 + ahead * stride, place - aside * 0.1 - ahead * stride
        high = 0.92 if number % 3 == 0 else 0.995
        keys.append(
            stand(number * beat_s, hold, (place[0], high, place[2]), (0, yaw, 0), tuple(left), right=tuple(right))
        )
    return cycle(keys, 6 * beat_s, random, jitter=0.02)


def leg_swings(random: Random) -> Motion:
    """Hops of a folk dance: one leg swings low across or out, then the other, hands on the hips or up."""
    beat_s, out = _beat_s(random), random.uniform(12, 38)
    ahead = random.uniform(-45, -15)
    arms: Pose = (
        {"upper arms": (15, 0, -45), "forearms": (0, -95, 0)}
        if random.random() < 0.5
        else {"upper arms": (0, 0, 30), "forearms": (0, -20, 40)}
    )
    right: Pose = {"right thigh": (ahead, 0, -out), "right shin": (15, 0, 0), "right foot": (25, 0, 0)}
    keys = [
        stand(0, {**arms, **right}, (0.07, 0.99, 0), (0, 0, -4)),
        stand(beat_s, arms, (0, 0.9, 0)),
        stand(2 * beat_s, {**arms, **mirrored(right)}, (-0.07, 0.99, 0), (0, 0, 4)),
        stand(3 * beat_s, arms, (0, 0.9, 0)),
    ]
    return cycle(keys, 4 * beat_s, random)


def disco_pointing(random: Random) -> Motion:
    """One arm points up and out, then down across, the other hand on the hip; the hips go with it."""
    beat_s, rise = _beat_s(random), random.uniform(35, 62)
    hip: Pose = {"left upper arm": (15, 0, -45), "left forearm": (0, -95, 0)}
    up: Pose = {**hip, "right upper arm": (-10, 0, -rise), "right forearm": (0, 4, 0), "head": (-8, -25, 0)}
    down: Pose = {**hip, "right upper arm": (-45, 0, 98), "right forearm": (0, 6, 0), "head": (12, 18, 0)}
    left_foot = (0.2, 0.0, 0.0)
    keys = [
        stand(0, {**up, "spine": (0, -8, 4)}, (-0.07, 0.99, 0), (0, -12, 5), left_foot),
        stand(beat_s, {**down, "spine": (8, 15, 0)}, (0.1, 0.9, 0), (2, 12, -4), left_foot),
    ]
    return cycle(keys, 2 * beat_s, random)


def march_and_clap(random: Random) -> Motion:
    """Knees up on the beat, the hands clap between."""
    beat_s, lift = _beat_s(random), random.uniform(0.12, 0.32)
    level = random.uniform(-25, 10)
    apart: Pose = {"upper arms": (0, -20, level), "forearms": (0, -45, 0)}
    clap: Pose = {"upper arms": (0, -72, level), "forearms": (0, -32, 0)}
    keys = [
        stand(0, apart, (0.06, 0.995, 0), (0, 0, -2), right=(RIGHT[0], lift, 0.12)),
        stand(beat_s / 2, clap, (0, 0.98, 0)),
        stand(beat_s, apart, (-0.06, 0.995, 0), (0, 0, 2), left=(LEFT[0], lift, 0.12)),
        stand(beat_s * 1.5, clap, (0, 0.98, 0)),
    ]
    return cycle(keys, 2 * beat_s, random)


DANCES: dict[str, Callable[[Random], Motion]] = {
    "step touch": step_touch,
    "twist": twist,
    "sway with arms up": arms_up_sway,
    "grapevine": grapevine,
    "hip shake": hip_shake,
    "pumping fists": pumping_fists,
    "waltz": waltz,
    "leg swings": leg_swings,
    "disco pointing": disco_pointing,
    "march and clap": march_and_clap,
}
