"""The state machine of one action: smoothed scores in, begun and ended out.

A frame's score holds until the next frame. Everything happens at frames, and only differences of times count.

    idle ──score >= on──▶ candidate ──long enough at or over on──▶ active ──stop──▶ cooldown ──used up──▶ idle
      ◀───score < off────────┘
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from movinet_edge.actions.rule import TOLERANCE_S, ActionRule
from movinet_edge.api import EventType, StopReason

# A plateau wavers by some hundredths; its first frame stays the crest.
_CLEARLY_HIGHER = 1.05


class Phase(Enum):
    """Where an action is between two frames."""

    IDLE = auto()
    CANDIDATE = auto()
    """Seen at or over `on`, not yet for long enough to be told."""
    ACTIVE = auto()
    """Started and not yet stopped."""
    COOLDOWN = auto()
    """Stopped, and not yet below `off` for `cooldown_s`."""


@dataclass(frozen=True, slots=True)
class Change:
    """A start, an update or a stop. Scores are smoothed, 0 to 1; times are on the stream's clock.

    Attributes:
        kind: which of the three.
        score: at the moment of the change.
        peak_score: the highest since `started_s`.
        time_s: the frame at which it was decided.
        started_s: the first frame at or over `on`.
        ended_s: the estimated end; only in a stop.
        reason: why it ended; only in a stop.
    """

    kind: EventType
    score: float
    peak_score: float
    time_s: float
    started_s: float
    ended_s: float | None = None
    reason: StopReason | None = None


class Hysteresis:
    """Decides when one action starts, goes on and stops.

    - A candidate lives while the score stays at or over `off`, and at or over `on` but for dips of up to `max_gap_s`;
      it starts at a frame at or over `on` once the score has been there for `min_duration_s` in all. So one high
      frame before a middling plateau never starts anything, and flicker around `on` makes one start.
    - An active action ends at a frame that finds it below `off` for longer than `max_gap_s`, or when a frame comes
      so late that the dip before it had lasted longer. Late frames alone are no dip: the score before them held.
    - The cooldown runs only while the score is below `off`, and an action is not told again before it was below: a
      plateau that never ends starts once, whatever stopped it.
    """

    __slots__ = (
        "_cooldown_left_s",
        "_crest_s",
        "_end_lag_s",
        "_last_over_s",
        "_off",
        "_on",
        "_over_on_s",
        "_peak",
        "_rule",
        "_score",
        "_started_s",
        "_time_s",
        "_update_at_s",
        "phase",
    )

    def __init__(self, rule: ActionRule, end_lag_s: float = 0.0) -> None:
        """Start idle.

        Args:
            rule: the thresholds and times.
            end_lag_s: how long the score stays up after the action's real end, because the model remembers.
        """
        self._rule = rule
        self._end_lag_s = end_lag_s
        self.set_thresholds(rule.on, rule.off)
        self.phase = Phase.IDLE
        self._time_s = 0.0
        self._score = 0.0
        self._started_s = 0.0
        self._over_on_s = 0.0
        self._peak = 0.0
        self._crest_s = 0.0
        self._last_over_s = 0.0
        self._update_at_s = 0.0
        self._cooldown_left_s = 0.0

    def set_thresholds(self, on: float, off: float) -> None:
        """Compare the next scores with these; what has begun goes on."""
        # Scores are float32: a score of 0.7 must meet a threshold of 0.7, and float64's 0.7 is above float32's.
        self._on = float(np.float32(on))
        self._off = float(np.float32(off))

    def step(self, time_s: float, score: float) -> tuple[Change, ...]:
        """What happens at this frame; mostly nothing. A stop may be followed by the start of the next occurrence.

        While idle, frames below `on` need not be shown.

        Args:
            time_s: later than at the call before.
            score: smoothed, 0 to 1.
        """
        held_s, held_score = time_s - self._time_s, self._score
        self._time_s, self._score = time_s, score
        change: Change | None = None
        if self.phase is Phase.ACTIVE:
            change = self._go_on(held_score)
            held_s = 0.0  # what was before a stop is no part of the cooldown after it
        if self.phase is Phase.COOLDOWN:
            self._cool_down(held_s, held_score)
        start = self._wait(held_s, held_score)
        return tuple(told for told in (change, start) if told is not None)

    def close(self, reason: StopReason, time_s: float) -> Change | None:
        """Stop at `time_s`, not earlier than the last frame, if active; forget a candidate. A cooldown goes on."""
        if self.phase is Phase.CANDIDATE:
            self.phase = Phase.IDLE
        if self.phase is not Phase.ACTIVE:
            return None
        self._time_s = time_s
        return self._stop(reason, self._score, ended_s=time_s)

    def _wait(self, held_s: float, held_score: float) -> Change | None:
        """Idle or candidate: perhaps become a candidate, perhaps start."""
        if self.phase is Phase.CANDIDATE and self._faded(held_score):
            self.phase = Phase.IDLE
        if self.phase is Phase.IDLE and self._score >= self._on:
            self.phase = Phase.CANDIDATE
            self._started_s = self._time_s
            self._over_on_s = 0.0
            self._peak = 0.0
            self._rise()
        elif self.phase is Phase.CANDIDATE:
            if held_score >= self._on:
                self._over_on_s += held_s
            self._rise()
        if self._score >= self._on:
            self._last_over_s = self._time_s
        if (
            self.phase is not Phase.CANDIDATE
            or self._score < self._on
            or self._over_on_s < self._rule.min_duration_s - TOLERANCE_S
        ):
            return None
        self.phase = Phase.ACTIVE
        self._update_at_s = self._time_s + (self._rule.update_every_s or 0.0)
        return self._told(EventType.START)

    def _faded(self, held_score: float) -> bool:
        """True when a candidate is below `off`, or was below `on` for longer than a gap: what comes is another one."""
        if self._score < self._off:
            return True
        below_on = self._score < self._on or held_score < self._on
        return below_on and self._time_s - self._last_over_s > self._rule.max_gap_s + TOLERANCE_S

    def _go_on(self, held_score: float) -> Change | None:
        """Active: perhaps stop, perhaps tell that it goes on."""
        over = self._score >= self._off
        dip_s = self._time_s - self._last_over_s
        if (not over or held_score < self._off) and dip_s > self._rule.max_gap_s + TOLERANCE_S:
            # A short action is over when its score has crested; the lag is that of longer ones.
            ended_s = max(self._crest_s, self._last_over_s - self._end_lag_s)
            # A late frame that is high again ends nothing: the score of the dip did.
            return self._stop(StopReason.BELOW, held_score if over else self._score, ended_s=ended_s)
        if over:
            self._last_over_s = self._time_s
            self._rise()
        longest_s, every_s = self._rule.max_duration_s, self._rule.update_every_s
        if longest_s is not None and self._time_s - self._started_s >= longest_s - TOLERANCE_S:
            return self._stop(StopReason.MAX_DURATION, self._score, ended_s=self._time_s)
        if every_s is None or self._time_s < self._update_at_s - TOLERANCE_S:
            return None
        # Updates keep to their grid; those missed while no frame came are not made up for.
        self._update_at_s += every_s * (1 + int((self._time_s - self._update_at_s + TOLERANCE_S) / every_s))
        return self._told(EventType.UPDATE)

    def _rise(self) -> None:
        """Take the score into the peak; a clearly higher one is a new crest."""
        if self._score > self._peak * _CLEARLY_HIGHER:
            self._crest_s = self._time_s
        self._peak = max(self._peak, self._score)

    def _cool_down(self, held_s: float, held_score: float) -> None:
        """Cooldown: count the time spent below `off`, and be idle again once there was enough of it."""
        if held_score < self._off:
            self._cooldown_left_s -= held_s
            if self._cooldown_left_s <= TOLERANCE_S:
                self.phase = Phase.IDLE

    def _stop(self, reason: StopReason, score: float, *, ended_s: float) -> Change:
        self.phase = Phase.COOLDOWN
        self._cooldown_left_s = self._rule.cooldown_s
        return Change(EventType.STOP, score, self._peak, self._time_s, self._started_s, ended_s, reason)

    def _told(self, kind: EventType) -> Change:
        return Change(kind, self._score, self._peak, self._time_s, self._started_s)
