"""Runs a rewritten file beside the untouched one before anybody relies on it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.rewrite.recipes import Family
from movinet_edge.engine.rewrite.refused import RewriteRefused

FRAMES = 20
"""Enough for every buffer of past frames to have gone round several times: the longest has five places."""


class Stream(Protocol):
    """One stream through a model."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        ...

    def reset(self) -> None:
        """Forget all frames."""
        ...

    def logits(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next frame: float32 `[height, width, 3]`, RGB in [0, 1] → float32 `[classes]`."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rewritten file of a family may differ by.

    Attributes:
        largest: of any logit of any frame from the untouched file's, as a part of the spread of that frame's logits.
        correlation: at least this between all logits of the two.
    """

    largest: float
    correlation: float


FLOAT = Limits(1e-4, 0.999999)
"""For float weights that stay float: rounding in the last bits, where a factor was folded into weights."""

QUANTISED = Limits(0.06, 0.999)
"""For graphs that round activations to 8 bits as they go: what differs in the last bit may be rounded the other way.
Measured on the three families with such a step: at most 0.025 and at least 0.9997."""

STRUCTURE: Mapping[Family, Limits] = {
    "float32": FLOAT,
    "float16": QUANTISED,
    "dynamic": QUANTISED,
    "int8": QUANTISED,
    "int8 with gates": QUANTISED,
}
"""What moving values and states about may change: by this a mistake in the rewriting shows."""

ARITHMETIC: Mapping[Family, Limits] = {
    "float32": FLOAT,
    "float16": Limits(0.05, 0.999),
    "dynamic": Limits(0.5, 0.95),
    "int8": Limits(0.4, 0.97),
    "int8 with gates": Limits(math.inf, 0.2),
}
"""What other arithmetic may change. Measured: int8 weights for float16 0.011 and 0.9999, float depthwise weights 0.21
and 0.983, float sums 0.15 and 0.991. Int8 files with gates are so far from their own float weights that little can be
asked for here, but that the two have something in common: 1.1 and 0.52 on one whose dynamic-range twin the rewritten
file agrees with."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two files are apart over the frames of a self-test.

    Attributes:
        frames: frames compared, both before and after a reset.
        largest_logit: largest difference of a logit.
        largest: the same as a part of the spread of its frame's logits.
        correlation: of all logits.
        same_top: frames whose best label is the same.
    """

    frames: int
    largest_logit: float
    largest: float
    correlation: float
    same_top: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What a self-test measured: by how much the arithmetic differs, and by how much the structure."""

    arithmetic: Difference
    structure: Difference


def self_test(original: Stream, reference: Stream | None, rewritten: Stream, family: Family) -> Proof:
    """Show all of them the same moving pictures, reset them halfway, and compare.

    Args:
        original: the untouched file.
        reference: `Rewritten.reference`, as the untouched file runs; None where that is None.
        rewritten: the rewritten file.
        family: whose limits hold.

    Raises:
        RewriteRefused: two are further apart than the limits, or one gives NaN.
    """
    pictures = list(moving_pictures(original.size_px, FRAMES))
    untouched = _logits(original, pictures)
    expected = untouched if reference is None else _logits(reference, pictures)
    found = _logits(rewritten, pictures)
    return Proof(
        _within(ARITHMETIC[family], compare(untouched, expected), "other arithmetic"),
        _within(FLOAT if reference is None else STRUCTURE[family], compare(expected, found), "the rewritten graph"),
    )


def _within(limits: Limits, difference: Difference, what: str) -> Difference:
    # Written so that NaN is outside.
    if difference.largest <= limits.largest and difference.correlation >= limits.correlation:
        return difference
    raise RewriteRefused(
        f"self-test: {what} changes a logit by {difference.largest:.2g} of the logits' spread (at most "
        f"{limits.largest:g}), correlation {difference.correlation:.6f} (at least {limits.correlation:g})"
    )


def compare(expected: NDArray[np.float32], found: NDArray[np.float32]) -> Difference:
    """Logits `[frames, classes]` of the untouched file and of the rewritten one."""
    apart = np.abs(found - expected).max(axis=1)
    spread = np.maximum(np.ptp(expected, axis=1), np.finfo(np.float32).tiny)
    same_top = found.argmax(axis=1) == expected.argmax(axis=1)
    with np.errstate(invalid="ignore"):  # logits that never change have no correlation: NaN, which fails the test
        correlation = float(np.corrcoef(expected.ravel(), found.ravel())[0, 1])
    return Difference(
        len(expected), float(apart.max()), float((apart / spread).max()), correlation, int(same_top.sum())
    )


def _logits(stream: Stream, pictures: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    logits = []
    # Backwards after the reset: what the states still held, were the reset to leave any, would show.
    for run in (pictures, pictures[::-2]):
        stream.reset()
        logits += [stream.logits(picture) for picture in run]
    return np.stack(logits)


def moving_pictures(size_px: tuple[int, int], frames: int) -> Iterator[NDArray[np.float32]]:
    """Coloured waves that drift: float32 `[height, width, 3]` in [0, 1], the same at every call."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(*(np.linspace(0, 1, n, dtype=np.float32) for n in size_px))
    waves = [(rng.uniform(1, 12, 2), rng.uniform(0.1, 0.6), rng.uniform(0, 1, 3)) for _ in range(8)]
    for frame in range(frames):
        picture = np.zeros((*x.shape, 3), np.float32)
        for (across, down), speed, colour in waves:
            phase = across * x + down * y + speed * frame
            picture += np.sin(2 * np.pi * phase)[..., np.newaxis] * colour.astype(np.float32)
        yield np.clip(0.5 + picture / 6, 0, 1).astype(np.float32)
