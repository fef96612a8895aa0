"""A sink made to misbehave, and what tests of delivery need beside it."""

import time
from collections.abc import Callable
from typing import ClassVar

from movinet_edge.api import ActionEvent, PluginSettings
from movinet_edge.testing.sinks import example_event

PATIENCE_S = 20.0  # generous: only a test that fails waits so long
Outcome = Exception | Callable[[], object] | None


class Trial:
    """A destination that outlives its sinks. Each try takes the next scripted outcome; afterwards all goes well."""

    def __init__(self, deliver: list[Outcome] | None = None, make: list[Outcome] | None = None) -> None:
        self.deliver_outcomes = list(deliver or [])
        self.open_outcomes = list(make or [])
        self.tried: list[ActionEvent] = []
        self.accepted: list[ActionEvent] = []
        self.made = self.closed = 0

    def make_sink(self) -> "TrialSink":
        self.made += 1
        return TrialSink(self)


def play(outcomes: list[Outcome]) -> None:
    outcome = outcomes.pop(0) if outcomes else None
    if isinstance(outcome, Exception):
        raise outcome
    if outcome is not None:
        outcome()


class TrialSink:
    Settings: ClassVar[type[PluginSettings]] = PluginSettings

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    def open(self) -> None:
        play(self.trial.open_outcomes)

    def deliver(self, event: ActionEvent) -> None:
        self.trial.tried.append(event)
        play(self.trial.deliver_outcomes)
        self.trial.accepted.append(event)

    def close(self) -> None:
        self.trial.closed += 1


def eventually(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "did not happen"
        time.sleep(0.001)


def starts(count: int) -> list[ActionEvent]:
    return [example_event(number=n) for n in range(1, count + 1)]


def seqs(events: list[ActionEvent]) -> list[int | None]:
    return [event.seq for event in events]
