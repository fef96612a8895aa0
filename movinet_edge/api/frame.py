"""A picture and the moment it belongs to: what a source gives and the engine takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Colour: TypeAlias = Literal["rgb", "bgr", "rgba", "bgra", "grey"]
"""The order of a picture's channels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream.

    Attributes:
        image: uint8 `[height, width, channels]` (or `[height, width]` for grey), values 0 to 255.
            uint16 is accepted too and read as 0 to 65535.
        time_s: seconds on the stream's own clock (a file's presentation timestamp); never falls within a stream,
            unless `discontinuity` is set.
        colour: the order of the channels.
        wall_time_s: seconds since 1970 (UTC) when the picture was taken, for the times in events.
        discontinuity: this picture does not follow the one before it (a new file, a reconnect, a seek): whatever
            was remembered of the stream is forgotten before it is looked at.
    """

    image: NDArray[Any]
    time_s: float
    colour: Colour = "rgb"
    wall_time_s: float | None = None
    discontinuity: bool = False

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self.image.shape[1]), int(self.image.shape[0])


def _whole(width_px: int, height_px: int) -> tuple[int, int]:
    return width_px, height_px


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """What the daemon will look at, so that a source can avoid the work for the rest. All of it is a hint.

    Attributes:
        fps: frames per second that will be looked at; None means every frame.
        size_for: `(width, height)` of a decoded picture → the smallest size in pixels that loses nothing the model
            would see; never larger than the picture. A source that can scale cheaply while it converts should.
    """

    fps: float | None = None
    size_for: Callable[[int, int], tuple[int, int]] = _whole


# The tolerance absorbs the rounding of timestamps, not the jitter of a camera.
_TOLERANCE_S = 1e-4


class Sampler:
    """Says which frames of a stream to look at so that `fps` of them are looked at per second of the stream's clock.

    The grid is anchored at the first frame, so the pace does not drift; sampling what was sampled changes nothing.
    """

    __slots__ = ("_next_s", "_period_s")

    def __init__(self, fps: float | None) -> None:
        if fps is not None and not (np.isfinite(fps) and fps > 0):
            raise ValueError(f"fps must be a positive number or None, not {fps!r}")
        self._period_s = 0.0 if fps is None else 1.0 / fps
        self._next_s: float | None = None

    def due(self, time_s: float) -> bool:
        """True when the frame at `time_s` seconds is to be looked at."""
        if self._period_s == 0.0:
            return True
        if self._next_s is None:
            self._next_s = time_s
        missed = time_s - self._next_s
        if missed < -_TOLERANCE_S:
            if missed > -2.0 * self._period_s:
                return False
            self._next_s = time_s  # the clock went back: start a new grid
            missed = 0.0
        self._next_s += self._period_s * (1 + int((missed + _TOLERANCE_S) / self._period_s))
        return True

    def reset(self) -> None:
        """Forget the grid; the next frame is due."""
        self._next_s = None
