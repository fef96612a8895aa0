"""Reads a clip for the engine's tests as the daemon samples it: by timestamp, at the model's pace."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import Sampler

MODEL_FPS = 5.0

Pictures = list[NDArray[np.uint8]]


def clip_pictures(path: Path) -> Pictures:
    """The frames that are due at 5 fps: uint8 RGB `[height, width, 3]`."""
    sampler, pictures = Sampler(MODEL_FPS), []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            if sampler.due(frame.time):
                pictures.append(frame.to_ndarray(format="rgb24"))
    return pictures
