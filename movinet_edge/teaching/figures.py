"""How good a head is on sources that it has not seen: figures with their uncertainty."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.teaching.logistic import Floats, sigmoid

# Probability above which a unit counts as found; the calibration puts even odds there.
_EVEN = 0.5
# 95 % of a normal distribution lie within so many deviations.
_DEVIATIONS = 1.96
# Of the threshold that is suggested: a start takes some evidence, and 1 is never reached.
_LOWEST_ON, _HIGHEST_ON = 0.5, 0.95
_ABOVE_BACKGROUND = 0.03


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, and where the true share lies with 95 % certainty."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share; NaN of none."""
        return self.count / self.of if self.of else math.nan

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest. Source: E. Wilson, Probable inference, 1927."""
        if not self.of:
            return 0.0, 1.0
        square = _DEVIATIONS**2
        middle = (self.count + square / 2) / (self.of + square)
        half = _DEVIATIONS / (self.of + square) * math.sqrt(self.count * (1 - self.value) + square / 4)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one action, on held-out sources.

    Attributes:
        found: examples of the action that were recognised.
        mistaken: background that was taken for it.
        area: under the ROC curve: how often an example scores higher than background.
        on: a start threshold that no held-out background reached, where there is one.
    """

    found: Share
    mistaken: Share
    area: float
    on: float

    @property
    def accuracy(self) -> float:
        """The share of all that was judged right."""
        right = self.found.count + self.mistaken.of - self.mistaken.count
        return right / (self.found.of + self.mistaken.of)

    def as_numbers(self) -> dict[str, int | float | None]:
        """For a card."""
        return {
            "examples": self.found.of,
            "found": self.found.count,
            "background": self.mistaken.of,
            "mistaken": self.mistaken.count,
            "accuracy": round(self.accuracy, 4),
            "auc": round(self.area, 4),
            "suggested_on": self.on,
        }


def figures_of(outputs: Floats, is_action: NDArray[np.bool_]) -> Figures | None:
    """Figures from held-out outputs, float64 `[units]`; units of which there is none (NaN) do not count."""
    known = ~np.isnan(outputs)
    outputs, is_action = outputs[known], is_action[known]
    if not is_action.any() or is_action.all():
        return None
    probabilities = sigmoid(outputs)
    positive, negative = probabilities[is_action], probabilities[~is_action]
    on = float(np.clip(negative.max() + _ABOVE_BACKGROUND, _LOWEST_ON, _HIGHEST_ON))
    return Figures(
        Share(int((positive >= _EVEN).sum()), positive.size),
        Share(int((negative >= _EVEN).sum()), negative.size),
        area(outputs, is_action),
        round(on, 2),
    )


def area(outputs: Floats, is_action: NDArray[np.bool_]) -> float:
    """The area under the ROC curve: equal outputs count half."""
    difference = outputs[is_action][:, None] - outputs[~is_action][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())
