"""A toy trunk that sees colours, and clips of flat colours to teach it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clips import write_clip
from toy_model import Block, ToySpec, write

from movinet_edge.engine import Model, load_model

COLOURS = {"blue": (20, 30, 200), "grey": (90, 90, 90), "green": (20, 160, 40), "dark": (15, 15, 15)}


@pytest.fixture(scope="session")
def trunk(tmp_path_factory) -> Model:
    """A toy with four labels."""
    path = write(
        ToySpec(size_px=32, classes=4, head=16, spread=4.0, seed=21, blocks=(Block(4, (3,)),)),
        tmp_path_factory.mktemp("trunk") / "toy.tflite",
    )
    return load_model(path, name="toy", labels=("one", "two", "three", "four"), fast=False)


@pytest.fixture
def clip(tmp_path) -> Callable[..., Path]:
    """Write a clip at 10 fps: `clip("name.mkv", ("blue", 2), …)`; each has a slightly other shade."""

    def make(name: str, *parts: tuple[str, float]) -> Path:
        shade = np.random.default_rng(list(name.encode())).integers(-12, 12, 3)
        pictures = [COLOURS[colour] for colour, seconds in parts for _ in range(round(seconds * 10))]

        def paint(index: int, width_px: int, height_px: int) -> np.ndarray:
            colour = np.clip(pictures[index] + shade, 0, 255)
            return np.broadcast_to(colour.astype(np.uint8), (height_px, width_px, 3)).copy()

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_clip(path, frames=len(pictures), fps=10, codec="ffv1", paint=paint)

    return make
