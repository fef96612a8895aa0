"""How near what is learned comes to what is held out, so that a model's card can tell what is right without that."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from movinet_edge.training.render.anatomy import pair
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import CATALOGUE, Entry
from movinet_edge.training.render.motion import local_turns
from movinet_edge.training.render.rotation import Floats, matrices
from movinet_edge.training.render.skeleton import INDEX

NEAR_DEGREES = 15.0
"""Below this two poses look alike: people vary by as much in how they hold a joint."""
_LIMBS = [joint for name in ("upper arm", "forearm", "thigh", "shin") for joint in pair(name)]
_LEARNED_EVERY, _HELD_EVERY = 4, 3  # samples of 1/30 s
_LEARNED_TIMES, _HELD_TIMES = 3, 4
_HIPS = INDEX["hips"]


@dataclass(frozen=True, slots=True)
class Nearest:
    """A motion that is held out, the one in training that is nearest to most of its moments, and how near in degrees.

    The distance of two poses is that of what differs most: an arm's or a leg's joint, or which way is up for the hips.
    Of each moment that to the nearest pose of all training counts, of all moments the median. Training is taken without
    the manner of a person that varies it, so it may come nearer.
    """

    held: Entry
    learned: Entry
    degrees: float


def nearest_of_each(assets: Assets, seed: int = 0) -> Iterator[Nearest]:
    """Of every motion that is held out; motions are taken as their sources show them, composed ones several times."""
    learned = [entry for entry in CATALOGUE if entry.split == "train"]
    poses = [
        _poses(assets, entry, _LEARNED_TIMES * entry.times, _LEARNED_EVERY, seed, mirror=True) for entry in learned
    ]
    owners = np.repeat(np.arange(len(learned)), [len(some.ups) for some in poses])
    known = _Poses(*(np.concatenate(parts) for parts in zip(*poses, strict=True)))
    for entry in CATALOGUE:
        if entry.split == "held":
            shown = _poses(assets, entry, _HELD_TIMES, _HELD_EVERY, seed, mirror=False)
            distances = np.stack([known.degrees_from(limbs, up) for limbs, up in zip(*shown, strict=True)])
            owner = np.bincount(owners[distances.argmin(1)]).argmax()
            yield Nearest(entry, learned[owner], float(np.median(distances.min(1))))


class _Poses(NamedTuple):
    """Turns of limbs against their parents `[poses, 8, 4]`, and which way is up for the hips `[poses, 3]`; float32."""

    limbs: Floats
    ups: Floats

    def degrees_from(self, limbs: Floats, up: Floats) -> Floats:
        """How far each of these is from one pose, `[poses]`."""
        alike = np.abs(np.einsum("pjk,jk->pj", self.limbs, limbs)).min(1)
        tilted = np.arccos(np.clip(self.ups @ up, -1, 1))
        return np.asarray(np.degrees(np.maximum(2 * np.arccos(np.minimum(alike, 1)), tilted)))


def _poses(assets: Assets, entry: Entry, times: int, every: int, seed: int, *, mirror: bool) -> _Poses:
    """Of so many performances of a composed motion, or of the one that there is; with mirror images, or without."""
    limbs, ups = [], []
    for performance in range(times if entry.make is not None else 1):
        motion = assets.motion(entry, np.random.default_rng([seed, performance]))
        for way in (motion, motion.mirrored()) if mirror else (motion,):
            limbs.append(local_turns(way.turns)[::every][:, _LIMBS])
            ups.append(matrices(way.turns[::every, _HIPS])[:, 1])  # the row that gives heights
    return _Poses(np.concatenate(limbs).astype(np.float32), np.concatenate(ups).astype(np.float32))
