"""Smoothers: they calm the scores from frame to frame before thresholds are applied. Time comes with the data."""

import math
from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions.rule import TOLERANCE_S

_FIRST_ROWS = 32
"""Six seconds at the models' five frames per second; a window that needs more grows."""


class Smoother(Protocol):
    """Scores in, calmer scores out. Keeps the past of one stream."""

    def step(self, time_s: float, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The smoothed scores at `time_s`, which is later than at the call before.

        Args:
            time_s: the stream's clock; the steps need not be even.
            scores: float32 `[actions]`, 0 to 1; kept unchanged, and not kept hold of.

        Returns:
            float32 `[actions]`, 0 to 1; may be overwritten by the next call.
        """
        ...

    def reset(self) -> None:
        """Forget the past: the next step is the first."""
        ...


class Ema:
    """Exponential moving average: what was seen `half_life_s` ago weighs half of what is seen now.

    The weight comes from the time between two frames, so dropped frames and uneven steps do not change its pace. The
    first frame is taken as it is. A half-life of zero is no smoothing at all.
    """

    __slots__ = ("_half_life_s", "_smoothed", "_time_s")

    def __init__(self, half_life_s: float) -> None:
        if not (math.isfinite(half_life_s) and half_life_s >= 0.0):
            raise ValueError(f"the half-life must be zero or more seconds and finite, not {half_life_s!r}")
        self._half_life_s = half_life_s
        self._smoothed: NDArray[np.float32] | None = None
        self._time_s = 0.0

    def step(self, time_s: float, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Smoother.step`."""
        if self._smoothed is None or self._half_life_s == 0.0:
            self._smoothed = scores.astype(np.float32)
        else:
            kept = 0.5 ** ((time_s - self._time_s) / self._half_life_s)
            self._smoothed += np.float32(1.0 - kept) * (scores - self._smoothed)
        self._time_s = time_s
        return self._smoothed

    def reset(self) -> None:
        """See `Smoother.reset`."""
        self._smoothed = None


class _Window:
    """The scores of the frames of the last `seconds`, as consecutive rows of one array."""

    __slots__ = ("_end", "_rows", "_seconds", "_times")

    def __init__(self, seconds: float) -> None:
        if not (math.isfinite(seconds) and seconds > 0.0):
            raise ValueError(f"the window must be more than zero seconds and finite, not {seconds!r}")
        self._seconds = seconds
        self._times: deque[float] = deque()
        self.clear()

    def clear(self) -> None:
        self._times.clear()
        self._rows = np.empty((0, 1), dtype=np.float32)
        self._end = 0

    def push(self, time_s: float, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add a frame, drop what is too old. Returns float32 `[frames, actions]`, oldest first, at least one frame."""
        while self._times and time_s - self._times[0] > self._seconds - TOLERANCE_S:
            self._times.popleft()
        if self._end == len(self._rows):
            self._make_room(len(scores))
        self._rows[self._end] = scores
        self._end += 1
        self._times.append(time_s)
        return self._rows[self._end - len(self._times) : self._end]

    def _make_room(self, actions: int) -> None:
        """Move what is still in the window to the front, into a larger array where it fills half or more."""
        alive = self._rows[self._end - len(self._times) : self._end]
        if 2 * len(alive) >= len(self._rows):
            self._rows = np.empty((max(_FIRST_ROWS, 2 * len(self._rows)), actions), dtype=np.float32)
        self._rows[: len(alive)] = alive
        self._end = len(alive)


class RollingMean:
    """The mean over the frames of the last `seconds`, each counted alike. At the start over those there are."""

    __slots__ = ("_window",)

    def __init__(self, seconds: float) -> None:
        self._window = _Window(seconds)

    def step(self, time_s: float, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Smoother.step`."""
        mean: NDArray[np.float32] = self._window.push(time_s, scores).mean(axis=0)
        return mean

    def reset(self) -> None:
        """See `Smoother.reset`."""
        self._window.clear()


class RollingMedian:
    """The median over the frames of the last `seconds`: a burst shorter than half of that leaves no trace."""

    __slots__ = ("_window",)

    def __init__(self, seconds: float) -> None:
        self._window = _Window(seconds)

    def step(self, time_s: float, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Smoother.step`."""
        ordered = np.sort(self._window.push(time_s, scores), axis=0)
        upper = len(ordered) // 2
        if len(ordered) % 2:
            middle: NDArray[np.float32] = ordered[upper]
        else:
            middle = (ordered[upper - 1] + ordered[upper]) * np.float32(0.5)
        return middle

    def reset(self) -> None:
        """See `Smoother.reset`."""
        self._window.clear()
