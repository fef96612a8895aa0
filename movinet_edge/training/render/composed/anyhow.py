"""Arms, trunks and feet as people hold them when it does not matter, drawn at random."""

import numpy as np

from movinet_edge.training.render.composed.footing import LEFT, RIGHT, mirrored
from movinet_edge.training.render.keyframes import Angles, Pose

Random = np.random.Generator


def _arm(random: Random) -> Pose:
    """A left arm that is anywhere from hanging to above the shoulder, mostly low and near the body."""
    raised = float(random.beta(0.9, 1.9))
    return {
        "left upper arm": (20 - 115 * raised, random.uniform(-10, 30), random.uniform(-84, -50) + 25 * raised),
        "left forearm": (0, -random.uniform(5, 135), random.uniform(-20, 20)),
        "left hand": (random.uniform(-15, 15), 0, random.uniform(-25, 25)),
    }


def arms(random: Random) -> dict[str, Angles]:
    """Both alike, each for itself, or one that hangs."""
    left = dict(_arm(random))
    choice = random.random()
    if choice < 0.4:
        return left | mirrored(left)
    if choice < 0.7:
        return left | mirrored(_arm(random))
    return left if random.random() < 0.5 else mirrored(left)


def trunk(random: Random, *, bow: float) -> dict[str, Angles]:
    """Looks and leans somewhere, `bow` degrees forward at most."""
    forward, twist = bow * random.beta(1, 2.5), random.normal(0, 10)
    return {
        "spine": (forward * 0.5 - 3, twist * 0.6, random.normal(0, 3)),
        "chest": (forward * 0.5, twist * 0.4, random.normal(0, 2)),
        "neck": (random.uniform(-4, 14), 0, 0),
        "head": (random.uniform(-12, 22), random.normal(0, 24), random.normal(0, 4)),
    }


def feet(random: Random) -> tuple[Angles, Angles]:
    """Near or far apart, side by side or one ahead."""
    wide, ahead = random.uniform(0, 0.12), random.normal(0, 0.08)
    return (LEFT[0] + wide, 0.0, ahead), (RIGHT[0] - wide, 0.0, -ahead)
