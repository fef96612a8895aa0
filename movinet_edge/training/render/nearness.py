"""How near what is learned comes to what is held out, so that a model's card can tell what is right without that."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from movinet_edge.training.render.anatomy import pair
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import CATALOGUE, Entry
from movinet_edge.training.render.motion import local_turns
from movinet_edge.training.render.rotation import Floats

NEAR_DEGREES = 15.0
"""Below this a pose is the same to the eye: people vary by as much in how they hold a joint."""
_LIMBS = [joint for name in ("upper arm", "forearm", "thigh", "shin") for joint in pair(name)]
_LEARNED_EVERY, _HELD_EVERY = 4, 3  # samples of 1/30 s
_LEARNED_TIMES, _HELD_TIMES, _HELD_POSES = 3, 4, 60


@dataclass(frozen=True, slots=True)
class Nearest:
    """A motion that is held out, the one in training that is nearest to most of its moments, and how near in degrees.

    The distance of two poses is that of the arm or leg joint that differs most; of each moment that to the nearest pose
    of all training counts, of all moments the median. Where the trunk points is not compared.
    """

    held: Entry
    learned: Entry
    degrees: float


def nearest_of_each(assets: Assets, seed: int = 0) -> Iterator[Nearest]:
    """Of every motion that is held out; motions are taken as their sources show them, composed ones several times."""
    learned = [entry for entry in CATALOGUE if entry.split == "train"]
    poses = [_poses(assets, entry, _LEARNED_TIMES * entry.times, _LEARNED_EVERY, seed) for entry in learned]
    owners = np.repeat(np.arange(len(learned)), [len(some) for some in poses])
    known = np.concatenate(poses)
    for entry in CATALOGUE:
        if entry.split == "held":
            shown = _poses(assets, entry, _HELD_TIMES, _HELD_EVERY, seed)[:_HELD_POSES]
            distances = np.stack([_degrees(known, pose) for pose in shown])
            owner = np.bincount(owners[distances.argmin(1)]).argmax()
            yield Nearest(entry, learned[owner], float(np.median(distances.min(1))))


def _poses(assets: Assets, entry: Entry, times: int, every: int, seed: int) -> Floats:
    """Turns of the limbs against their parents, float32 `[poses, 8, 4]`, of performances and of their mirror images."""
    found = []
    for performance in range(times if entry.make is not None else 1):
        motion = assets.motion(entry, np.random.default_rng([seed, performance]))
        found += [local_turns(way.turns)[::every][:, _LIMBS] for way in (motion, motion.mirrored())]
    return np.concatenate(found).astype(np.float32)


def _degrees(poses: Floats, pose: Floats) -> Floats:
    """How far `pose` `[joints, 4]` is from each of `poses`, `[poses]`."""
    alike = np.abs(np.einsum("pjk,jk->pj", poses, pose)).min(1)
    return np.asarray(np.degrees(2 * np.arccos(np.minimum(alike, 1))))
