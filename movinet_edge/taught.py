"""A model with heads: the labels of both side by side, their scores from one inference."""

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from movinet_edge.api import Colour, ModelError
from movinet_edge.engine import DEFAULT_WINDOW, Fit, Memory, Model, StreamState
from movinet_edge.heads import Head, HeadBank, HeadRun, load_head
from movinet_edge.models.checksum import fingerprint

_log = structlog.get_logger(__name__)


class TaughtModel(Model):
    """As the model it was made from, whose session it shares; the heads' classes follow its labels.

    The scores of the model sum to 1; those of the heads are probabilities, each on its own.
    """

    def __init__(self, model: Model, heads: Sequence[Head]) -> None:
        """Put heads on a model.

        Raises:
            ModelError: a head was taught with another model, or two classes have the same name.
        """
        digest = fingerprint(model.path).sha256
        for head in heads:
            head.check_trunk(digest, model.name)
        self.bank = HeadBank(heads, model.labels)
        super().__init__(model.path, model.session, (*model.labels, *self.bank.labels), model.name, model.fast)
        self.plain = model
        self._turn = model._turn  # noqa: SLF001  one session, one turn: they must not run at the same time
        self._runs: weakref.WeakKeyDictionary[StreamState, HeadRun] = weakref.WeakKeyDictionary()

    def new_state(
        self,
        *,
        memory: Memory = "window",
        window: int = DEFAULT_WINDOW,
        fit: Fit = "stretch",
        roi: Sequence[float] | None = None,
    ) -> StreamState:
        """State for one stream, as `Model.new_state` makes it."""
        state = super().new_state(memory=memory, window=window, fit=fit, roi=roi)
        self._runs[state] = self.bank.new_run()
        for head in self.bank.heads:
            if memory != "window" or window != head.card.memory_window:
                _log.warning(
                    "a head was taught with another memory, and may be worse with this one",
                    head=head.name,
                    taught_with=f"window {head.card.memory_window}",
                    here=f"window {window}" if memory == "window" else memory,
                )
        return state

    @property
    def classes(self) -> int:
        """Number of labels, those of the heads included."""
        return len(self.labels)

    def step(self, image: NDArray[Any], state: StreamState, *, colour: Colour = "rgb") -> NDArray[np.float32]:
        """Score one frame, as `Model.step` does.

        Returns:
            float32 `[classes]`, in [0, 1]: the model's, sum 1, then the heads'; a new array.
        """
        with self._turn:
            scores = super().step(image, state, colour=colour)
            run = self._runs[state]
            if state.frames == 1:  # it was reset, by whomever
                run.reset()
            return np.concatenate([scores, run.step(state.contribution, scores)])


def load_heads(names: Sequence[str | Path]) -> tuple[Head, ...]:
    """Heads by name or path; raises ModelError for the first that cannot be had, and for one that is named twice."""
    heads: dict[str, Head] = {}
    for name in names:
        head = load_head(name)
        if head.name in heads:
            raise ModelError(f"two heads are called {head.name!r}; rename one of them or leave it out")
        heads[head.name] = head
    return tuple(heads.values())


__all__ = ["TaughtModel", "load_heads"]
