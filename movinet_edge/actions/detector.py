"""All actions of one stream: scores of labels in, starts, updates and stops out, frame by frame."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions.hysteresis import Change, Hysteresis, Phase
from movinet_edge.actions.rule import TOLERANCE_S, ActionRule
from movinet_edge.actions.smoothing import Smoother
from movinet_edge.actions.watch import WatchList
from movinet_edge.api import EventType, StopReason

# Frames of one camera may change places by some milliseconds; a clock that falls by more than this was set anew.
_CLOCK_JUMP_S = 1.0


@dataclass(frozen=True, slots=True)
class Transition:
    """A start, an update or a stop of one occurrence of an action. Scores are smoothed, 0 to 1.

    Attributes:
        kind: which of the three.
        occurrence: number of the occurrence, shared by its start, updates and stop; rises from 1 in each detector.
        action: the rule's name.
        labels: the model's labels behind it, strongest first; a stop has those that were told last.
        score: at the moment of the transition.
        peak_score: the highest since `started_s`.
        time_s: the stream's clock at the frame that decided it.
        started_s: the first frame at or over `on`.
        ended_s: the estimated end; only in a stop.
        duration_s: from `started_s` to `ended_s`, or to `time_s` while it goes on.
        reason: why it ended; only in a stop.
    """

    kind: EventType
    occurrence: int
    action: str
    labels: tuple[str, ...]
    score: float
    peak_score: float
    time_s: float
    started_s: float
    ended_s: float | None
    duration_s: float
    reason: StopReason | None


class ActionDetector:
    """Turns the scores of one stream into transitions. No clock of its own: the time comes with the scores.

    Time: a frame that is not later than the one before is left out. One that is more than a second earlier means that
    the stream's clock was set anew, so everything is closed with the reason `gap` and the frame is the first of a new
    stretch. A silence is not noticed here, since a score holds until the next frame: the caller, who knows how long
    the model remembers, calls `reset` for it.
    """

    _time_s: float
    _ready_s: float

    def __init__(self, watch: WatchList, smoother: Smoother, *, warm_up_s: float = 0.0, end_lag_s: float = 0.0) -> None:
        """Wait for the first frame.

        Args:
            watch: the actions; may be shared with other detectors.
            smoother: this detector's own; nobody else steps it.
            warm_up_s: for so long after the first frame, and the first after a reset, nothing may begin.
            end_lag_s: how long a score stays up after an action's real end, because the model remembers.
        """
        for name, value in (("warm_up_s", warm_up_s), ("end_lag_s", end_lag_s)):
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} must be zero or more and finite, not {value!r}")
        self._watch = watch
        self._smoother = smoother
        self._warm_up_s = warm_up_s
        self._end_lag_s = end_lag_s
        self._rules = list(watch.rules)
        self._on = np.array([rule.on for rule in watch.rules], dtype=np.float32)
        self._occurrences = 0
        self._forget()

    @property
    def watched(self) -> tuple[str, ...]:
        """Names of all actions, in the order of the watch list."""
        return tuple(rule.name for rule in self._watch.rules)

    @property
    def configured(self) -> tuple[ActionRule, ...]:
        """The rules that the detector was made with, whatever was set since."""
        return self._watch.rules

    @property
    def thresholds(self) -> dict[str, tuple[float, float]]:
        """`on` and `off` of each action, by name."""
        return {rule.name: (rule.on, rule.off) for rule in self._rules}

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the actions that have started and not stopped, in the order of the watch list."""
        return tuple(self._watch.rules[index].name for index in sorted(self._open))

    @property
    def smoothed(self) -> NDArray[np.float32]:
        """The last smoothed scores: float32 `[actions]`, 0 to 1, a copy; zeros before the first frame."""
        return self._smoothed.copy()

    def set_thresholds(self, action: str, on: float, off: float) -> None:
        """Let an action begin and end at other scores from the next frame on; one that goes on does so.

        Raises:
            ValueError: the action is not watched, or the thresholds cannot work.
        """
        index = self.watched.index(action)
        self._rules[index] = replace(self._rules[index], on=on, off=off)
        self._machines[index].set_thresholds(on, off)
        self._on[index] = on

    def step(self, time_s: float, label_scores: NDArray[np.float32]) -> list[Transition]:
        """What happens at this frame, in the order of the watch list. Scores that are not numbers count as 0.

        Args:
            time_s: the stream's clock.
            label_scores: float32 `[labels]`, 0 to 1, in the order of the model's labels.

        Raises:
            ValueError: the scores have another shape, or the time is not finite.
        """
        if not math.isfinite(time_s):
            raise ValueError(f"a frame's time must be finite, not {time_s!r}")
        scores = self._watch.scores(label_scores)
        transitions: list[Transition] = []
        if time_s <= self._time_s:
            if self._time_s - time_s <= _CLOCK_JUMP_S:
                return transitions
            transitions = self.reset(StopReason.GAP)
        if math.isinf(self._time_s):
            self._ready_s = time_s + self._warm_up_s - TOLERANCE_S
        self._time_s = time_s
        self._smoothed = self._smoother.step(time_s, scores)
        if time_s < self._ready_s:
            return transitions
        # With hundreds of actions nearly all are idle and low, and those have nothing to decide.
        for index in np.flatnonzero(self._busy | (self._smoothed >= self._on)).tolist():
            machine = self._machines[index]
            for change in machine.step(time_s, float(self._smoothed[index])):
                transitions.append(self._transition(index, change, label_scores))
            self._busy[index] = machine.phase is not Phase.IDLE
        return transitions

    def close(self, reason: StopReason, time_s: float | None = None) -> list[Transition]:
        """Stop what is active, forget what was about to start. Nothing happens the second time.

        Smoothing and cooldowns stay as they are, so the stream may go on.

        Args:
            reason: goes into the stops.
            time_s: the stream's clock; None, or a time before the last frame: the last frame's.
        """
        if time_s is not None and not math.isfinite(time_s):
            raise ValueError(f"the time of closing must be finite, not {time_s!r}")
        if math.isinf(self._time_s):
            return []
        self._time_s = self._time_s if time_s is None else max(time_s, self._time_s)
        transitions = []
        for index in np.flatnonzero(self._busy).tolist():
            machine = self._machines[index]
            change = machine.close(reason, self._time_s)
            if change is not None:
                transitions.append(self._transition(index, change, None))
            self._busy[index] = machine.phase is not Phase.IDLE
        return transitions

    def reset(self, reason: StopReason, time_s: float | None = None) -> list[Transition]:
        """Close, then forget all: smoothing, cooldowns and the clock; the warm-up begins anew at the next frame.

        Afterwards the detector answers as a new one would, only its numbers of occurrences go on. Cooldowns go too:
        what still goes on after a gap is told again, for it was told to have stopped.
        """
        transitions = self.close(reason, time_s)
        self._forget()
        return transitions

    def _forget(self) -> None:
        count = len(self._watch)
        self._smoother.reset()
        self._machines = [Hysteresis(rule, self._end_lag_s) for rule in self._rules]
        self._busy = np.zeros(count, dtype=np.bool_)
        self._smoothed = np.zeros(count, dtype=np.float32)
        self._open: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._time_s = -math.inf
        self._ready_s = -math.inf

    def _transition(self, index: int, change: Change, label_scores: NDArray[np.float32] | None) -> Transition:
        """Give the change its occurrence and labels, and keep the account of what is open."""
        if change.kind is EventType.STOP or label_scores is None:
            occurrence, labels = self._open.pop(index)
        else:
            if change.kind is EventType.START:
                self._occurrences += 1
                occurrence = self._occurrences
            else:
                occurrence = self._open[index][0]
            labels = self._watch.contributing(index, label_scores)
            self._open[index] = (occurrence, labels)
        until_s = change.time_s if change.ended_s is None else change.ended_s
        return Transition(
            kind=change.kind,
            occurrence=occurrence,
            action=self._watch.rules[index].name,
            labels=labels,
            score=change.score,
            peak_score=change.peak_score,
            time_s=change.time_s,
            started_s=change.started_s,
            ended_s=change.ended_s,
            duration_s=until_s - change.started_s,
            reason=change.reason,
        )
