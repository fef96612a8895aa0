"""The manner in which one person performs a motion, as nobody does it quite like the next: for training clips.

A motion is taken apart into the turns of joints against their parents. Each limb moves more or less than in the source,
holds itself a little differently and wanders slowly; the whole goes at an uneven tempo, the arms a little before or
after the legs.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from movinet_edge.training.render.anatomy import OUTWARD, SIDES, UPPER_ARMS, lowest_foot, pair, possible
from movinet_edge.training.render.gltf import SAMPLES_PER_S
from movinet_edge.training.render.motion import Motion, local_turns, world_turns
from movinet_edge.training.render.rotation import Floats, blend, inverse, matrices, multiply, turned_by, vectors
from movinet_edge.training.render.skeleton import INDEX, JOINTS

SMALLEST, LARGEST = 0.7, 1.35
"""How much of its movement a joint makes, against the source: beyond these a class may turn into another."""
TEMPO_SPREAD = 0.25
# Feet that go at another tempo than the person moves on would slide.
_TRAVELLING_SPREAD = 0.06
_ARMS = [index for index, name in enumerate(JOINTS) if name.endswith(("clavicle", "upper arm", "forearm", "hand"))]
_LEGS = [index for index, name in enumerate(JOINTS) if name.endswith(("thigh", "shin", "foot", "toes"))]
_TRUNK = [INDEX[name] for name in ("spine", "chest", "upper chest", "neck", "head")]
_HIPS = INDEX["hips"]
# Degrees: how differently people hold a joint (x, y, z of a left one, as key poses have it), and how far it wanders.
# Legs are held as a whole, so that both soles stay on the floor: see `_stance`.
_POSTURE: dict[str, tuple[float, float, float]] = {
    "spine": (3, 3, 2), "chest": (2, 2, 2), "neck": (4, 4, 2), "head": (4, 7, 4),
    "clavicle": (1, 2, 3), "upper arm": (7, 6, 6), "forearm": (2, 7, 2), "hand": (6, 6, 8),
}  # fmt: skip
_WANDERING = {
    "spine": 1.2, "chest": 1.0, "neck": 1.5, "head": 3.5, "clavicle": 1.0, "upper arm": 3.5, "forearm": 4.0,
    "hand": 4.0, "hips": 0.6, "thigh": 0.8, "shin": 0.8, "foot": 0.8,
}  # fmt: skip
_MOST_DEGREES = 15.0
# In hip heights: who strays further from the middle takes steps.
_ON_THE_SPOT = 0.8
# Arms are rather held away from the trunk than in it, elbows rather bent than stretched.
_OUTWARD_DEGREES, _BENT_DEGREES = 3.0, -4.0


@dataclass(frozen=True, slots=True)
class _Waves:
    """Smooth chance: the sum of two waves for each of `[N]` values, within ±1."""

    phases: Floats
    paces: Floats

    @classmethod
    def random(cls, random: np.random.Generator, count: int, slowest_s: float = 6.0, fastest_s: float = 1.2) -> Self:
        return cls(
            random.uniform(0, 2 * np.pi, (2, count)), 2 * np.pi / random.uniform(fastest_s, slowest_s, (2, count))
        )

    def at(self, moments_s: Floats) -> Floats:
        """`[M, N]`."""
        return np.asarray(np.sin(self.phases + self.paces * moments_s[:, None, None]).mean(axis=1))


@dataclass(frozen=True, slots=True)
class Manner:
    """How one person performs.

    Attributes:
        amplitudes: of each joint's movement, `[22]`.
        swell: how much these change in the course of the motion, from one repetition to the next.
        posture: how each joint is held, axis times angle in radians, `[22, 3]`.
        wandering: how far it moves about that, radians, `[22, 3]`; `waves` say when.
        tempo_spread: how much faster and slower than the source the motion gets; `tempo` says when.
        lag_s: by how much the arms are behind the legs, up to a tenth of the motion.
        quiet_share: 0 is to move about the mean pose of a loop, 1 is about the one with the lowest arms.
        height: of what is above the floor.
    """

    amplitudes: Floats
    swell: float
    posture: Floats
    wandering: Floats
    waves: _Waves
    tempo: _Waves
    tempo_spread: float
    lag_s: float
    quiet_share: float
    height: float

    @classmethod
    def random(cls, random: np.random.Generator, *, travelling: bool = False) -> Self:
        """Drawn anew; `travelling` is for motions in place whose steps carry a person on at a constant speed."""
        spread = random.uniform(0.3, 1) * (_TRAVELLING_SPREAD if travelling else TEMPO_SPREAD)
        return cls(
            _amplitudes(random),
            float(random.uniform(0, 0.12)),
            _posture(random),
            _wandering(random),
            _Waves.random(random, len(JOINTS) * 3),
            _Waves.random(random, 1, slowest_s=3.0, fastest_s=0.9),
            float(spread),
            float(random.normal(0, 0.04)),
            float(random.random()),
            float(random.uniform(0.75, 1.3)),
        )

    @property
    def stride(self) -> float:
        """How long steps are, against the source."""
        return float(self.amplitudes[pair("thigh")].mean())

    def speed(self, motion: Motion) -> float:
        """How fast a motion moves on, against the source: who crawls varies less than who walks."""
        return 1 + (self.stride - 1) * float(_upright(motion.turns).mean())

    def of(self, motion: Motion, *, loop: bool, seconds: float) -> Motion:
        """The motion in this manner: a loop for at least so many `seconds`, any other from its beginning to its end."""
        source = Motion(local_turns(motion.turns), motion.hips)
        moments_s = self._moments(seconds if loop else motion.seconds, stop=not loop)
        lag_s = float(np.clip(self.lag_s, -motion.seconds / 10, motion.seconds / 10))
        was = source.at(moments_s, loop=loop)
        turns = was.turns.copy()
        turns[:, _ARMS] = Motion(source.turns[:, _ARMS], source.hips).at(moments_s - lag_s, loop=loop).turns
        middle = self._middle(source, motion) if loop else _way(source, moments_s)
        clock_s = np.arange(len(moments_s)) / SAMPLES_PER_S
        upright = _upright(turns)[:, None, None]
        waves = self.waves.at(clock_s).reshape(-1, len(JOINTS), 3)
        swell = self.swell * waves[:, [_HIPS], :1]  # of all joints alike
        amplitudes = np.clip(self.amplitudes[:, None] * (1 + swell), SMALLEST, LARGEST)
        if not loop:  # it goes from rest to its peak, twice as far as from a mean, and a punch has to get there
            amplitudes = np.maximum(amplitudes, (1 + amplitudes) / 2)
        movement = vectors(multiply(inverse(middle.turns), turns))
        # What is half a turn away could be reached either way, and would jump from one to the other.
        clear = np.clip(2 - 2 * np.linalg.norm(movement, axis=-1, keepdims=True) / np.pi, 0, 1)
        movement *= 1 + (amplitudes - 1) * upright * clear
        held = turned_by((self.posture + self.wandering * waves) * upright)
        varied = multiply(held, multiply(middle.turns, turned_by(movement)))
        varied = possible(varied, turns)
        return Motion(world_turns(varied), self._hips(was.hips, middle.hips, lowest_foot(turns), lowest_foot(varied)))

    def _moments(self, seconds: float, *, stop: bool) -> Floats:
        """The moment of the source in each sample; the last is not before `seconds`, with `stop` just that."""
        count = int(np.ceil(seconds / (1 - TEMPO_SPREAD) * SAMPLES_PER_S)) + 2
        rates = 1 + self.tempo_spread * self.tempo.at(np.arange(count) / SAMPLES_PER_S)[:, 0]
        moments_s = np.concatenate([[0.0], np.cumsum(rates) / SAMPLES_PER_S])
        if stop:
            moments_s = moments_s[: int(np.searchsorted(moments_s, seconds - 1e-9)) + 1]
            moments_s[-1] = seconds
        return moments_s

    def _middle(self, source: Motion, motion: Motion) -> Motion:
        """What a loop moves about, one pose."""
        first = source.turns[:1]
        aligned = source.turns * np.where(np.sum(source.turns * first, axis=-1, keepdims=True) < 0, -1, 1)
        mean = aligned.mean(axis=0, keepdims=True)
        mean = mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-9)
        quiet = int(np.argmin((matrices(motion.turns[:, UPPER_ARMS])[..., 1, 0] * OUTWARD).sum(axis=1)))
        return Motion(blend(mean, source.turns[[quiet]], self.quiet_share), source.hips.mean(axis=0, keepdims=True))

    def _hips(self, was: Floats, middle: Floats, low_before: Floats, low_after: Floats) -> Floats:
        """Feet keep their height above the floor, whatever the legs do, but for higher or lower jumps."""
        clear = was[:, 1] + low_before
        floor = clear.min()
        hips = was.copy()
        if np.linalg.norm(was - middle, axis=1).max() < _ON_THE_SPOT:
            # Hips that sway above feet which stay where they are do so as much as the legs.
            hips = middle + (was - middle) * self.stride
        hips[:, 1] = floor + (clear - floor) * self.height - low_after
        return hips


def _upright(turns: Floats) -> Floats:
    """How far a motion may be varied, 0.15 to 1, `[T]`.

    Who is down touches the floor with more than the feet: a small turn would lift or sink the whole body.
    """
    return np.asarray(np.clip((matrices(turns[:, _HIPS])[:, 1, 1] - 0.2) / 0.6, 0.15, 1))


def on_other_legs(upper: Motion, lower: Motion) -> Motion:
    """The spine, the head and the arms of one motion on the hips and legs of another, which starts again at its end."""
    moments_s = np.arange(len(upper.turns)) / SAMPLES_PER_S
    legs = lower.at(moments_s, loop=True)
    below = [_HIPS, *_LEGS]
    turns = local_turns(upper.turns)
    turns[:, below] = local_turns(legs.turns)[:, below]
    return Motion(world_turns(turns), legs.hips)


def stands_still(motion: Motion) -> bool:
    """Whether someone stands upright all the time, on the spot, without turning."""
    hips = matrices(motion.turns[:, _HIPS])
    ahead = hips[:, :, 2]
    return bool(
        hips[:, 1, 1].min() > 0.9 and (ahead @ ahead[0]).min() > 0.8 and np.ptp(motion.hips, axis=0).max() < 0.2
    )


def _amplitudes(random: np.random.Generator) -> Floats:
    """By limb, then by side, then by joint."""
    amplitudes = np.ones(len(JOINTS))
    for limb, by_side, by_joint in ((_ARMS, 0.1, 0.05), (_LEGS, 0.02, 0.01), (_TRUNK, 0, 0.05)):
        amplitudes[limb] = random.uniform(SMALLEST, LARGEST) * random.normal(1, by_joint, len(limb))
        left = [joint for joint in limb if JOINTS[joint].startswith("left")]
        right = [joint for joint in limb if JOINTS[joint].startswith("right")]
        uneven = np.exp(random.normal(0, by_side))
        amplitudes[left] *= uneven
        amplitudes[right] /= uneven
    # Feet stay where they are when the legs undo what the hips do. Hips that turn much more than in the source topple.
    amplitudes[_HIPS] = np.clip(amplitudes[_LEGS].mean(), 0.8, 1.2)
    return np.clip(amplitudes, SMALLEST, LARGEST)


def _posture(random: np.random.Generator) -> Floats:
    """Radians `[22, 3]`; what both sides have in common is more than what they have not."""
    posture = np.zeros((len(JOINTS), 3))
    for name, spread in _POSTURE.items():
        common = random.normal(0, spread) * 0.8
        common += {"upper arm": (0, 0, _OUTWARD_DEGREES), "forearm": (0, _BENT_DEGREES, 0)}.get(name, (0, 0, 0))
        if name in INDEX:
            posture[INDEX[name]] = common
            continue
        for side, sign in SIDES:
            posture[INDEX[f"{side} {name}"]] = (common + random.normal(0, spread) * 0.6) * (1, sign, sign)
    return np.radians(np.clip(posture + _stance(random), -_MOST_DEGREES, _MOST_DEGREES))


def _stance(random: np.random.Generator) -> Floats:
    """Legs wider, more bent, one ahead, toes out, in degrees `[22, 3]`: soles stay level."""
    wide, bent = np.clip(random.normal(2, 3), -2, 9), min(abs(random.normal(0, 4)), 7)
    ahead, out = np.clip(random.normal(0, 3), -6, 6), np.clip(random.normal(2, 4), -5, 12)
    stance = np.zeros((len(JOINTS), 3))
    for side, sign in SIDES:
        stance[INDEX[f"{side} thigh"]] = (-bent - sign * ahead, sign * out, sign * wide)
        stance[INDEX[f"{side} shin"]] = (2 * bent, 0, 0)
        stance[INDEX[f"{side} foot"]] = (-bent + sign * ahead, 0, -sign * wide)
    return stance


def _wandering(random: np.random.Generator) -> Floats:
    """Radians `[22, 3]`."""
    most = np.array([_WANDERING.get(name.removeprefix("left ").removeprefix("right "), 0.0) for name in JOINTS])
    return np.asarray(np.radians(most[:, None] * random.uniform(0, 1.4, (len(JOINTS), 3)) * random.uniform(0.4, 1)))


def _way(source: Motion, moments_s: Floats) -> Motion:
    """The soft way from the first pose to the last: both stay what they are."""
    share = (moments_s / max(source.seconds, 1e-9))[:, None]
    share = share * share * (3 - 2 * share)
    first, last = source.turns[:1], source.turns[-1:]
    return Motion(blend(first, last, share[..., None]), source.hips[:1] * (1 - share) + source.hips[-1:] * share)
