"""What people do with themselves while they do nothing in particular, drawn at random: hands anywhere, feet anyhow.

Wide and slow, or small and quick: what is wide and quick would be a wave, a punch, a throw or a dance.
"""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import arms
from movinet_edge.training.render.composed.footing import LEFT, RIGHT, cycle, stand
from movinet_edge.training.render.composed.low import POSES
from movinet_edge.training.render.keyframes import Angles, Key, Pose
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
# Hands that work quickly stay below the shoulders: above them they would wave.
_AT_WORK = 0.45
_ARM_PARTS = ("upper arm", "forearm", "hand")


def _trunk(random: Random, *, bow: float) -> dict[str, Angles]:
    """Looks and leans somewhere, `bow` degrees forward at most."""
    forward, twist = bow * random.beta(1, 2.5), random.normal(0, 10)
    return {
        "spine": (forward * 0.5 - 3, twist * 0.6, random.normal(0, 3)),
        "chest": (forward * 0.5, twist * 0.4, random.normal(0, 2)),
        "neck": (random.uniform(-4, 14), 0, 0),
        "head": (random.uniform(-12, 22), random.normal(0, 24), random.normal(0, 4)),
    }


def _shaken(pose: Pose, random: Random, degrees: float) -> dict[str, Angles]:
    """Arms moved by so much, the trunk by a quarter of it."""
    sizes = {name: degrees if name.endswith(_ARM_PARTS) else degrees / 4 for name in pose}
    return {
        name: (x + random.normal(0, sizes[name]), y + random.normal(0, sizes[name]), z)
        for name, (x, y, z) in pose.items()
    }


class _Stander:
    """Someone whose feet stay where they are, near or far apart, side by side or one ahead."""

    def __init__(self, random: Random) -> None:
        wide, ahead = random.uniform(0, 0.12), random.normal(0, 0.08)
        self._left, self._right = (LEFT[0] + wide, 0.0, ahead), (RIGHT[0] - wide, 0.0, -ahead)
        self._yaw = random.normal(0, 10)
        self._low = random.uniform(0.93, 0.995)

    def key(self, time_s: float, upper: Pose, *, sway: float = 0.0, sink: float = 0.0, bow: float = 0.0) -> Key:
        # The pelvis tips to the leg that bears, and goes back as the trunk goes forward, or both would fall over.
        place, hips = (sway, self._low - sink, -0.004 * bow), (bow, self._yaw, -40 * sway)
        return stand(time_s, upper, place, hips, self._left, right=self._right)


def handle_things(random: Random) -> Motion:
    """Reaches here and there, stays a moment, goes on: at a shelf, a door, a worktop, a switch."""
    person, bow = _Stander(random), float(random.choice([5, 25, 50]))
    keys, now_s = [], 0.0
    for _ in range(int(random.integers(3, 6))):
        upper = _trunk(random, bow=bow) | arms(random)
        sway, tilt = random.uniform(-0.06, 0.06), random.uniform(0, bow / 3)
        stay_s, move_s = random.uniform(0.2, 1.4), random.uniform(0.9, 1.5)
        keys += [person.key(moment_s, upper, sway=sway, bow=tilt) for moment_s in (now_s, now_s + stay_s)]
        now_s += stay_s + move_s
    return cycle(keys, now_s, random, jitter=0.06)


def busy_hands(random: Random) -> Motion:
    """Hands that work in one place: small, quick, uneven."""
    person, bow = _Stander(random), random.uniform(0, 15)
    upper = _trunk(random, bow=30) | arms(random, highest=_AT_WORK)
    keys, now_s = [], 0.0
    for _ in range(int(random.integers(6, 14))):
        keys.append(person.key(now_s, _shaken(upper, random, 7), sway=random.normal(0, 0.006), bow=bow))
        now_s += random.uniform(0.2, 0.6)
    return cycle(keys, now_s, random)


def restless(random: Random) -> Motion:
    """Keeps a pose, but breathes hard, bobs or sways with it."""
    person, beat_s = _Stander(random), random.uniform(0.7, 2.4)
    upper, small = _trunk(random, bow=20) | arms(random, highest=_AT_WORK), random.uniform(1, 5)
    sink, sway = random.uniform(0.0, 0.035), random.uniform(0, 0.04)
    out, back = _shaken(upper, random, small), _shaken(upper, random, small)
    keys = [person.key(0, out, sway=sway), person.key(beat_s / 2, back, sink=sink, sway=-sway)]
    return cycle(keys, beat_s, random, jitter=0.05)


def _seated_legs(random: Random) -> Pose:
    """Hips and legs: upright, leaning on something ahead, or stretched out."""
    bow, apart = random.uniform(-16, 30), random.uniform(0, 14)
    thighs, shin = -86 - bow + random.uniform(-6, 8), 85 + random.uniform(-45, 12)
    return {
        "hips": (bow, 0, 0),
        "thighs": (thighs, 0, apart),
        "left shin": (shin, 0, 0),
        "right shin": (shin + random.uniform(-10, 10), 0, 0),
    }


def _low_legs(random: Random) -> Pose:
    return POSES[str(random.choice(list(POSES)))]


def _at_rest(below: Callable[[Random], Pose], *, bow: float) -> Callable[[Random], Motion]:
    """On these legs, which stay, hands and trunk do one thing after the other."""

    def moving(random: Random) -> Motion:
        legs = below(random)
        keys, now_s = [], 0.0
        for _ in range(int(random.integers(1, 4))):
            pose = {**legs, **_trunk(random, bow=bow), **arms(random)}
            stay_s, move_s = random.uniform(0.7, 1.8), random.uniform(0.9, 1.6)
            keys += [Key(now_s, pose), Key(now_s + stay_s, pose)]
            now_s += stay_s + move_s
        return cycle(keys, now_s, random, jitter=0.05)

    return moving


def _at_work(below: Callable[[Random], Pose], *, bow: float) -> Callable[[Random], Motion]:
    """On these legs, which stay, hands work in one place."""

    def moving(random: Random) -> Motion:
        pose = {**_trunk(random, bow=bow), **arms(random, highest=_AT_WORK)}
        legs = below(random)
        times_s = np.cumsum(random.uniform(0.2, 0.6, int(random.integers(5, 10))))
        keys = [Key(float(now_s - times_s[0]), {**legs, **_shaken(pose, random, 6)}) for now_s in times_s[:-1]]
        return cycle(keys, float(times_s[-1] - times_s[0]), random)

    return moving


STANDING: dict[str, Callable[[Random], Motion]] = {
    "handling things": handle_things,
    "busy hands": busy_hands,
    "restless": restless,
}
SEATED: dict[str, Callable[[Random], Motion]] = {
    "seated, pottering": _at_rest(_seated_legs, bow=25),
    "seated, busy hands": _at_work(_seated_legs, bow=25),
}
LOW: dict[str, Callable[[Random], Motion]] = {
    "low, pottering": _at_rest(_low_legs, bow=40),
    "low, busy hands": _at_work(_low_legs, bow=40),
}
