"""Waves: high, low, wide and small, and beckoning; with the right hand, which a mirror makes the left one."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import left_arm
from movinet_edge.training.render.composed.footing import stand
from movinet_edge.training.render.keyframes import Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def _to_and_fro(random: Random, one: Pose, other: Pose, period_s: float) -> Motion:
    """Two poses, over and over, on feet that share the weight as they like."""
    shift, lean = random.uniform(-0.05, 0.05), random.uniform(-4, 4)
    place = (shift, 0.998, 0.0)
    rest: Pose = {"left upper arm": (random.uniform(-20, 10), 0, -78), "left forearm": (0, random.uniform(-60, -5), 0)}
    hips = (0.0, random.uniform(-12, 12), lean)
    keys = [
        stand(moment_s, {**rest, **pose}, place, hips)
        for moment_s, pose in ((0.0, one), (period_s / 2, other), (period_s, one))
    ]
    return performed(keys, random, jitter=0.06)


def wave_high(random: Random) -> Motion:
    """The arm up beside the head, the forearm to and fro."""
    arm, swing = random.uniform(45, 75), random.uniform(15, 35)
    one: Pose = {"right upper arm": (-10, 0, -arm), "right forearm": (0, 0, swing * 0.6), "head": (-6, 0, 0)}
    other: Pose = {"right upper arm": (-10, 0, -arm), "right forearm": (0, 0, -swing * 1.4), "head": (-6, 0, 0)}
    return _to_and_fro(random, one, other, random.uniform(0.45, 0.9))


def wave_low(random: Random) -> Motion:
    """The elbow at the waist, the forearm ahead and to the side and back."""
    swing, bend = random.uniform(18, 32), random.uniform(70, 100)
    one: Pose = {"right upper arm": (-15, 0, 62), "right forearm": (0, bend, swing)}
    other: Pose = {"right upper arm": (-15, 0, 62), "right forearm": (0, bend, -swing)}
    return _to_and_fro(random, one, other, random.uniform(0.4, 0.9))


def wave_wide(random: Random) -> Motion:
    """The whole arm over the head, from one side to the other."""
    out, over = random.uniform(20, 45), random.uniform(100, 118)
    one: Pose = {"right upper arm": (-8, 0, -out), "right forearm": (0, 0, -8), "spine": (0, 0, 5)}
    other: Pose = {"right upper arm": (-8, 0, -over), "right forearm": (0, 0, -12), "spine": (0, 0, -6)}
    return _to_and_fro(random, one, other, random.uniform(0.8, 1.5))


def wave_small(random: Random) -> Motion:
    """The hand beside the shoulder, hardly more than the wrist."""
    turn, roll = random.uniform(8, 16), random.uniform(25, 40)
    bend = random.uniform(118, 138)
    one: Pose = {"right upper arm": (-22, 0, 58), "right forearm": (0, bend, turn), "right hand": (0, 0, roll)}
    other: Pose = {"right upper arm": (-22, 0, 58), "right forearm": (0, bend, -turn), "right hand": (0, 0, -roll)}
    return _to_and_fro(random, one, other, random.uniform(0.35, 0.7))


def beckon(random: Random) -> Motion:
    """The arm ahead, the forearm calls somebody here."""
    arm = random.uniform(-85, -50)
    out: Pose = {"right upper arm": (arm, 0, 76), "right forearm": (0, random.uniform(15, 35), 0)}
    here: Pose = {"right upper arm": (arm + 12, 0, 74), "right forearm": (0, random.uniform(100, 130), 0)}
    return _to_and_fro(random, out, here, random.uniform(0.6, 1.1))


def flag_down(random: Random) -> Motion:
    """The straight arm out to the side, slowly up and down."""
    level, swing = random.uniform(-20, 15), random.uniform(22, 38)
    up: Pose = {"right upper arm": (0, 15, level - swing), "right forearm": (0, 6, 0)}
    down: Pose = {"right upper arm": (0, 15, level + swing), "right forearm": (0, 6, 0)}
    return _to_and_fro(random, up, down, random.uniform(0.7, 1.3))


def wave_anyhow(random: Random) -> Motion:
    """The hand above the elbow, to and fro in whatever direction, the elbow anywhere; the other arm as it likes."""
    elbow, above = random.uniform(-35, 60), random.uniform(35, 100)
    upper: Pose = {"right upper arm": (random.uniform(-60, 15), random.uniform(-15, 25), -elbow)}
    roll, bend = -max(above - elbow, 0.0), random.uniform(0, 50)
    swing, nod, wrist = random.uniform(14, 36), random.uniform(-14, 14), random.uniform(0, 30)
    rest = left_arm(random)
    one: Pose = {**rest, **upper, "right forearm": (0, bend + nod, roll + swing), "right hand": (0, 0, wrist)}
    other: Pose = {**rest, **upper, "right forearm": (0, bend - nod, roll - swing), "right hand": (0, 0, -wrist)}
    return _to_and_fro(random, one, other, random.uniform(0.35, 1.1))


WAVES: dict[str, Callable[[Random], Motion]] = {
    "wave high": wave_high,
    "wave low": wave_low,
    "wave with the whole arm": wave_wide,
    "wave small": wave_small,
    "beckon": beckon,
    "flag down": flag_down,
}
