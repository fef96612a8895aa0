"""What people do with themselves while they do nothing in particular, drawn at random: hands anywhere, feet anyhow.

Slow, or small and quick: what is wide and quick would be a wave, a punch, a throw or a dance.
"""

from collections.abc import Callable, Mapping

import numpy as np

from movinet_edge.training.render.composed.anyhow import arms, feet, trunk
from movinet_edge.training.render.composed.footing import cycle, stand
from movinet_edge.training.render.keyframes import Angles, Key, Pose
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


class _Stander:
    """Someone whose feet stay; each pose is a place of the hips, and arms and a trunk."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._left, self._right = feet(random)
        self._yaw = random.normal(0, 10)
        self._low = random.uniform(0.93, 0.995)

    def key(self, time_s: float, upper: Pose, *, sway: float = 0.0, sink: float = 0.0, bow: float = 0.0) -> Key:
        place = (sway, self._low - sink, -0.004 * bow)
        return stand(time_s, upper, place, (bow, self._yaw, -40 * sway), self._left, right=self._right)


def handle_things(random: Random) -> Motion:
    """Reaches here and there, stays a moment, goes on: at a shelf, a door, a worktop, a switch."""
    person, bow = _Stander(random), float(random.choice([5, 25, 50]))
    keys, now_s = [], 0.0
    for _ in range(int(random.integers(3, 6))):
        upper = trunk(random, bow=bow) | arms(random)
        sway, tilt = random.uniform(-0.06, 0.06), random.uniform(0, bow / 3)
        for pause_s in (random.uniform(0.6, 1.3), random.uniform(0.2, 1.6)):
            keys.append(person.key(now_s, upper, sway=sway, bow=tilt))
            now_s += pause_s
    return cycle(keys, now_s, random, jitter=0.06)


def busy_hands(random: Random) -> Motion:
    """Hands that work in one place: small, quick, uneven."""
    person, bow = _Stander(random), random.uniform(0, 15)
    upper = trunk(random, bow=30) | arms(random)
    keys, now_s = [], 0.0
    for _ in range(int(random.integers(6, 14))):
        keys.append(person.key(now_s, _shaken(upper, random, 7), sway=random.normal(0, 0.008), bow=bow))
        now_s += random.uniform(0.18, 0.6)
    return cycle(keys, now_s, random)


def restless(random: Random) -> Motion:
    """Keeps a pose, but breathes hard, bobs or sways with it."""
    person, beat_s = _Stander(random), random.uniform(0.6, 2.4)
    upper, small = trunk(random, bow=20) | arms(random), random.uniform(1, 5)
    sink, sway = random.uniform(0.0, 0.035), random.uniform(0, 0.05)
    out, back = _shaken(upper, random, small), _shaken(upper, random, small)
    keys = [person.key(0, out, sway=sway), person.key(beat_s / 2, back, sink=sink, sway=-sway)]
    return cycle(keys, beat_s, random, jitter=0.05)


def _shaken(pose: Pose, random: Random, degrees: float) -> Pose:
    return {name: (x + random.normal(0, degrees), y + random.normal(0, degrees), z) for name, (x, y, z) in pose.items()}


def _on_a_seat(random: Random) -> dict[str, Angles]:
    """Hips and legs: upright, leaning on something ahead, or stretched out."""
    bow, apart = random.uniform(-16, 30), random.uniform(0, 14)
    thighs = -86 - bow + random.uniform(-6, 8)
    out, back = random.uniform(-45, 12, 2)
    alike = random.random() < 0.7
    return {
        "hips": (bow, 0, 0),
        "left thigh": (thighs, 0, apart),
        "right thigh": (thighs, 0, -apart),
        "left shin": (85 + out, 0, 0),
        "right shin": (85 + (out if alike else back), 0, 0),
    }


_LOW: tuple[Pose, ...] = (
    {"thighs": (-4, 0, 6), "shins": (94, 0, 0), "feet": (55, 0, 0)},
    {"thighs": (-62, 0, 7), "shins": (150, 0, 0), "feet": (50, 0, 0)},
    {"left thigh": (-88, 0, 6), "left shin": (88, 0, 0), "right thigh": (2, 0, -4), "right shin": (92, 0, 0)},
    {"hips": (-10, 0, 0), "thighs": (-80, 0, 10), "shins": (10, 0, 0)},
    {"hips": (-6, 0, 0), "thighs": (-110, 0, 8), "shins": (110, 0, 0)},
)


def _staying(below: Callable[[Random], Pose], *, bow: float) -> Callable[[Random], Motion]:
    """On these legs, which stay, hands and trunk do one thing after the other, or work, or rest."""

    def moving(random: Random) -> Motion:
        legs = below(random)
        quick = random.random() < 0.3
        first = trunk(random, bow=bow) | arms(random)
        keys, now_s = [], 0.0
        for _ in range(int(random.integers(4, 9) if quick else random.integers(1, 4))):
            upper = _shaken(first, random, 6) if quick else trunk(random, bow=bow) | arms(random)
            for pause_s in (random.uniform(0.2, 0.6),) if quick else random.uniform(0.7, 1.8, 2):
                keys.append(Key(now_s, {**legs, **upper}))
                now_s += float(pause_s)
        return cycle(keys, now_s, random, jitter=0.05)

    return moving


def _low_legs(random: Random) -> Pose:
    return _LOW[int(random.integers(len(_LOW)))]


STANDING: Mapping[str, Callable[[Random], Motion]] = {
    "handling things": handle_things,
    "busy hands": busy_hands,
    "restless": restless,
}
SEATED: Mapping[str, Callable[[Random], Motion]] = {"seated, pottering": _staying(_on_a_seat, bow=25)}
LOW: Mapping[str, Callable[[Random], Motion]] = {"low, pottering": _staying(_low_legs, bow=40)}
