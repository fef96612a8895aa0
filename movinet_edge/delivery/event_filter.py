"""Which events a sink wants: one place for all sinks, so that no plugin filters by itself."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from movinet_edge.api import ActionEvent, EventType


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Wants the events that fit everything here.

    Attributes:
        streams, actions: names, or globs for them; one that fits is enough.
        event_types: the kinds of events.
        min_score: 0 to 1; compared with the score of an occurrence's start, for its updates and its stop too. So a
            start and its stop always share their fate, whatever happens to the score in between.
    """

    streams: tuple[str, ...] = ("*",)
    actions: tuple[str, ...] = ("*",)
    event_types: tuple[EventType, ...] = tuple(EventType)
    min_score: float = 0.0

    def wants(self, event: ActionEvent, start_score: float | None) -> bool:
        """True when the event is to be delivered; a `start_score` that nobody knows any more is high enough."""
        return (
            event.event_type in self.event_types
            and (start_score is None or start_score >= self.min_score)
            and _fits_one(event.stream, self.streams)
            and _fits_one(event.action, self.actions)
        )


def _fits_one(name: str, patterns: Iterable[str]) -> bool:
    # A name that itself holds a bracket must be found by its own name.
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
