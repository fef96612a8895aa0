"""Watch lists: from the scores of a model's labels to the scores of the actions the user watches."""

import difflib
import fnmatch
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions.rule import ActionRule

# A label with less than this share of the action's strongest one did not make the event happen.
_NOTICEABLE = 0.1

# `playing *` names a hundred labels; an event is read by people and travels over MQTT.
_MOST_LABELS = 5

_GLOB_CHARACTERS = re.compile(r"[*?\[\]]")


class UnknownLabel(ValueError):
    """A rule names a label that the model does not have.

    Attributes:
        action: the rule's name.
        pattern: the label or glob as the rule has it.
        suggestions: the model's labels that come nearest, best first; may be empty.
    """

    def __init__(self, action: str, pattern: str, suggestions: Sequence[str]) -> None:
        self.action = action
        self.pattern = pattern
        self.suggestions = tuple(suggestions)
        hint = (
            "did you mean " + " or ".join(repr(label) for label in self.suggestions) + "?"
            if self.suggestions
            else "and none comes near; see the model's list of labels"
        )
        super().__init__(f"action {action!r}: no label of the model matches {pattern!r}; {hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.action, self.pattern, self.suggestions)


class WatchList:
    """The watched actions, tied to the labels of one model. Never changes, so streams may share it.

    Made by `compile` or `every_label`.
    """

    __slots__ = ("_first", "_flat", "_label_count", "_members", "rules")

    rules: tuple[ActionRule, ...]

    def __init__(
        self, rules: Sequence[ActionRule], members: Sequence[Sequence[int]], members_of: Sequence[str]
    ) -> None:
        """Tie each rule to its `members`, the places of its labels in `members_of`, the model's labels."""
        if not rules:
            raise ValueError("a watch list needs at least one action")
        self.rules = tuple(rules)
        self._label_count = len(members_of)
        self._members = tuple(tuple((place, members_of[place]) for place in places) for places in members)
        # One sum over consecutive runs is far cheaper than a matrix of actions by labels, and a label that is not
        # a number spoils only the actions it belongs to.
        self._flat = np.array([place for places in members for place in places], dtype=np.intp)
        self._first = np.cumsum([0, *(len(places) for places in members[:-1])], dtype=np.intp)

    @classmethod
    def compile(cls, rules: Sequence[ActionRule], labels: Sequence[str]) -> "WatchList":
        """Find each rule's labels among the model's.

        Raises:
            UnknownLabel: a label or glob of a rule matches nothing.
            ValueError: two rules have the same name, or there is none.
        """
        names: set[str] = set()
        for rule in rules:
            if rule.name in names:
                raise ValueError(f"two actions are called {rule.name!r}; each needs a name of its own")
            names.add(rule.name)
        folded = [label.strip().casefold() for label in labels]
        return cls(rules, [_places(rule, labels, folded) for rule in rules], labels)

    @classmethod
    def every_label(cls, labels: Sequence[str], template: ActionRule) -> "WatchList":
        """One action for each of the model's labels, with the thresholds and times of `template`."""
        places: dict[str, list[int]] = {}
        for place, label in enumerate(labels):
            places.setdefault(label, []).append(place)
        rules = [replace(template, name=label, labels=(label,)) for label in places]
        return cls(rules, list(places.values()), labels)

    def __len__(self) -> int:
        return len(self.rules)

    def scores(self, label_scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each action's score: the sum of its labels, at most 1. What is not a finite number counts as 0.

        Args:
            label_scores: float32 `[labels]`, 0 to 1, in the order of the model's labels.

        Returns:
            float32 `[actions]`, 0 to 1, in the order of `rules`.

        Raises:
            ValueError: another shape.
        """
        if label_scores.shape != (self._label_count,):
            raise ValueError(
                f"scores must have the shape ({self._label_count},), one for each label, not {label_scores.shape}"
            )
        summed: NDArray[np.float32] = np.add.reduceat(label_scores[self._flat], self._first, dtype=np.float32)
        finite = np.isfinite(summed)
        if not finite.all():
            summed[~finite] = 0.0
        return np.clip(summed, 0.0, 1.0, out=summed)

    def contributing(self, index: int, label_scores: NDArray[np.float32]) -> tuple[str, ...]:
        """The labels that make up the score of the action at `index` in `rules`, strongest first.

        Those far weaker than the strongest are left out; there is always one and there are at most five.

        Args:
            index: place of the action in `rules`.
            label_scores: float32 `[labels]`, 0 to 1, in the order of the model's labels.
        """
        members = self._members[index]
        if len(members) == 1:
            return (members[0][1],)
        scored = [
            (score if math.isfinite(score := float(label_scores[place])) else 0.0, label) for place, label in members
        ]
        scored.sort(key=itemgetter(0), reverse=True)
        weakest = scored[0][0] * _NOTICEABLE
        return tuple(label for score, label in scored[:_MOST_LABELS] if score >= weakest)


def _places(rule: ActionRule, labels: Sequence[str], folded: Sequence[str]) -> list[int]:
    """Where the rule's labels are among the model's, each once however many of its patterns match it."""
    found: dict[int, None] = {}
    for pattern in rule.labels:
        wanted = pattern.strip().casefold()
        # A label that itself holds a bracket must be found by its own name.
        places = [place for place, label in enumerate(folded) if label == wanted]
        if not places:
            places = [place for place, label in enumerate(folded) if fnmatch.fnmatchcase(label, wanted)]
        if not places:
            raise UnknownLabel(rule.name, pattern, _nearest(wanted, labels, folded))
        found.update(dict.fromkeys(places))
    return list(found)


def _nearest(wanted: str, labels: Sequence[str], folded: Sequence[str], *, most: int = 3) -> list[str]:
    """Labels that differ by a slip of the finger, then those that share the beginning of a word, then any alike."""
    plain = _GLOB_CHARACTERS.sub(" ", wanted).strip()
    near = dict.fromkeys(difflib.get_close_matches(plain, folded, n=most, cutoff=0.8))
    # `punch` is not spelt much like `punching bag`, yet it is what was meant.
    stems = [re.compile(rf"\b{re.escape(word[:5])}") for word in plain.split() if len(word) > 3]
    sharing = sorted((label for label in folded if any(stem.search(label) for stem in stems)), key=len)
    near.update(dict.fromkeys(sharing))
    near.update(dict.fromkeys(difflib.get_close_matches(plain, folded, n=most)))
    return [labels[folded.index(label)] for label in list(near)[:most]]
