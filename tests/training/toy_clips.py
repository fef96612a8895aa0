"""Small shards: each clip shows one colour per class, so a test can tell what it looks at."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from movinet_edge.training.clips import FRAMES_PER_CLIP, Poses, write_shard


def picture(value: int, side_px: int = 32) -> bytes:
    """A JPEG picture of one grey."""
    return bytes(cv2.imencode(".jpg", np.full((side_px, side_px, 3), value, np.uint8))[1])


def write_toy(
    folder: Path,
    clips: Sequence[Sequence[int]],
    number: int = 0,
    poses: Poses | None = None,
    meta: Mapping[str, object] | None = None,
) -> Path:
    """A shard of clips of the given classes per frame; the grey of frame f of clip c is 8 × f + c."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"shard_{number:05}.npz"
    pictures = [picture(8 * frame + clip) for clip in range(len(clips)) for frame in range(len(clips[clip]))]
    metas = [{"clip": clip, **(meta or {})} for clip in range(len(clips))]
    write_shard(path, pictures, np.array(clips, np.int16), metas, poses)
    return path


def steady(*classes: int) -> list[list[int]]:
    """Clips of one class each."""
    return [[label] * FRAMES_PER_CLIP for label in classes]
