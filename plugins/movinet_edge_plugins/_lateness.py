"""Which frames of a live stream are too late to be shown as live. Pure; the time is handed in."""

from collections import deque
from statistics import median_low

# A picture that is later than this is no longer live.
STALE_S = 1.0

# Cameras' clocks go wrong by far less; a buffer that fills delays its frames by far more.
_CLOCK_ERROR = 0.02

# What comes closer together than this was there before it was asked for; no camera is so fast.
_AT_ONCE_S = 0.005

# Frames that were held back come much faster than they were made, and then at their pace again.
_PACE = 0.5

# By then a backlog is through; a stream that comes faster for longer has wrong timestamps, and is shown all the same.
_MOST_HELD_S = 5.0

_USUAL_OF = 15


class Lateness:
    """Compares each frame's timestamp and arrival with the most punctual frame so far.

    Attributes:
        stale_for_s: for how long all frames have been stale, in seconds.
    """

    __slots__ = ("_arrival_s", "_least_s", "_stale_since_s", "stale_for_s")

    def __init__(self) -> None:
        self.stale_for_s = 0.0
        self._arrival_s = 0.0
        self._least_s: float | None = None
        self._stale_since_s: float | None = None

    def is_stale(self, time_s: float, arrival_s: float) -> bool:
        """True when the next frame, of the stream's time `time_s`, came too late at `arrival_s` on any steady clock."""
        lag_s = arrival_s - time_s
        if self._least_s is None:
            self._least_s = lag_s
        else:
            # A clock that is a little slow must not look like a delay that grows for ever.
            drift_s = _CLOCK_ERROR * (arrival_s - self._arrival_s)
            self._least_s = min(lag_s, self._least_s + drift_s)
        self._arrival_s = arrival_s
        if lag_s - self._least_s <= STALE_S:
            self._stale_since_s, self.stale_for_s = None, 0.0
            return False
        if self._stale_since_s is None:
            self._stale_since_s = arrival_s
        self.stale_for_s = arrival_s - self._stale_since_s
        return True


class Backlog:
    """Notices frames that were held back on the way and come all at once after a pause.

    For what `Lateness` cannot know: the first frames of a connection, of which the most punctual is yet to come, and
    streams without timestamps.
    """

    __slots__ = ("_arrival_s", "_held_since_s", "_steps_s", "_time_s")

    def __init__(self, asked_s: float) -> None:
        """`asked_s` is when the connection was begun: what comes soon after cannot be old."""
        self._arrival_s = asked_s
        self._time_s: float | None = None
        self._steps_s: deque[float] = deque(maxlen=_USUAL_OF)
        self._held_since_s: float | None = None

    def holds(self, time_s: float | None, arrival_s: float) -> bool:
        """True when the next frame, of the stream's time `time_s` or without any, may be old."""
        step_s, self._arrival_s = arrival_s - self._arrival_s, arrival_s
        pace_s = max(self._pace_s(time_s), _AT_ONCE_S)
        was_held = self._held_since_s is not None
        is_held = step_s - pace_s > STALE_S or (was_held and step_s < _PACE * pace_s)
        if step_s > _AT_ONCE_S:
            self._steps_s.append(step_s)
        if not is_held:
            self._held_since_s = None
        elif self._held_since_s is None:
            self._held_since_s = arrival_s
        return self._held_since_s is not None and arrival_s - self._held_since_s <= _MOST_HELD_S

    def _pace_s(self, time_s: float | None) -> float:
        """The distance to the frame before, as it was made: by the timestamps, or as frames usually come."""
        if time_s is None:
            return median_low(self._steps_s) if self._steps_s else 0.0
        before_s, self._time_s = self._time_s, time_s
        return 0.0 if before_s is None else time_s - before_s
