"""The sliding-window memory: what to feed back so that every streaming pool averages exactly the last W frames."""

import numpy as np
from numpy.typing import NDArray


class SlidingWindow:
    """Keeps the last W-1 contributions of all pools of one stream, side by side in one vector.

    A streaming pool gives back `sum_in + contribution` and divides by `count_in + 1`. Left alone it averages all
    frames since the start, so after an hour a new second weighs nothing, and an int8 sum saturates. The sums are ours
    between two calls: feeding back the sum of the last W-1 contributions and the count W-1 makes the pools average
    the last W frames, for ever.
    """

    __slots__ = ("_contributions", "_frames", "_next", "_sum", "window")

    def __init__(self, window: int, size: int) -> None:
        """`window`: frames remembered, at least 1. `size`: channels of all pools together."""
        if window < 1:
            raise ValueError(f"window must be at least 1 frame, not {window}")
        self.window = window
        self._contributions: NDArray[np.float32] = np.zeros((window - 1, size), np.float32)
        self._sum: NDArray[np.float32] = np.zeros(size, np.float32)
        self._next = 0
        self._frames = 0

    @property
    def frames(self) -> int:
        """Frames seen since the start or the last reset."""
        return self._frames

    def push(self, fed: NDArray[np.float32], came: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take in one frame and say what to feed next.

        Args:
            fed: float32 `[size]`, the sums that went into the call.
            came: float32 `[size]`, the sums that came out of it.

        Returns:
            float32 `[size]`: `came` itself until the window is full, then a buffer of this object with the sum of the
            last W-1 contributions; valid until the next call.
        """
        self._frames += 1
        if self.window == 1:
            return self._sum
        oldest = self._contributions[self._next]
        if self._frames >= self.window:
            self._sum -= oldest
        np.subtract(came, fed, out=oldest)
        self._sum += oldest
        self._next += 1
        if self._next == self.window - 1:
            self._next = 0
            # Adding and subtracting for weeks would drift; once per window the sum is taken afresh.
            np.sum(self._contributions, axis=0, out=self._sum)
        return came if self._frames < self.window - 1 else self._sum

    def reset(self) -> None:
        """Forget everything."""
        self._contributions.fill(0.0)
        self._sum.fill(0.0)
        self._next = 0
        self._frames = 0
