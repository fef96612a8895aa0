"""Kicks: round, backward, with the knee, low, at a ball and at a door."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import arms
from movinet_edge.training.render.composed.fighting import AHEAD, BACK, GUARD
from movinet_edge.training.render.composed.footing import stand
from movinet_edge.training.render.keyframes import Angles, Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def _ready(time_s: float) -> Key:
    return stand(time_s, GUARD, (0, 0.97, 0), (2, -15, 0), AHEAD, right=BACK)


def _leg(x: float, out: float, knee: float, foot: float = 15) -> Pose:
    """The right leg in the air: ahead (negative) and out, in degrees, as against the hips."""
    return {"right thigh": (x, 0, -out), "right shin": (knee, 0, 0), "right foot": (foot, 0, 0)}


def _kicking(time_s: float, leg: Pose, hips: Angles, upper: Pose | None = None, ahead: float = 0.12) -> Key:
    """On the left leg."""
    return stand(time_s, {**GUARD, **(upper or {}), **leg}, (0.08, 0.985, ahead), hips, AHEAD)


def roundhouse(random: Random) -> Motion:
    """The right leg in an arc from the side, the hips turned over."""
    high, lean = random.uniform(55, 85), random.uniform(-32, -12)
    swing: Pose = {"right upper arm": (35, 0, 60), "right forearm": (0, 40, 0)}
    keys = [
        _ready(0),
        _kicking(0.25, _leg(-45, 45, 100), (0, 25, lean / 2)),
        _kicking(0.42, _leg(-30, high, 12), (0, 65, lean), swing),
        _kicking(0.62, _leg(-45, 50, 95), (0, 45, lean / 2)),
        _ready(0.95),
    ]
    return performed(keys, random, jitter=0.08)


def back_kick(random: Random) -> Motion:
    """Turns the back and thrusts the right heel behind, or does so without a turn."""
    yaw = float(random.choice([0, -150]))
    lean = random.uniform(30, 60)
    keys = [
        _ready(0),
        _kicking(0.32, _leg(-75, 0, 105), (15, yaw * 0.8, 0), ahead=0.1),
        _kicking(0.55, _leg(75 - lean, 0, 6, -10), (lean, yaw, 0), {"head": (-15, 25, 0)}, 0.05),
        _kicking(0.78, _leg(-60, 0, 100), (15, yaw * 0.8, 0), ahead=0.1),
        _ready(1.15),
    ]
    return performed(keys, random, jitter=0.06)


def knee_kick(random: Random) -> Motion:
    """The right knee up, both hands pull down."""
    pull = random.uniform(-125, -90)
    keys = [
        _ready(0),
        stand(
            0.2, {"upper arms": (pull, 0, -78), "forearms": (0, -35, 0)}, (0, 0.95, 0.02), (6, 0, 0), AHEAD, right=BACK
        ),
        _kicking(
            0.42,
            _leg(random.uniform(-120, -95), 0, 118, 25),
            (-8, 10, 0),
            {"upper arms": (-35, 0, -74), "forearms": (0, -80, 0), "spine": (18, 0, 0)},
            0.18,
        ),
        _ready(0.8),
    ]
    return performed(keys, random, jitter=0.08)


def low_kick(random: Random) -> Motion:
    """The right shin at knee height."""
    keys = [
        _ready(0),
        _kicking(0.2, _leg(0, 25, 60), (4, 10, -5)),
        _kicking(0.36, _leg(-38, random.uniform(25, 42), 14), (0, 45, -14), {"right upper arm": (25, 0, 62)}),
        _ready(0.72),
    ]
    return performed(keys, random, jitter=0.08)


def ball_kick(random: Random) -> Motion:
    """Steps beside a ball, and the right leg swings through it."""
    step, power = random.uniform(0.35, 0.6), random.uniform(0.6, 1.0)
    left = (0.12, 0.0, step)
    back: Pose = {
        **_leg(42 * power, 6, 80 * power, 35),
        "left upper arm": (-55, 0, -30),
        "right upper arm": (35, 0, 65),
        "spine": (4, -10, 0),
    }
    through: Pose = {
        **_leg(-75 * power, 0, 12, 25),
        "left upper arm": (35, 0, -60),
        "right upper arm": (-50, 0, 50),
        "spine": (16, 15, 0),
    }
    keys = [
        stand(0),
        stand(0.3, back, (0.03, 0.94, step * 0.7), (4, -12, 0), left),
        stand(0.48, {**through, **_leg(-8, 4, 62, 10)}, (0.05, 0.99, step * 0.95), (-2, 5, 0), left),
        stand(0.62, through, (0.05, 0.985, step * 1.05), (-12, 15, 0), left),
        stand(1.05, {}, (0, 0.98, step * 1.1), (0, 0, 0), left, right=(-0.11, 0, step + 0.05)),
    ]
    return performed(keys, random, jitter=0.08)


def door_kick(random: Random) -> Motion:
    """The knee high, the sole straight ahead, and a step into it."""
    step = random.uniform(0.25, 0.5)
    left = (0.11, 0.0, 0.0)
    braced: Pose = {"upper arms": (10, 0, -50), "forearms": (0, -60, 0)}
    keys = [
        stand(0),
        stand(0.35, {**braced, **_leg(-105, 0, 115, -5)}, (0.08, 0.985, 0), (-4, 0, 0), left),
        stand(0.52, {**braced, **_leg(random.uniform(-85, -62), 0, 8, -15)}, (0.08, 0.985, 0.1), (-18, 0, 0), left),
        stand(0.8, {"spine": (8, 0, 0)}, (0, 0.9, step * 0.6), (4, 0, 0), left, right=(-0.11, 0, step)),
        stand(1.1, {}, (0, 0.97, step * 0.6), (0, 0, 0), left, right=(-0.11, 0, step)),
    ]
    return performed(keys, random, jitter=0.08)


def kick_anyhow(random: Random) -> Motion:
    """The right leg ahead, out or in between, at any height, bent or straight, with the arms anywhere."""
    held, away = arms(random), arms(random)
    out, high = random.uniform(0, 75), random.uniform(45, 110)
    ahead = -high * float(np.cos(np.radians(out)))
    lean, yaw, step = random.uniform(-0.35, 0.05) * high, random.uniform(-10, 20) + out * 0.4, random.uniform(0, 0.25)
    cocked, straight = random.uniform(40, 115), random.uniform(2, 30)
    slow = random.uniform(0.75, 1.5)

    def key(time_s: float, leg: Pose, upper: Pose, share: float) -> Key:
        bow = (lean * share * (1 - out / 90), yaw * share, lean * share * out / 90)
        left = (0.11, 0.0, step)
        return stand(time_s * slow, {**upper, **leg}, (0.07, 0.98, step + 0.05 * share), bow, left)

    chambered = _leg(ahead * random.uniform(0.4, 0.9), out * 0.6, cocked)
    keys = [
        stand(0, held, (0, 0.985, step), left=(0.11, 0, step), right=(-0.11, 0, step)),
        key(0.28, chambered, held, 0.4),
        key(0.44, _leg(ahead, out * 0.9, straight), away, 1.0),
        key(0.64, _leg(ahead * 0.6, out * 0.5, random.uniform(20, 100)), held, 0.5),
        stand(0.95 * slow, held, (0, 0.985, step), (0, 0, 0), (0.11, 0, step), right=(-0.11, 0, step)),
    ]
    return performed(keys, random, jitter=0.07)


KICKS: dict[str, Callable[[Random], Motion]] = {
    "roundhouse kick": roundhouse,
    "back kick": back_kick,
    "knee kick": knee_kick,
    "low kick": low_kick,
    "kick a ball": ball_kick,
    "kick a door": door_kick,
}
