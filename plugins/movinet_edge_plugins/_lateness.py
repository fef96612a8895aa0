"""Which frames of a live stream are too late to be shown as live. Pure; the time is handed in."""

# A picture that is later than this is no longer live.
STALE_S = 1.0

# Cameras' clocks go wrong by far less; a buffer that fills delays its frames by far more.
_CLOCK_ERROR = 0.02


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
