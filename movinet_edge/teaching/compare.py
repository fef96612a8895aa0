"""An old head against a new one, on sources that neither has learned from."""

from dataclasses import dataclass

import numpy as np

from movinet_edge.api import ConfigurationError
from movinet_edge.heads import Head
from movinet_edge.teaching.figures import Figures, figures_of
from movinet_edge.teaching.learning import Classifier, unit_outputs
from movinet_edge.teaching.lesson import Lesson
from movinet_edge.teaching.record import record_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both heads on the same examples, for one action."""

    old: Figures
    new: Figures

    @property
    def new_is_better(self) -> bool:
        """By the share judged right; by the area under the curve where that is the same."""
        return (self.new.accuracy, self.new.area) > (self.old.accuracy, self.old.area)


def compare(old: Head, lesson: Lesson, action: str) -> Comparison | str:
    """Compare for an action that both tell, or say why that is impossible.

    The new head is judged while each source was held out, so both are judged on what they had not seen.
    """
    card = lesson.head.card
    if action not in old.classes:
        return f"the old head does not tell {action!r}"
    if (old.card.trunk.sha256, old.card.windows) != (card.trunk.sha256, card.windows):
        return "the old head belongs to another model or looks at other windows"
    try:
        known = record_of(old)
    except ConfigurationError:
        return "the old head does not say what it was taught with"
    fresh = np.array([source not in known.sources for source in lesson.rows.sources])
    index = old.classes.index(action)
    weights = np.concatenate([old.pool[index].ravel(), old.logits[index]]).astype(float)
    outputs = unit_outputs(lesson.rows, Classifier(weights, float(old.bias[index])).outputs(lesson.rows.features))
    is_action = np.array([label == action for label in lesson.rows.labels])
    before = figures_of(np.where(fresh, outputs, np.nan), is_action)
    after = figures_of(np.where(fresh, lesson.learned[action].held_out, np.nan), is_action)
    if before is None or after is None:
        return "there are not yet new sources of both the action and the background that the old head has not seen"
    return Comparison(before, after)
