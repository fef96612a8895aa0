"""How an exported file runs: whether an hour of stream changes what it says, and its time beside another file's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine import Model
from movinet_edge.engine.measure import STREAM_FPS, stepper
from movinet_edge.engine.measure_rows import in_turn
from movinet_edge.training.architecture import LAYERS
from movinet_edge.training.clips import ClipFolder

HOUR_FRAMES = round(3600 * STREAM_FPS)
LOOK_BACK_FRAMES = sum(layer.past_frames for layer in LAYERS)
"""What all layers in a row remember, beside the frames that the pool does."""
_LOOKS = 12
_CLIPS = 60
_TIMED_FRAMES = 400


def drift_after(model: Model, clips: ClipFolder, window: int, frames: int = HOUR_FRAMES) -> float:
    """How far a long stream's scores are from those of fresh streams that see its last frames alone, at the worst.

    Args:
        model: the exported file.
        clips: whose pictures the stream shows, clip after clip, over and over.
        window: frames that the pool remembers.
        frames: of the stream; the comparisons are spread evenly over it, the last one at its end.

    Returns:
        The largest difference of a score, in [0, 1], over all classes and comparisons.
    """
    pictures = np.concatenate(
        [clips.frames(clip, range(clips.labels.shape[1])) for clip in range(min(_CLIPS, len(clips)))]
    )
    looks = {frames * (number + 1) // _LOOKS - 1 for number in range(_LOOKS)}
    state, worst = model.new_state(window=window), 0.0
    for number in range(frames):
        scores = model.step(pictures[number % len(pictures)], state)
        if number in looks:
            first = max(0, number + 1 - window - LOOK_BACK_FRAMES)
            fresh = _last_scores(model, [pictures[n % len(pictures)] for n in range(first, number + 1)], window)
            worst = max(worst, float(np.abs(scores - fresh).max()))
    return worst


def _last_scores(model: Model, pictures: Sequence[NDArray[np.uint8]], window: int) -> NDArray[np.float32]:
    state = model.new_state(window=window)
    for picture in pictures:
        scores = model.step(picture, state)
    return scores


def time_ratio(model: Model, other: Model) -> float:
    """Time per frame of one model as a multiple of another's: the median over rows of frames that ran in turn."""
    ours, theirs = in_turn({"ours": stepper(model), "theirs": stepper(other)}, _TIMED_FRAMES).values()
    return float(np.median(np.median(ours, axis=1) / np.median(theirs, axis=1)))
