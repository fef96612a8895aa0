"""The sums of one stream's pools, side by side in one vector: what a frame added, and what the next goes on with."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import PoolSpec, StateSpec


class PoolSums:
    """What all kinds of sessions have in common.

    Attributes:
        sums: float32 `[channels of all pools]`, in the order of the interface's pools: what the next frame takes in.
        contributions: float32, the same shape: what the last frame added; zeros before the first.
        parts: the channels of each pool in both.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        ends = np.cumsum([0, *channels]).tolist()
        self.parts = [slice(start, end) for start, end in itertools.pairwise(ends)]
        self.sums: NDArray[np.float32] = np.zeros(ends[-1], np.float32)
        self.contributions: NDArray[np.float32] = np.zeros(ends[-1], np.float32)

    def clear_sums(self) -> None:
        """As before the first frame."""
        self.sums.fill(0.0)
        self.contributions.fill(0.0)


class GraphPools(PoolSums, ABC):
    """Pools whose sums the graph keeps among its states: what a frame added is the difference of two sums."""

    def __init__(self, pools: Sequence[PoolSpec]) -> None:
        super().__init__([pool.channels for pool in pools])
        self._pools = pools

    @abstractmethod
    def read(self, state: StateSpec) -> NDArray[Any]:
        """The value that the next frame will take in, flat; a copy."""

    @abstractmethod
    def write(self, state: StateSpec, value: NDArray[Any]) -> None:
        """Replace the value that the next frame will take in; `value` is flat and of the state's dtype."""

    def take_sums(self) -> None:
        """After a frame: see what came out of it."""
        np.copyto(self.contributions, self.sums)
        for pool, part in zip(self._pools, self.parts, strict=True):
            self.sums[part] = self.read(pool.buffer)
        np.subtract(self.sums, self.contributions, out=self.contributions)

    def feed(self, sums: NDArray[np.float32], frames: int) -> None:
        """Go on with these sums of so many frames."""
        np.copyto(self.sums, sums)
        for pool, part in zip(self._pools, self.parts, strict=True):
            self.write(pool.buffer, sums[part])
            self.write(pool.count, np.full(1, frames, pool.count.source.dtype))


class HostPools(PoolSums):
    """Pools of a rewritten file: the graph says what a frame adds, and the sums and the one count are kept here."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(channels)
        self.count = 0
        self.totals = [self.sums[part] for part in self.parts]
        self.added = [self.contributions[part] for part in self.parts]

    def clear_sums(self) -> None:
        """As before the first frame."""
        super().clear_sums()
        self.count = 0

    def feed(self, sums: NDArray[np.float32], frames: int) -> None:
        """Go on with these sums of so many frames."""
        np.copyto(self.sums, sums)
        self.count = frames
