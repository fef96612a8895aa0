"""Arms as people hold them when it does not matter, drawn at random."""

import numpy as np

from movinet_edge.training.render.composed.footing import mirrored
from movinet_edge.training.render.keyframes import Angles

Random = np.random.Generator


def left_arm(random: Random, *, highest: float = 1.0) -> dict[str, Angles]:
    """From hanging (0) to `highest`, where 1 is level and ahead, mostly low and near the body; the elbow anyhow."""
    raised = highest * float(random.beta(0.9, 1.9))
    return {
        "left upper arm": (20 - 115 * raised, random.uniform(-10, 30), random.uniform(-84, -50) + 25 * raised),
        "left forearm": (0, -random.uniform(5, 135), random.uniform(-20, 20)),
        "left hand": (random.uniform(-15, 15), 0, random.uniform(-25, 25)),
    }


def arms(random: Random, *, highest: float = 1.0) -> dict[str, Angles]:
    """Both alike, each for itself, or one, and the other as it was."""
    left = left_arm(random, highest=highest)
    choice = random.random()
    if choice < 0.4:
        return left | mirrored(left)
    if choice < 0.7:
        return left | mirrored(left_arm(random, highest=highest))
    return left if random.random() < 0.5 else mirrored(left)
