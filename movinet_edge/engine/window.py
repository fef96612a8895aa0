"""The sliding-window memory: what to feed back so that every streaming pool averages exactly the last W frames."""

import numpy as np
from numpy.typing import NDArray


class SlidingWindow:
    """Keeps the last W-1 contributions of all pools of one stream, side by side in one vector.

    A streaming pool adds a frame's contribution to its sum and divides by the count. Left alone it averages all frames
    since the start, so after an hour a new second weighs nothing. The sums are ours between two calls: going on with
    the sum of the last W-1 contributions and the count W-1 makes the pools average the last W frames, for ever.
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

    def push(self, contribution: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Take in one frame and say what to go on with.

        Args:
            contribution: float32 `[size]`, what the frame added to the sums.

        Returns:
            float32 `[size]`, the sum of the last W-1 contributions, in a buffer of this object that is valid until the
            next call; None until the window is full, when the pools' own sums are right.
        """
        self._frames += 1
        if self.window == 1:
            return self._sum
        oldest = self._contributions[self._next]
        if self._frames >= self.window:
            self._sum -= oldest
        np.copyto(oldest, contribution)
        self._sum += oldest
        self._next += 1
        if self._next == self.window - 1:
            self._next = 0
            # Adding and subtracting for weeks would drift; once per window the sum is taken afresh.
            np.sum(self._contributions, axis=0, out=self._sum)
        return None if self._frames < self.window - 1 else self._sum

    def reset(self) -> None:
        """Forget everything."""
        self._contributions.fill(0.0)
        self._sum.fill(0.0)
        self._next = 0
        self._frames = 0
