"""What a pass is, and what it says it did."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from movinet_edge.engine.rewrite.graph import Graph

Effect: TypeAlias = Literal["none", "rounding", "values"]
"""On the same runtime the logits stay the same bit for bit, differ by rounding in the last place of some value inside,
or come from other arithmetic: other weights, or floats in the place of integers."""


@dataclass(slots=True)
class Tally:
    """What one pass did: places it changed, and places that looked like its pattern but were left, by reason."""

    changed: int = 0
    left: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Pass:
    """One rewriting step. Where its pattern is absent it does nothing.

    Attributes:
        name: a word or two for reports.
        does: one line for people.
        effect: on the logits, see `Effect`.
        apply: changes the graph in place.
    """

    name: str
    does: str
    effect: Effect
    apply: Callable[[Graph], Tally]
