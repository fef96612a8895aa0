"""A contact sheet: some clips of each class, a row each, to be looked at by a person."""

from pathlib import Path

import cv2
import numpy as np

from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import Split
from movinet_edge.training.render.clip import Clip, ClipMaker
from movinet_edge.training.render.film import Pictures

_EVERY = 3  # frames; eight pictures a row show a clip of 24


def write_sheet(
    path: Path, assets: Path, split: Split, seed: int, *, labels: tuple[str, ...] = LABELS, each: int = 1
) -> None:
    """Write a picture with `each` clips of each class; every picture carries the class of its frame."""
    maker = ClipMaker(Assets(assets), split, seed)
    rows = [
        _row(maker.make(10_000 + copy * len(LABELS) + LABELS.index(label), label), label)
        for label in labels
        for copy in range(each)
    ]
    if not cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} could not be written")


def _row(clip: Clip, label: str) -> Pictures:
    pictures = []
    for picture, shown in list(zip(clip.pictures, clip.labels.tolist(), strict=True))[::_EVERY]:
        pictures.append(_noted(picture, LABELS[shown] if shown != UNLABELLED else "?", 12, 0.42))
    motions = " > ".join(motion.partition("/")[2] for motion in clip.motions)
    return np.hstack([_noted(pictures[0], label, 186, 0.42), _noted(pictures[1], motions, 186, 0.32), *pictures[2:]])


def _noted(picture: Pictures, text: str, baseline_px: int, scale: float) -> Pictures:
    """A copy with a line of text."""
    colour = (255, 255, 0)
    return cv2.putText(  # type: ignore[no-any-return]
        picture.copy(), text, (3, baseline_px), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA
    )
