"""Surfaces: pictures that repeat, made of noise, tiles, planks, bricks and stripes."""

import cv2
import numpy as np

from movinet_edge.training.render.clothing import fabric_colour
from movinet_edge.training.render.rotation import Floats

SIZE_PX = 128
KINDS = ("plain", "plaster", "tiles", "planks", "bricks", "stripes", "carpet", "grass")


def texture(kind: str, random: np.random.Generator) -> Floats:
    """A picture `[128, 128, 3]`, RGB, 0 to 255, whose edges fit each other well enough; `kind` is one of `KINDS`."""
    if kind not in KINDS:
        raise ValueError(f"there is no surface {kind!r}; known are {', '.join(KINDS)}")
    base = _wall_colour(random) if kind in {"plain", "plaster"} else _dulled(fabric_colour(random) * 0.75 + 35)
    if kind == "grass":
        base = np.array([random.uniform(50, 120), random.uniform(80, 140), random.uniform(30, 70)])
    grain = _noise(random, 4) * random.uniform(0.02, 0.10) + _noise(random, 32) * random.uniform(0.01, 0.08)
    factor = 1 + grain + _joints(kind, random)
    if kind in {"carpet", "grass"}:
        factor = factor + _noise(random, 64) * random.uniform(0.05, 0.25)
    return np.asarray(np.clip(base * factor[..., None], 0, 255), np.float32)


def _dulled(colour: Floats) -> Floats:
    """Floors and furniture are wood, stone and grey cloth more often than violet."""
    return np.asarray(colour * 0.5 + colour.mean() * 0.5 * np.array([1.05, 1.0, 0.92]))


def _wall_colour(random: np.random.Generator) -> Floats:
    return np.clip(random.uniform(90, 245) + random.normal(0, 11, size=3), 20, 255)


def _noise(random: np.random.Generator, cells: int) -> Floats:
    coarse = random.normal(0, 1, size=(cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_CUBIC))


def _joints(kind: str, random: np.random.Generator) -> Floats:
    """Lines between tiles, planks or bricks, and how these differ."""
    pattern = np.zeros((SIZE_PX, SIZE_PX), np.float32)
    depth = random.uniform(0.1, 0.45) * random.choice([-1, 1], p=[0.8, 0.2])
    count = int(random.choice([2, 4, 8]))
    step = SIZE_PX // count
    if kind in {"tiles", "planks", "bricks"}:
        columns = {"tiles": count, "planks": 1, "bricks": max(count // 2, 1)}[kind]
        for row in range(count):
            shift = (row % 2) * (SIZE_PX // columns // 2) if kind == "bricks" else 0
            for column in range(columns):
                left = column * (SIZE_PX // columns)
                pattern[row * step : (row + 1) * step, left : left + SIZE_PX // columns] = random.normal(0, 0.08)
            pattern[row * step : (row + 1) * step] = np.roll(pattern[row * step : (row + 1) * step], shift, axis=1)
            pattern[row * step] -= depth
            if kind != "planks":
                joints = np.arange(0, SIZE_PX, SIZE_PX // columns) + shift
                pattern[row * step : (row + 1) * step, joints % SIZE_PX] -= depth
    elif kind == "stripes":
        pattern[:, (np.arange(SIZE_PX) // max(step // 2, 1)) % 2 == 0] -= depth
    return pattern
