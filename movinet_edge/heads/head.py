"""One head: its card and its numbers, checked against each other when they come together."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import ModelError
from movinet_edge.heads.card import HeadCard


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear classifier for each of its classes, calibrated: the sigmoid of what comes out is a probability.

    Attributes:
        card: what it is.
        pool: float32 `[classes, windows, channels]`, weights of the head pool's mean over each window.
        logits: float32 `[classes, labels]`, weights of the model's centred logits.
        bias: float32 `[classes]`.
    """

    card: HeadCard
    pool: NDArray[np.float32]
    logits: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Raise ModelError unless the numbers have the card's shapes and are finite."""
        card = self.card
        count = len(card.classes)
        wanted = {
            "pool": (count, len(card.windows), card.trunk.channels),
            "logits": (count, card.trunk.classes),
            "bias": (count,),
        }
        for name, shape in wanted.items():
            numbers = getattr(self, name)
            if numbers.shape != shape or numbers.dtype != np.float32:
                raise ModelError(
                    f"head {card.name}: {name} must be float32 {list(shape)}, as its card says, "
                    f"not {numbers.dtype} {list(numbers.shape)}"
                )
            if not np.isfinite(numbers).all():
                raise ModelError(f"head {card.name}: {name} holds NaN or infinity")

    @property
    def digest(self) -> str:
        """sha256 of card and numbers: two heads with the same are the same."""
        numbers = b"".join(np.ascontiguousarray(part, "<f4").tobytes() for part in (self.pool, self.logits, self.bias))
        return hashlib.sha256(self.card.model_dump_json().encode() + numbers).hexdigest()

    @property
    def name(self) -> str:
        """The head's name."""
        return self.card.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The actions that it tells."""
        return self.card.classes

    def check_trunk(self, sha256: str, model: str) -> None:
        """Refuse every model but the one that the head was taught with.

        Args:
            sha256: of the model file, in lower-case hexadecimal.
            model: what the model is called, for the error.

        Raises:
            ModelError: it is another one.
        """
        if sha256 != self.card.trunk.sha256:
            raise ModelError(
                f"head {self.name} was taught with {self.card.trunk.name} (sha256 {self.card.trunk.sha256[:12]}…) and "
                f"understands no other model; {model} has sha256 {sha256[:12]}…. Teach it again with this model "
                f"(`movinet-edge teach --help`), or use {self.card.trunk.name}"
            )
