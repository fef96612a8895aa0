"""Jumps: out of a squat, with the knees drawn up, ahead, to a side, and hops."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.footing import stand
from movinet_edge.training.render.keyframes import Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
# Where feet touch the floor the hips are given a little low: what would be below the floor is lifted onto it.
_TALL = 0.95


def squat_jump(random: Random) -> Motion:
    """Deep down with the arms ahead or behind the head, and up."""
    arms: list[Pose] = [
        {"upper arms": (-80, 0, -76), "forearms": (0, -20, 0)},
        {"upper arms": (-10, 10, 15), "forearms": (0, -40, 120)},
    ]
    held = arms[int(random.integers(2))]
    deep, high = random.uniform(0.45, 0.65), random.uniform(1.12, 1.35)
    keys = [
        stand(0, place=(0, _TALL, 0)),
        stand(0.5, {**held, "spine": (12, 0, 0)}, (0, deep, -0.12), (28, 0, 0)),
        stand(0.72, {**held, "feet": (30, 0, 0)}, (0, 1.0, 0)),
        Key(0.92, {**held, "thighs": (-6, 0, 4), "shins": (10, 0, 0), "feet": (35, 0, 0)}, (0, high, 0)),
        stand(1.12, held, (0, _TALL, 0)),
        stand(1.32, {**held, "spine": (10, 0, 0)}, (0, deep + 0.15, -0.08), (22, 0, 0)),
        stand(1.7, place=(0, _TALL, 0)),
    ]
    return performed(keys, random, jitter=0.05)


def tuck_jump(random: Random) -> Motion:
    """The knees up to the chest."""
    knees, high = random.uniform(-115, -80), random.uniform(1.3, 1.5)
    tucked: Pose = {
        "spine": (15, 0, 0),
        "upper arms": (-60, 0, -74),
        "forearms": (0, -50, 0),
        "thighs": (knees, 0, 4),
        "shins": (110, 0, 0),
        "feet": (20, 0, 0),
    }
    keys = [
        stand(0, place=(0, _TALL, 0)),
        stand(0.3, {"upper arms": (35, 0, -72)}, (0, 0.72, -0.06), (24, 0, 0)),
        stand(0.47, {"upper arms": (-110, 0, -72), "feet": (35, 0, 0)}, (0, 1.02, 0)),
        Key(0.68, tucked, (0, high, 0)),
        stand(0.92, {"upper arms": (-45, 0, -55)}, (0, 0.97, 0)),
        stand(1.08, {"upper arms": (-25, 0, -62)}, (0, 0.76, -0.05), (22, 0, 0)),
        stand(1.4, place=(0, _TALL, 0)),
    ]
    return performed(keys, random, jitter=0.06)


def hops(random: Random) -> Motion:
    """Two to five small ones on both feet, as with a rope."""
    beat_s, high = random.uniform(0.38, 0.6), random.uniform(1.06, 1.16)
    arms: Pose = {"upper arms": (random.uniform(-25, 5), 0, random.uniform(-75, -40)), "forearms": (0, -55, 0)}
    keys = [stand(0, arms, (0, 0.88, 0))]
    for hop in range(int(random.integers(2, 6))):
        start_s = hop * beat_s
        pointed: Pose = {**arms, "thighs": (-8, 0, 1), "shins": (16, 0, 0), "feet": (30, 0, 0)}
        keys += [Key(start_s + beat_s * 0.5, pointed, (0, high, 0)), stand(start_s + beat_s, arms, (0, 0.88, 0))]
    return performed([*keys, stand(keys[-1].time_s + 0.3, place=(0, _TALL, 0))], random, jitter=0.06)


def hop_on_one_leg(random: Random) -> Motion:
    """Two to four times on the left one, the right shin behind, the arms for balance."""
    beat_s, high = random.uniform(0.42, 0.6), random.uniform(1.06, 1.14)
    upper: Pose = {
        "upper arms": (0, 0, random.uniform(-55, -10)),
        "forearms": (0, -30, 0),
        "right thigh": (random.uniform(-50, 5), 0, -4),
        "right shin": (random.uniform(70, 100), 0, 0),
        "right foot": (25, 0, 0),
    }
    keys = [stand(0, place=(0, _TALL, 0)), stand(0.3, upper, (0.07, 0.86, 0))]
    step = random.uniform(0, 0.2)
    for hop in range(int(random.integers(2, 5))):
        start_s, ahead = 0.3 + hop * beat_s, hop * step
        flying: Pose = {**upper, "left thigh": (-10, 0, 0), "left shin": (18, 0, 0), "left foot": (30, 0, 0)}
        there = (0.11, 0.0, ahead)
        keys += [
            Key(start_s + beat_s * 0.5, flying, (0.07, high, ahead)),
            stand(start_s + beat_s, upper, (0.07, 0.86, ahead), left=there),
        ]
    x, _, z = keys[-1].hips
    end = stand(keys[-1].time_s + 0.35, None, (x, _TALL, z), left=(0.11, 0, z), right=(-0.11, 0, z))
    return performed([*keys, end], random, jitter=0.06)


def leap(random: Random) -> Motion:
    """A step, off the left foot, far ahead onto the right one."""
    far, high = random.uniform(0.9, 1.5), random.uniform(1.1, 1.25)
    split: Pose = {
        "left thigh": (35, 0, 4),
        "left shin": (35, 0, 0),
        "right thigh": (-65, 0, -3),
        "right shin": (35, 0, 0),
        "left foot": (35, 0, 0),
        "left upper arm": (-60, 0, -60),
        "right upper arm": (40, 0, 60),
        "spine": (8, 0, 0),
    }
    step = (0.1, 0.0, 0.45)
    landing = 0.45 + far
    right = (-0.1, 0.0, landing + 0.12)
    keys = [
        stand(0, place=(0, _TALL, 0)),
        stand(0.32, {"upper arms": (25, 0, -70)}, (0, 0.86, 0.35), (12, 0, 0), step, right=(-0.11, 0.05, 0.05)),
        stand(0.48, {**split, "left thigh": (20, 0, 2), "left shin": (6, 0, 0)}, (0, 0.98, 0.6), (6, 0, 0), step),
        Key(0.72, {"hips": (4, 0, 0), **split}, (0, high, 0.45 + far * 0.5)),
        stand(0.95, {}, (0, 0.9, landing), (12, 0, 0), (0.1, 0.12, landing - 0.4), right=right),
        stand(1.15, {}, (0, 0.8, landing + 0.1), (16, 0, 0), (0.1, 0.03, landing), right=right),
        stand(1.5, {}, (0, _TALL, landing + 0.1), (0, 0, 0), (0.11, 0, landing + 0.1), right=right),
    ]
    return performed(keys, random, jitter=0.05)


def jump_sideways(random: Random) -> Motion:
    """To the left over something and back, both feet at once."""
    far, high, beat_s = random.uniform(0.3, 0.6), random.uniform(1.1, 1.25), random.uniform(0.6, 0.85)
    arms: Pose = {"upper arms": (-25, 0, -50), "forearms": (0, -50, 0)}
    flying: Pose = {**arms, "thighs": (-35, 0, 0), "shins": (55, 0, 0), "feet": (20, 0, 0)}

    def crouched(time_s: float, x: float) -> Key:
        return stand(time_s, arms, (x, 0.76, -0.05), (20, 0, 0), (0.09 + x, 0, 0), right=(-0.09 + x, 0, 0))

    keys = [
        stand(0, place=(0, _TALL, 0)),
        crouched(0.3, 0),
        Key(0.3 + beat_s / 2, {**flying, "hips": (6, 0, -8)}, (far / 2, high, 0)),
        crouched(0.3 + beat_s, far),
        Key(0.3 + beat_s * 1.5, {**flying, "hips": (6, 0, 8)}, (far / 2, high, 0)),
        crouched(0.3 + beat_s * 2, 0),
        stand(0.65 + beat_s * 2, place=(0, _TALL, 0)),
    ]
    return performed(keys, random, jitter=0.05)


JUMPS: dict[str, Callable[[Random], Motion]] = {
    "squat jump": squat_jump,
    "tuck jump": tuck_jump,
    "hops": hops,
    "hop on one leg": hop_on_one_leg,
    "leap": leap,
    "jump sideways": jump_sideways,
}
