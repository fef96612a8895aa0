"""The ways in which one recording is shown while teaching, so that few examples say more: mirrored, slower, closer."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Crop: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """One way to show a recording.

    Attributes:
        mirrored: left and right change places.
        speed: seconds of video per second that the model is told of.
        crop: x, y, width, height of the part to show, fractions of the picture.
    """

    mirrored: bool = False
    speed: float = 1.0
    crop: Crop = (0.0, 0.0, 1.0, 1.0)

    def at(self, image: NDArray[Any]) -> NDArray[Any]:
        """What is seen of a picture `[height, width, …]`; the dtype stays."""
        height, width = image.shape[:2]
        x, y, part_width, part_height = self.crop
        rows = slice(round(y * height), max(1, round((y + part_height) * height)))
        columns = slice(round(x * width), max(1, round((x + part_width) * width)))
        seen = image[rows, columns]
        return np.ascontiguousarray(seen[:, ::-1] if self.mirrored else seen)


AS_IT_IS = Look()

LOOKS = (
    AS_IT_IS,
    Look(mirrored=True),
    # A fifth slower or faster is how people differ; more would make a fall of lying down.
    Look(speed=0.8),
    Look(mirrored=True, speed=1.25),
    # Nearer by a sixth, from two sides: cameras hang at different distances.
    Look(crop=(0.1, 0.0, 0.85, 0.85)),
    Look(mirrored=True, crop=(0.05, 0.1, 0.85, 0.9)),
)
"""Those that teaching uses. A recording without mirror images (text, traffic, left and right hands) leaves some out."""


def looks(*, mirror: bool) -> tuple[Look, ...]:
    """The looks to use; without the mirrored where left and right mean something."""
    if mirror:
        return LOOKS
    return tuple(dict.fromkeys(Look(False, look.speed, look.crop) for look in LOOKS))
