"""Varies clips for training: one view, one light and one camera's faults for all frames of a clip."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]

_SMALLEST_PART_PX = 48.0
"""Less of a rendered picture is only coarse pixels."""
_PART_SHIFT = 0.08
"""How far, as a share of its side, a part is shown off its middle."""


@dataclass(frozen=True, slots=True)
class Variety:
    """How far clips are varied.

    Attributes:
        zoom: the part of the picture that is seen, as a factor on its side.
        aspect: width by height of that part. The engine stretches what a camera gives to a square, so people on wide
            pictures come out narrow: the range leans to that side.
        turn_degrees: largest rotation.
        grey, blur, noise, cover: how often colour goes, the picture is out of focus, is noisy, is hidden in part.
    """

    zoom: tuple[float, float] = (0.7, 1.1)
    aspect: tuple[float, float] = (0.8, 1.6)
    turn_degrees: float = 5.0
    grey: float = 0.15
    blur: float = 0.15
    noise: float = 0.2
    cover: float = 0.15


@dataclass(frozen=True, slots=True)
class Part:
    """A square part of a clip's pictures: its middle `[2]` and its side, in px."""

    middle: NDArray[np.float64]
    side: float


def part_around(joints_px: NDArray[np.float32], margin: float) -> Part | None:
    """The part that shows a person in all frames of a window, `margin` times as large as needed.

    Args:
        joints_px: `[frames, 13, 2]`, NaN where nobody is.
        margin: above 1; joints are inside the body, so 1.2 is about what shows all of it.

    Returns:
        None where nobody is in any frame.
    """
    places = joints_px.reshape(-1, 2)
    places = places[~np.isnan(places).any(1)]
    if not len(places):
        return None
    low, high = places.min(0).astype(np.float64), places.max(0).astype(np.float64)
    return Part((low + high) / 2, max(_SMALLEST_PART_PX, float((high - low).max())) * margin)


def fit(pictures: Pictures, size_px: int) -> Pictures:
    """The pictures at the network's size, with nothing varied: uint8 `[frames, size, size, 3]`."""
    return np.stack([cv2.resize(picture, (size_px, size_px), interpolation=cv2.INTER_AREA) for picture in pictures])


def vary(
    pictures: Pictures,
    size_px: int,
    rng: np.random.Generator,
    *,
    part: Part | None = None,
    variety: Variety | None = None,
) -> tuple[Pictures, NDArray[np.float64]]:
    """A variant of a clip.

    Args:
        pictures: uint8 `[frames, height, width, 3]`, RGB.
        size_px: side of the result.
        rng: all chance comes from it.
        part: what to show; None leaves that to chance.
        variety: how far to go.

    Returns:
        The pictures, uint8 `[frames, size, size, 3]`, and the matrix `[2, 3]` from their places to those of the source.
    """
    variety = variety or Variety()
    view = _random_view(pictures.shape[1:3], size_px, rng, variety, part)
    table = _random_light(rng)
    seen = np.stack([cv2.LUT(_look(picture, view, size_px), table) for picture in pictures])
    if rng.random() < variety.grey:
        seen[:] = np.einsum("fhwc,c->fhw", seen, [0.299, 0.587, 0.114])[..., None].astype(np.uint8)
    if rng.random() < variety.blur:
        width = float(rng.uniform(0.4, 1.3))
        seen = np.stack([cv2.GaussianBlur(picture, (0, 0), width) for picture in seen])
    if rng.random() < variety.noise:
        seen = _noisy(seen, rng)
    if rng.random() < variety.cover:
        _cover(seen, rng)
    return seen, view


def _random_view(
    shape_px: tuple[int, ...], size_px: int, rng: np.random.Generator, variety: Variety, part: Part | None
) -> NDArray[Any]:
    """Matrix float64 `[2, 3]` from places in the result to those in the source."""
    height, width = shape_px
    zoom = rng.uniform(*variety.zoom) if part is None else part.side / width
    stretch = np.exp(rng.uniform(*np.log(variety.aspect)) / 2)
    angle = np.deg2rad(rng.uniform(-variety.turn_degrees, variety.turn_degrees))
    across, down = zoom * stretch * width / size_px, zoom / stretch * height / size_px
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos * across * mirror, -sin * down], [sin * across * mirror, cos * down]])
    free = np.abs(1.0 - np.array([zoom * stretch, zoom / stretch])) / 2
    if part is None:
        centre = np.array([width, height]) * (0.5 + rng.uniform(-free, free))
    else:
        centre = part.middle + part.side * rng.uniform(-_PART_SHIFT, _PART_SHIFT, 2)
    return np.column_stack([linear, centre - linear @ np.full(2, size_px / 2)])


def _look(picture: Pictures, view: NDArray[Any], size_px: int) -> Pictures:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # OpenCV's places are those of pixels' middles.
    centres = view + np.column_stack([np.zeros((2, 2)), view[:, :2] @ (0.5, 0.5) - 0.5])
    return np.asarray(
        cv2.warpAffine(picture, centres, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def _random_light(rng: np.random.Generator) -> Pictures:
    """What becomes of each value of each channel, as another light would have it: uint8 `[1, 256, 3]`."""
    values = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, 0.25))
    values = (values - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.08)
    values = values * np.exp(rng.normal(0, 0.08, 3))
    table: Pictures = (values.clip(0, 1) * 255).round().astype(np.uint8)[None]
    return table


def _noisy(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    # One field of noise, moved from frame to frame, is as good as new noise for each, and much cheaper.
    field = rng.normal(0, rng.uniform(2, 12), pictures.shape[1:])
    shifts = rng.integers(0, pictures.shape[1], (len(pictures), 2))
    fields = np.stack([np.roll(field, tuple(shift), (0, 1)) for shift in shifts])
    return np.asarray((pictures + fields).clip(0, 255), np.uint8)


def _cover(pictures: Pictures, rng: np.random.Generator) -> None:
    """Hide a rectangle behind one colour, in place."""
    side = pictures.shape[1]
    height, width = (rng.uniform(0.1, 0.35, 2) * side).astype(int)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    pictures[:, top : top + height, left : left + width] = rng.integers(0, 256, 3)
