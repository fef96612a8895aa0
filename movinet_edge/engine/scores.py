"""From logits to scores, and from scores to the few labels a person wants to read."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax in place, the maximum subtracted first so that nothing overflows.

    Args:
        logits: float32 `[classes]`, finite; overwritten.

    Returns:
        The same array, in [0, 1], sum 1.
    """
    logits -= logits.max()
    np.exp(logits, out=logits)
    logits /= logits.sum()
    return logits


def top(
    scores: NDArray[np.float32],
    labels: Sequence[str],
    *,
    count: int | None = 5,
    threshold: float = 0.0,
    allow: Collection[str] | None = None,
    deny: Collection[str] | None = None,
) -> list[tuple[str, float]]:
    """The best labels, best first; equal scores in the labels' order.

    Args:
        scores: float32 `[classes]`.
        labels: the name of each class.
        count: at most this many; None for all.
        threshold: only scores of at least this.
        allow: only these labels; None for all.
        deny: never these labels. Give either `allow` or `deny`.

    Raises:
        ValueError: both lists are given, or one names a label that the model does not have.
    """
    if allow is not None and deny is not None:
        raise ValueError("give labels to allow or labels to deny, not both")
    if count is not None and count < 1:
        raise ValueError(f"count must be at least 1 or None, not {count}")
    unknown = sorted({*(allow or ()), *(deny or ())} - set(labels))
    if unknown:
        raise ValueError(f"not among the model's labels: {', '.join(unknown)}")
    best: list[tuple[str, float]] = []
    for index in np.argsort(-scores, kind="stable"):
        label, score = labels[index], float(scores[index])
        if score < threshold or len(best) == count:
            break
        if (allow is None or label in allow) and (deny is None or label not in deny):
            best.append((label, score))
    return best
