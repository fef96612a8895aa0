"""Looks on at the streams: keeps five minutes of scores, and passes on what viewers look at."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.daemon.observers import ScoredFrame

HISTORY_S = 300.0
"""What the line under each picture shows."""

MOST_ACTIONS = 40
"""A stream that watches all 600 labels has no line: nobody could read it, and it would take megabytes."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Smoothed scores of one frame: seconds since 1970, and float32 `[actions]`, 0 to 1."""

    at_s: float
    smoothed: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class History:
    """The last minutes of one stream: what is watched, and its scores, oldest first."""

    actions: tuple[str, ...]
    scores: deque[Scores]


class LiveView:
    """The page's observer. Called by the threads that score and read; asked by the page's own."""

    def __init__(self, on_scored: Callable[[ScoredFrame, float], None]) -> None:
        """`on_scored` gets each frame with the seconds since 1970; it must not block."""
        self._on_scored = on_scored
        self._lock = threading.Lock()
        self._histories: dict[str, History] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._watched: Mapping[str, int] = {}

    def watch(self, widths_px: Mapping[str, int]) -> None:
        """From now on pictures of these streams, by name, are wanted that wide at least."""
        self._watched = dict(widths_px)

    def scored(self, seen: ScoredFrame) -> None:
        """A frame was scored."""
        now_s = time.time()
        if len(seen.actions) <= MOST_ACTIONS:
            self._remember(seen, now_s)
        self._on_scored(seen, now_s)

    def size_for(self, stream: str, width_px: int, height_px: int) -> tuple[int, int]:
        """What the viewers want of a picture of that size."""
        self._sizes[stream] = (width_px, height_px)
        wanted_px = self._watched.get(stream, 0)
        return fitting((width_px, height_px), wanted_px) if wanted_px else (0, 0)

    def picture_size(self, seen: ScoredFrame, wanted_px: int) -> tuple[int, int]:
        """The size of a picture of the frame that is at most so wide, in the shape that the source has.

        A frame comes as the model wants it, perhaps squeezed, until the source has heard that somebody looks.
        """
        return fitting(self._sizes.get(seen.stream, seen.frame.size_px), wanted_px)

    def history(self, stream: str) -> tuple[tuple[str, ...], list[Scores]]:
        """The watched actions, and their scores in the last minutes, oldest first."""
        with self._lock:
            history = self._histories.get(stream)
            return ((), []) if history is None else (history.actions, list(history.scores))

    def _remember(self, seen: ScoredFrame, now_s: float) -> None:
        with self._lock:
            history = self._histories.get(seen.stream)
            if history is None or history.actions != seen.actions:
                history = self._histories[seen.stream] = History(seen.actions, deque())
            history.scores.append(Scores(now_s, seen.smoothed))
            while history.scores[0].at_s < now_s - HISTORY_S:
                history.scores.popleft()


def fitting(size_px: tuple[int, int], width_px: int) -> tuple[int, int]:
    """A size of the same shape, at most so wide and no larger than before."""
    scale = min(1.0, width_px / size_px[0])
    return max(1, round(size_px[0] * scale)), max(1, round(size_px[1] * scale))
