"""Times several ways to do the same, a row of each in turn, so that a busy machine slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Frames of one way in a row, so that it finds the processor's caches as its own loop would leave them; the first of
# each row are not counted, since they find those of the way before.
_ROW, _SETTLING = 20, 3


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds per frame of one way to run a frame."""

    name: str
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @classmethod
    def of(cls, name: str, times_ms: NDArray[np.float64]) -> "Timing":
        """From the times of single frames, of any shape."""
        return cls(name, *np.percentile(times_ms, (50, 95, 99)).tolist())


def in_turn(ways: Mapping[str, Callable[[], object]], frames: int) -> dict[str, NDArray[np.float64]]:
    """Time at least `frames` frames of each way.

    Returns:
        Of each way float64 `[rows, frames of a row]` in milliseconds. Rows of the same number ran side by side, so what
        is computed row by row is not blurred by a machine that drifts.
    """
    rows = -(-frames // _ROW)
    times_ms = {name: np.empty((rows, _ROW)) for name in ways}
    for row in range(rows):
        for name, run in ways.items():
            for column in range(-_SETTLING, _ROW):
                began = time.perf_counter()
                run()
                if column >= 0:
                    times_ms[name][row, column] = (time.perf_counter() - began) * 1e3
    return times_ms
