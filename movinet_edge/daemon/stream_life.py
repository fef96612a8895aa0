"""The states of a stream, from connecting to ended: told what happens and when, it says where the stream stands. Pure.

connecting ──frame──▶ live ──no frame for too long──▶ stalled ──reader replaced──┐
    ▲  │               │ └────────── failure ───────────────┐                    │
    │  └── failure ────┼──────────────────────────────────▶ backing off ◀────────┘
    └──────────────────┼───────────── pause over ─────────────┘
from everywhere: ended (no more frames, or rejected) and disabled (by a person); enabling leads to connecting
"""

import math
from dataclasses import dataclass

from movinet_edge.api import StreamState
from movinet_edge.delivery import Backoff

_OVER = (StreamState.ENDED, StreamState.DISABLED)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long may pass, in seconds.

    Attributes:
        stall_s: between two frames of a live source.
        first_frame_s: from opening a source to its first frame. A source bounds its own steps (name, connection,
            first data), so this is for those that hang in spite of it. One that waits for us may take its time.
        well_s: frames for so long make a source well again: its next failure is the first.
    """

    stall_s: float = 10.0
    first_frame_s: float = 60.0
    well_s: float = 30.0


class StreamLife:
    """One stream's state. Times are of one monotonic clock, in seconds; what cannot happen in a state is ignored."""

    def __init__(self, now_s: float, limits: Limits | None = None, backoff: Backoff | None = None) -> None:
        self.limits = limits or Limits()
        self.state, self.reason, self.since_s = StreamState.CONNECTING, "", now_s
        self.rejected = False
        """True when the stream ended because its source will never give frames."""
        self.failures = 0
        """In a row, since the source was well."""
        self.openings = 0
        self.frame_s: float | None = None
        """When the newest frame came."""
        self._backoff = backoff or Backoff()
        self._live_since_s = 0.0
        self.waits_for_us = False
        """True when the source gives its frames as fast as they are taken."""

    @property
    def over(self) -> bool:
        """True once no more frames come unless somebody enables the stream."""
        return self.state in _OVER

    @property
    def due_s(self) -> float:
        """When `check` may have something to say; infinite when it will not."""
        match self.state:
            case StreamState.CONNECTING if not self.waits_for_us:
                return self.since_s + max(self.limits.first_frame_s, self.limits.stall_s)
            case StreamState.LIVE if not self.waits_for_us and self.frame_s is not None:
                return self.frame_s + self.limits.stall_s
            case _:
                return math.inf

    def connecting(self, now_s: float) -> None:
        """A reader opens the source."""
        if not self.over:
            self.openings += 1
            self.waits_for_us = False
            # Of a camera that answers nothing, the last failure is all there is to tell for the whole time-out.
            self._enter(StreamState.CONNECTING, now_s, self.reason)

    def opened(self, *, waits_for_us: bool) -> None:
        """There is a source now: one that `waits_for_us` (a file, or a folder of them) or does not (a camera)."""
        self.waits_for_us = waits_for_us

    def frame(self, now_s: float) -> bool:
        """A frame came. True when that is news."""
        if self.state not in (StreamState.CONNECTING, StreamState.LIVE):
            return False  # of a reader that was given up
        self.frame_s = now_s
        if self.state is StreamState.LIVE:
            return False
        self._live_since_s = now_s
        self._enter(StreamState.LIVE, now_s)
        return True

    def check(self, now_s: float) -> bool:
        """True once when the frames have been missing for too long: the stream is stalled from now on."""
        if now_s < self.due_s:
            return False
        if self.state is StreamState.LIVE and self.frame_s is not None:
            reason = f"no frame for {now_s - self.frame_s:.0f} s"
        else:
            reason = f"no first frame for {now_s - self.since_s:.0f} s"
        self._judge(now_s)
        self._enter(StreamState.STALLED, now_s, reason)
        return True

    def failed(self, now_s: float, reason: str) -> float:
        """The reader failed, or was given up; the seconds to wait before the next."""
        if self.over:
            return math.inf
        self._judge(now_s)
        self.failures += 1
        self._enter(StreamState.BACKING_OFF, now_s, reason)
        return self._backoff.next_s()

    def ended(self, now_s: float, reason: str = "", *, rejected: bool = False) -> None:
        """There will be no more frames."""
        if self.state is not StreamState.DISABLED:
            self.rejected = rejected
            self._enter(StreamState.ENDED, now_s, reason)

    def disabled(self, now_s: float) -> None:
        """Somebody switched the stream off."""
        self.rejected = False
        self._enter(StreamState.DISABLED, now_s)

    def enabled(self, now_s: float) -> None:
        """Somebody switched it on again."""
        if self.over:
            self.rejected, self.failures = False, 0
            self._backoff.reset()
            self._enter(StreamState.CONNECTING, now_s)

    def _judge(self, now_s: float) -> None:
        """The source failed: had it been well before?"""
        last_s = now_s if self.frame_s is None else min(now_s, self.frame_s)
        if self.state is StreamState.LIVE and last_s - self._live_since_s >= self.limits.well_s:
            self.failures = 0
            self._backoff.reset()

    def _enter(self, state: StreamState, now_s: float, reason: str = "") -> None:
        if state is not self.state:
            self.since_s = now_s
        self.state, self.reason = state, reason
