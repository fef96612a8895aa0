"""Collects what a run found, for the table, the timeline and the plot: occurrences of actions, and scores over time."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import ActionEvent, EventType


@dataclass(slots=True)
class Occurrence:
    """One occurrence of an action; `stop` is None while it goes on."""

    start: ActionEvent
    stop: ActionEvent | None = None

    @property
    def latest(self) -> ActionEvent:
        """The stop, or the start while there is none."""
        return self.stop or self.start


@dataclass(slots=True)
class Findings:
    """Occurrences and smoothed scores of one stream.

    Attributes:
        times_s: stream clock of each scored frame.
        scores: for each of them float32 `[actions]` in [0, 1].
        actions: their names.
    """

    actions: tuple[str, ...]
    times_s: list[float] = field(default_factory=list)
    scores: list[NDArray[np.float32]] = field(default_factory=list)
    occurrences: dict[str, Occurrence] = field(default_factory=dict)

    def add(self, event: ActionEvent) -> None:
        """Take an event in."""
        if event.event_type is EventType.START:
            self.occurrences[event.id] = Occurrence(event)
        elif event.event_type is EventType.STOP and event.id in self.occurrences:
            self.occurrences[event.id].stop = event

    def add_scores(self, time_s: float, scores: NDArray[np.float32]) -> None:
        """Take the smoothed scores of one frame in; float32 `[actions]`, kept."""
        self.times_s.append(time_s)
        self.scores.append(scores)

    @property
    def seen_actions(self) -> list[str]:
        """Actions with an occurrence, by the time of their first."""
        return list(dict.fromkeys(o.start.action for o in self.occurrences.values()))

    @property
    def shown_actions(self) -> list[str]:
        """What a timeline shows: a short watch list whole, of a long one what was seen."""
        return list(self.actions) if len(self.actions) <= 8 else self.seen_actions

    def series(self, action: str) -> NDArray[np.float32]:
        """The action's score at each of `times_s`: float32 `[frames]`."""
        index = self.actions.index(action)
        return np.array([scores[index] for scores in self.scores], np.float32)
