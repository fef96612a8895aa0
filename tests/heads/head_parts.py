"""Heads with random numbers, for tests."""

from collections.abc import Sequence

import numpy as np

from movinet_edge.heads import Head, HeadCard, Trunk

CHANNELS, LABELS = 6, 5
SHA256 = "a" * 64


def make_head(
    name: str = "gym", classes: Sequence[str] = ("squat", "lunge"), windows: Sequence[int] = (2, 5), seed: int = 0
) -> Head:
    """A head on a trunk of 6 channels and 5 labels."""
    random = np.random.default_rng(seed)
    card = HeadCard(
        name=name,
        classes=tuple(classes),
        trunk=Trunk(name="toy", sha256=SHA256, classes=LABELS, channels=CHANNELS),
        windows=tuple(windows),
        fps=5.0,
        memory_window=25,
        figures={classes[0]: {"auc": 0.9, "examples": 3}},
    )
    return Head(
        card,
        random.standard_normal((len(classes), len(windows), CHANNELS), np.float32),
        random.standard_normal((len(classes), LABELS), np.float32),
        random.standard_normal(len(classes), np.float32),
    )
