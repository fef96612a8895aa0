"""All heads of a stream at once: one matrix product a frame for them all, and a ring of a few numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import ModelError
from movinet_edge.heads.head import Head
from movinet_edge.heads.signals import centred_logits

# Beyond it a probability is 0 or 1 in float32, and exp would warn of an overflow.
_FAR = 80.0


class HeadBank:
    """The heads that run together on one model. Never changes, so streams may share it.

    A head weighs the mean of the pool over a window. The mean of the weighed is the weighed mean, so each frame's
    contribution is weighed once, and what has to be remembered is one number for each class and window instead of
    hundreds of channels.
    """

    def __init__(self, heads: Sequence[Head], labels: Sequence[str] = ()) -> None:
        """Stack the heads; `labels` are the model's.

        Raises:
            ModelError: two of them tell a class of the same name, or the model has a label of that name.
        """
        if not heads:
            raise ValueError("a bank needs at least one head")
        self.heads = tuple(heads)
        self.labels = tuple(name for head in heads for name in head.classes)
        """The classes of all heads, in the order of their probabilities."""
        _check_names(heads, labels)
        shape = {(head.card.trunk.channels, head.card.trunk.classes) for head in heads}
        if len(shape) > 1:
            raise ModelError("these heads were taught with models of different sizes; use one model for all")
        self._pool = np.concatenate([head.pool.reshape(-1, head.card.trunk.channels) for head in heads])
        self._logits = np.concatenate([head.logits for head in heads])
        self._bias = np.concatenate([head.bias for head in heads]).astype(np.float64)
        windows = [window for head in heads for _ in head.classes for window in head.card.windows]
        self._windows = np.array(windows, np.intp)
        owners = np.repeat(np.arange(len(self.labels)), [len(h.card.windows) for h in heads for _ in h.classes])
        self._owner = (np.arange(len(self.labels))[:, None] == owners).astype(np.float64)

    def new_run(self) -> "HeadRun":
        """The memory of one stream, as before its first frame."""
        return HeadRun(self._pool, self._logits, self._bias, self._windows, self._owner)


class HeadRun:
    """What the heads remember of one stream. Made by `HeadBank.new_run`."""

    __slots__ = ("_bias", "_columns", "_frames", "_logits", "_owner", "_pool", "_ring", "_sums", "_windows")

    def __init__(
        self,
        pool: NDArray[np.float32],
        logits: NDArray[np.float32],
        bias: NDArray[np.float64],
        windows: NDArray[np.intp],
        owner: NDArray[np.float64],
    ) -> None:
        self._pool, self._logits, self._bias, self._windows, self._owner = pool, logits, bias, windows, owner
        # In float64 a running sum of these sizes is off by less than 1e-6 after years at five frames a second.
        self._ring: NDArray[np.float64] = np.zeros((int(windows.max(initial=1)), len(windows)))
        self._sums: NDArray[np.float64] = np.zeros(len(windows))
        self._columns = np.arange(len(windows))
        self._frames = 0

    def reset(self) -> None:
        """Forget the stream."""
        self._ring.fill(0.0)
        self._sums.fill(0.0)
        self._frames = 0

    def step(self, contribution: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take in one frame.

        Args:
            contribution: float32 `[channels]`, what the frame added to the head pool.
            scores: float32 `[labels]`, the model's, softmax, in [0, 1].

        Returns:
            float32 `[classes of all heads]`, probabilities in [0, 1]; a new array.
        """
        weighed = self._pool @ contribution
        length = len(self._ring)
        self._sums += weighed
        # The ring is zero where no frame has been, so nothing is taken off before a window is full.
        self._sums -= self._ring[(self._frames - self._windows) % length, self._columns]
        self._ring[self._frames % length] = weighed
        self._frames += 1
        means = self._sums / np.minimum(self._windows, self._frames)
        outputs = self._owner @ means
        outputs += self._logits @ centred_logits(scores)
        outputs += self._bias
        np.clip(outputs, -_FAR, _FAR, out=outputs)
        return (1.0 / (1.0 + np.exp(-outputs))).astype(np.float32)


def _check_names(heads: Sequence[Head], labels: Sequence[str]) -> None:
    known = {label.strip().casefold(): "the model has" for label in labels}
    for head in heads:
        for name in head.classes:
            folded = name.strip().casefold()
            if folded in known:
                raise ModelError(
                    f"head {head.name} tells {name!r}, and {known[folded]} a label of that name too; "
                    "a watch list could not tell them apart, so teach it under another name"
                )
            known[folded] = f"head {head.name} has"
