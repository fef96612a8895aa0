"""Dances that nobody has danced before: every joint swings to one beat in a way of its own, drawn at random."""

import numpy as np

from movinet_edge.training.render.composed.footing import cycle, stand
from movinet_edge.training.render.keyframes import Angles, Pose
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.rotation import Floats

Random = np.random.Generator
_KEYS_PER_BEAT = 2
_BEATS = 4
# Arms of a dance hang, are bent at the waist, out to the sides, ahead, or over the head: swing, and roll when lifted.
_ARM_HEIGHTS = ((0.0, -72.0), (-25.0, -65.0), (-10.0, -10.0), (-75.0, -68.0), (-15.0, 45.0), (-140.0, -72.0))


class _Swings:
    """Periodic curves over four beats: a beat or two a swing, now and then four."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.phase = np.arange(_BEATS * _KEYS_PER_BEAT) / (_BEATS * _KEYS_PER_BEAT) * 2 * np.pi
        # Most of a body follows one rhythm, and what does not, a second one.
        self._laps = random.choice([1, 2, 4], size=2, p=[0.25, 0.5, 0.25])
        self._start = random.uniform(0, 2 * np.pi)

    def of(self, size: float) -> Floats:
        """Up to `size` to either side."""
        laps = self._laps[0] if self._random.random() < 0.7 else self._laps[1]
        lag = self._start + self._random.choice([0, np.pi]) + self._random.normal(0, 0.4)
        return np.asarray(self._random.uniform(0.2, 1) * size * np.sin(laps * self.phase + lag))


def dance_drawn(random: Random) -> Motion:
    """Four beats of a dance drawn from `random`."""
    swings, beat_s = _Swings(random), 60 / random.uniform(70, 165)
    steps = _steps(swings, random)
    arms = _arms(swings, random)
    yaw, roll, bow = swings.of(28), swings.of(9), swings.of(float(random.choice([8, 22])))
    twist, bend, nod = swings.of(22), swings.of(14), swings.of(14)
    keys = []
    for number in range(_BEATS * _KEYS_PER_BEAT):
        upper: Pose = {
            "spine": (bow[number] + 4, twist[number], bend[number]),
            "chest": (0, twist[number] * 0.5, bend[number] * 0.5),
            "head": (nod[number] + 4, -twist[number] * 0.5, -bend[number] * 0.5),
            **{name: (x[number], y[number], z[number]) for name, (x, y, z) in arms.items()},
        }
        place, left, right = steps[number]
        hips = (2.0, float(yaw[number]), float(roll[number]))
        keys.append(stand(number * beat_s / _KEYS_PER_BEAT, upper, place, hips, left, right=right))
    return cycle(keys, _BEATS * beat_s, random, jitter=0.03)


def _arms(swings: _Swings, random: Random) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Both arms alike, mirrored, in turn, or each for itself."""
    heights = random.integers(len(_ARM_HEIGHTS), size=2)
    if random.random() < 0.7:
        heights[1] = heights[0]
    still = np.zeros(len(swings.phase))
    x, z, elbow = swings.of(40), swings.of(22), swings.of(40)
    parted = bool(random.random() < 0.35)
    sign = float(random.choice([-1, 1]))
    arms: dict[str, tuple[Floats, Floats, Floats]] = {}
    for name, side, height in (("left", 1, heights[0]), ("right", -1, heights[1])):
        if side < 0 and parted:
            x, z, elbow, sign = swings.of(40), swings.of(22), swings.of(40), 1.0
        along = 1.0 if side > 0 else sign
        swung, lowered = _ARM_HEIGHTS[height]
        bent = np.clip(random.uniform(20, 90) + along * elbow, 0, 130)
        arms[f"{name} upper arm"] = (swung + along * x, still, side * (lowered + along * z))
        arms[f"{name} forearm"] = (still, -side * bent, still)
    return arms


def _steps(swings: _Swings, random: Random) -> list[tuple[Angles, Angles, Angles]]:
    """Hips and feet on each key: both feet planted, or lifted in turn on the spot, ahead or to the side."""
    sway, drift, sink = swings.of(0.1), swings.of(0.05), swings.of(0.07)
    wide = random.uniform(0.1, 0.22)
    lift = float(random.choice([0.0, 0.04, random.uniform(0.08, 0.25), random.uniform(0.2, 0.4)]))
    ahead, aside = random.uniform(-0.3, 0.35), random.uniform(0, 0.2)
    steps: list[tuple[Angles, Angles, Angles]] = []
    for number in range(len(swings.phase)):
        beat, off_beat = divmod(number, _KEYS_PER_BEAT)
        up = lift if off_beat else 0.0
        left, right = (wide, 0.0, 0.0), (-wide, 0.0, 0.0)
        x = float(sway[number])
        if up and beat % 2:
            left, x = (wide + aside, up, ahead), -0.07
        elif up:
            right, x = (-wide - aside, up, ahead), 0.07
        steps.append(((x, 0.93 + float(sink[number]), float(drift[number])), left, right))
    return steps
