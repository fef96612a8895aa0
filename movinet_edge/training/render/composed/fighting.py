"""Punches out of a guard or without one, and several of them on moving feet."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import arms
from movinet_edge.training.render.composed.footing import LEFT, RIGHT, mirrored, stand
from movinet_edge.training.render.keyframes import Angles, Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator

GUARD: Pose = {"spine": (6, 0, 0), "head": (6, 12, 0), "upper arms": (-38, 0, -68), "forearms": (0, -122, 0)}
_YAW = -18.0  # who boxes stands a little sideways, the left foot ahead
AHEAD: Angles = (0.12, 0.0, 0.2)
BACK: Angles = (-0.14, 0.0, -0.2)

# Each with the way back to swing, the hit, and how far the hips turn with it; of the left arm where it may be either.
_STRIKES: dict[str, tuple[Pose, Pose, float]] = {
    "jab": (
        GUARD,
        {"spine": (6, -14, 0), "chest": (0, -12, 0), "left upper arm": (-86, 0, -80), "left forearm": (0, -6, 0)},
        -8,
    ),
    "cross": (
        {"spine": (4, -10, 0), "chest": (0, -8, 0)},
        {"spine": (8, 22, 0), "chest": (0, 20, 0), "right upper arm": (-86, 0, 82), "right forearm": (0, 6, 0)},
        24,
    ),
    "hook": (
        {"spine": (6, 12, 0), "left upper arm": (0, -15, -15), "left forearm": (0, -95, 0)},
        {"spine": (6, -24, 0), "chest": (0, -18, 0), "left upper arm": (0, -85, -4), "left forearm": (0, -85, 0)},
        -22,
    ),
    "uppercut": (
        {"spine": (20, 16, 0), "left upper arm": (15, 0, -72), "left forearm": (0, -85, 0)},
        {"spine": (-4, -20, 0), "chest": (0, -12, 0), "left upper arm": (-82, 0, -80), "left forearm": (0, -105, 0)},
        -16,
    ),
}


def _guarded(time_s: float, low: float = 0.965, drift: Angles = (0, 0, 0)) -> Key:
    return _standing(time_s, GUARD, 0, low, drift)


def _standing(time_s: float, pose: Pose, turn: float, low: float, drift: Angles) -> Key:
    x, lift, z = drift
    left, right = (AHEAD[0] + x, lift, AHEAD[2] + z), (BACK[0] + x, lift, BACK[2] + z)
    return stand(time_s, {**GUARD, **pose}, (x, low, z), (4, _YAW + turn, 0), left, right=right)


def _strike(name: str, start_s: float, random: Random, *, right: bool, drift: Angles = (0, 0, 0)) -> list[Key]:
    """Back and out; `right` does what is written for the left arm with the other one."""
    back, hit, turn = _STRIKES[name]
    if right:
        back, hit, turn = mirrored(back), mirrored(hit), -turn
    load_s, out_s = random.uniform(0.12, 0.2), random.uniform(0.12, 0.18)
    low = 0.85 if name == "uppercut" else 0.94
    return [
        _standing(start_s + load_s, back, -turn / 3, low, drift),
        _standing(start_s + load_s + out_s, hit, turn, 0.95, drift),
    ]


def _single(name: str, *, either: bool) -> Callable[[Random], Motion]:
    """One blow; where `either` arm may do it, chance decides."""

    def moving(random: Random) -> Motion:
        keys = _strike(name, 0.05, random, right=either and random.random() < 0.5)
        return performed(
            [_guarded(0), *keys, _guarded(keys[-1].time_s + random.uniform(0.2, 0.35))], random, jitter=0.1
        )

    return moving


def combination(random: Random) -> Motion:
    """Two to four blows, one after another."""
    keys = [_guarded(0)]
    for _ in range(int(random.integers(2, 5))):
        name = str(random.choice(list(_STRIKES)))
        keys += _strike(
            name, keys[-1].time_s + 0.02, random, right=name in {"hook", "uppercut"} and random.random() < 0.5
        )
        keys.append(_guarded(keys[-1].time_s + random.uniform(0.2, 0.28)))
    return performed(keys, random, jitter=0.08)


def shadow_boxing(random: Random) -> Motion:
    """Blows at nobody, on feet that bounce and drift."""
    keys = [_guarded(0)]
    x = z = 0.0
    for _ in range(int(random.integers(2, 4))):
        for _ in range(int(random.integers(1, 4))):
            x, z = x + random.uniform(-0.1, 0.1), z + random.uniform(-0.1, 0.1)
            now_s = keys[-1].time_s
            keys += [_guarded(now_s + 0.13, 0.99, (x, 0.02, z)), _guarded(now_s + 0.27, 0.94, (x, 0, z))]
        name = str(random.choice(list(_STRIKES)))
        right = name in {"hook", "uppercut"} and random.random() < 0.5
        keys += _strike(name, keys[-1].time_s, random, right=right, drift=(x, 0, z))
        keys.append(_guarded(keys[-1].time_s + random.uniform(0.22, 0.3), 0.965, (x, 0, z)))
    return performed(keys, random, jitter=0.08)


def wild_swing(random: Random) -> Motion:
    """The right arm from far behind, without a guard, one step into it."""
    back: Pose = {
        "spine": (0, -25, 0),
        "chest": (0, -20, 0),
        "right upper arm": (0, -20, 25),
        "right forearm": (0, 75, 0),
        "left upper arm": (-35, 0, -60),
        "left forearm": (0, -50, 0),
    }
    out: Pose = {
        "spine": (14, 25, 0),
        "chest": (6, 20, 0),
        "right upper arm": (0, 98, 8),
        "right forearm": (0, 30, 0),
        "left upper arm": (20, 0, -60),
    }
    step = random.uniform(0.2, 0.45)
    left = (0.12, 0.0, step)
    keys = [
        stand(0),
        stand(0.32, back, (0, 0.95, 0.02), (0, -20, 0), (0.12, 0.06, step * 0.6)),
        stand(0.52, out, (0, 0.92, step * 0.5), (6, 25, 0), left),
        stand(0.68, out, (0, 0.92, step * 0.55), (8, 30, 0), left),
        stand(1.05, {}, (0, 0.97, step * 0.5), (0, 0, 0), left),
    ]
    return performed(keys, random, jitter=0.08)


def punch_anyhow(random: Random) -> Motion:
    """One to three blows of either fist, straight or round, high or low, from arms that are anywhere."""
    wide, ahead, low = random.uniform(0.02, 0.1), random.uniform(0, 0.22), random.uniform(0.92, 0.985)
    left, right = (LEFT[0] + wide, 0.0, ahead), (RIGHT[0] - wide, 0.0, -ahead)
    held = {**arms(random), "spine": (random.uniform(-2, 10), 0, 0)} if random.random() < 0.5 else {**GUARD}
    round_share = random.choice([0.0, 0.3, 1.0])

    def key(time_s: float, pose: Pose, turn: float, step: float = 0.0) -> Key:
        return stand(time_s, {**held, **pose}, (0, low, step), (3, turn - ahead * 60, 0), left, right=right)

    keys = [key(0, {}, 0)]
    for _ in range(int(random.integers(1, 4))):
        height, turn = random.uniform(-20, 20), random.uniform(5, 30)
        bend = random.uniform(0, 12) + 75 * round_share * random.random()
        out: Pose = {
            "spine": (8, -turn * 0.6, 0),
            "chest": (0, -turn * 0.4, 0),
            "left upper arm": (0, -random.uniform(70, 100), height),
            "left forearm": (0, -bend, 0),
        }
        back: Pose = {
            "chest": (0, turn * 0.5, 0),
            "left upper arm": (random.uniform(0, 30), 0, random.uniform(-75, -40)),
            "left forearm": (0, -random.uniform(90, 130), 0),
        }
        if random.random() < 0.5:
            back, out, turn = mirrored(back), mirrored(out), -turn
        now_s = keys[-1].time_s + random.uniform(0.12, 0.25)
        keys += [key(now_s, back, turn * 0.3), key(now_s + random.uniform(0.14, 0.22), out, -turn, 0.05)]
        keys.append(key(keys[-1].time_s + random.uniform(0.2, 0.4), {}, 0))
    return performed(keys, random, jitter=0.07)


PUNCHES: dict[str, Callable[[Random], Motion]] = {
    "jab": _single("jab", either=False),
    "cross": _single("cross", either=False),
    "hook": _single("hook", either=True),
    "uppercut": _single("uppercut", either=True),
    "combination": combination,
    "shadow boxing": shadow_boxing,
    "wild swing": wild_swing,
}
