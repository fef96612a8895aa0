"""Puts the taught heads that a stream names on its model, once for all streams that name the same ones."""

from collections.abc import Iterable, Sequence

import structlog

from movinet_edge.config import StreamSettings
from movinet_edge.engine import Model
from movinet_edge.taught import TaughtModel, load_heads

_log = structlog.get_logger(__name__)


class FittedHeads:
    """Models with heads on. What was fitted before is used again while model and heads are the same."""

    def __init__(self, before: Iterable[Model]) -> None:
        """`before`: models in use, which go on when nothing has changed."""
        self._taught = [model for model in before if isinstance(model, TaughtModel)]

    def on(self, model: Model, names: Sequence[str], stream: StreamSettings) -> Model:
        """A stream's model with these heads, read anew each time, since one that was taught again keeps its path.

        Raises:
            ModelError: a head cannot be had, or does not belong to the model; the text says why.
        """
        if not names:
            return model
        heads = load_heads(names)
        for head in heads:
            if stream.fps != head.card.fps:
                _log.warning(
                    "a head was taught at another pace, and may be worse at this one",
                    stream=stream.name,
                    head=head.name,
                    taught_at_fps=head.card.fps,
                    fps=stream.fps or "native",
                )
        digests = [head.digest for head in heads]
        for taught in self._taught:
            if taught.plain is model and [head.digest for head in taught.bank.heads] == digests:
                return taught
        taught = TaughtModel(model, heads)
        self._taught.append(taught)
        return taught
