"""Keeps one stream's source running: reconnects it, replaces a reader that hangs, switches it off and on."""

import threading
import time
from collections.abc import Callable

import structlog

from movinet_edge.api import Frame, FrameRequest, Source, StopReason, StreamState
from movinet_edge.daemon.capture import Capture
from movinet_edge.daemon.health import StreamMeter
from movinet_edge.daemon.stream_life import Limits, StreamLife
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import Backoff

_log = structlog.get_logger(__name__)

# A reader that is closed needs a moment to leave FFmpeg or a driver; the next one may not get the camera before.
_GRACE_S = 2.0

# Each reader that hangs holds a thread, a connection and the decoder's buffers (tens of megabytes at 1080p).
_MOST_HANGING = 3

_LOOK_AGAIN_S = 5.0


class StreamRunner:
    """One stream's source, from its first connection to its end. Methods may be called from any thread."""

    def __init__(
        self,
        stream: str,
        make_source: Callable[[], Source],
        request: FrameRequest,
        turns: Turns,
        *,
        on_change: Callable[[], None],
        meter: StreamMeter | None = None,
        limits: Limits | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`on_change` is called, from any thread, when the state has changed; it must not block."""
        self.stream, self.meter = stream, meter or StreamMeter()
        self._make_source, self._request, self._turns = make_source, request, turns
        self._on_change = on_change
        self._turn = threading.RLock()
        self._life = StreamLife(time.monotonic(), limits, backoff)
        self._capture: Capture | None = None
        self._leaving: Capture | None = None  # was asked to end, and has a little time for that
        self._leaves_until_s = 0.0
        self._left_behind: list[Capture] = []
        self._next_try_s = 0.0
        self._held_up = False  # by readers that hang, which the state's reason says then
        self._begun = False
        self._told_failure = False
        self._stopping = False

    def start(self, *, enabled: bool = True) -> None:
        """Begin, or remain switched off until `enable`; nothing if somebody has switched it by now."""
        with self._turn:
            if not self._begun:
                (self.enable if enabled else self.disable)()

    @property
    def state(self) -> StreamState:
        """Where the stream stands."""
        return self._life.state

    @property
    def reason(self) -> str:
        """Why it stands there, when that is not a good state."""
        return self._life.reason

    @property
    def since_s(self) -> float:
        """Since when, by the monotonic clock."""
        return self._life.since_s

    @property
    def frame_s(self) -> float | None:
        """When the newest frame came, by the monotonic clock; None when there was none."""
        return self._life.frame_s

    @property
    def source(self) -> Source | None:
        """The source that is read now; None while there is none."""
        capture = self._capture
        return None if capture is None else capture.source

    @property
    def is_over(self) -> bool:
        """True once there will be no more frames, and nobody has merely switched it off."""
        return self._life.state is StreamState.ENDED

    @property
    def rejected(self) -> bool:
        """True when it ended because its source will never give frames."""
        return self._life.rejected

    @property
    def waits_for_us(self) -> bool:
        """True when the source gives its frames as fast as they are taken."""
        return self._life.waits_for_us

    @property
    def reconnects(self) -> int:
        """Times that the source was opened again."""
        return max(0, self._life.openings - 1)

    @property
    def hanging(self) -> int:
        """Readers that were left behind and have not ended yet."""
        with self._turn:
            return self._still_hanging()

    def disable(self) -> None:
        """Switch the stream off; its open actions are closed."""
        with self._turn:
            self._begun = True
            now_s = time.monotonic()
            self._life.disabled(now_s)
            self._dismiss(now_s)
            self._turns.end(self.stream, StopReason.DISABLED, shut=True)
        self._on_change()

    def enable(self) -> None:
        """Switch it on again, also when it has ended."""
        with self._turn:
            if self._stopping or (self._begun and not self._life.over):
                return
            self._begun = True
            now_s = time.monotonic()
            self._dismiss(now_s)  # one whose source has ended may still be about to close it
            self._life.enabled(now_s)
            self._turns.open(self.stream)
            self._next_try_s = now_s
            self._try_again(now_s)
        self._on_change()

    def check(self, now_s: float) -> float:
        """The watchdog: do what is due by now; when to look again, in seconds of the monotonic clock."""
        with self._turn:
            if self._stopping or not self._begun:
                return float("inf")
            if self._life.check(now_s):
                _log.warning("stream stalled", stream=self.stream, reason=self._life.reason)
                self._told_failure = True
                self._turns.end(self.stream, StopReason.SOURCE_LOST)
                self._dismiss(now_s)
                self._on_change()
            if not self._has_left(now_s):
                return min(self._leaves_until_s, now_s + 0.1 * _GRACE_S)
            if self._life.state is StreamState.STALLED:
                self._next_try_s = now_s + self._life.failed(now_s, self._life.reason)
                self._on_change()
            if self._capture is None and not self._life.over:
                return self._try_again(now_s)
            return self._life.due_s

    def request_stop(self) -> None:
        """Close the source without waiting, so that several can stop at the same time; then call `stop`."""
        with self._turn:
            self._stopping = True
            capture = self._capture
        if capture is not None:
            capture.request_stop()

    def stop(self, timeout_s: float) -> bool:
        """Close the source and wait for its reader; False when it hangs, and then it is left behind."""
        self.request_stop()
        until_s = time.monotonic() + timeout_s
        with self._turn:
            readers = [reader for reader in (self._capture, self._leaving) if reader is not None]
        ended = [reader.stop(until_s - time.monotonic()) for reader in readers]
        return all(ended)

    # What follows is called within `_turn`.

    def _dismiss(self, now_s: float) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.request_stop()
            self._leaving, self._leaves_until_s = capture, now_s + _GRACE_S

    def _has_left(self, now_s: float) -> bool:
        """Has the last reader ended? One that takes too long for it is left behind."""
        if self._leaving is not None and self._leaving.alive:
            if now_s < self._leaves_until_s:
                return False
            self._left_behind.append(self._leaving)
            self.meter.abandoned += 1
            _log.warning("reader hangs and is left behind", stream=self.stream, hanging=self._still_hanging())
        self._leaving = None
        return True

    def _still_hanging(self) -> int:
        self._left_behind = [capture for capture in self._left_behind if capture.alive]
        return len(self._left_behind)

    def _try_again(self, now_s: float) -> float:
        """Start the next reader when it is time; when to look again."""
        if not self._has_left(now_s):
            return self._leaves_until_s
        if now_s < self._next_try_s:
            return self._next_try_s
        hanging = self._still_hanging()
        if hanging >= _MOST_HANGING:
            self._life.reason = f"{hanging} readers hang; the next is started when one of them has ended"
            self._held_up = True
            return now_s + _LOOK_AGAIN_S
        if self._held_up:
            self._life.reason, self._held_up = "", False
        self._capture = Capture(self.stream, self._make_source, self._request, self)
        self._capture.start()
        return self._life.due_s

    # What follows is called by the captures' threads, see Listener.

    def opening(self, capture: Capture) -> None:
        """A source is about to be made."""
        with self._turn:
            if capture is not self._capture:
                return
            self._life.connecting(time.monotonic())
        self._on_change()

    def opened(self, capture: Capture, source: Source) -> None:
        """It was made."""
        with self._turn:
            if capture is not self._capture:
                return
            self._life.opened(waits_for_us=not source.live)
        self.meter.opened(source)

    def frame(self, capture: Capture, source: Source, frame: Frame) -> bool:
        """A frame came; False when it comes from a reader that was given up, or nobody takes it."""
        now_s = time.monotonic()
        with self._turn:
            if capture is not self._capture:
                return False
            failures = self._life.failures
            is_news = self._life.frame(now_s)
        self.meter.frame(now_s, source)
        if is_news:
            self._became_live(failures)
        return self._turns.offer(self.stream, frame, wait=not source.live)

    def closed(self, source: Source) -> None:
        """The source is about to be closed."""
        self.meter.closed(source)

    def failed(self, capture: Capture, reason: str, *, unexpected: bool) -> float | None:
        """The source failed; the pause before the next try."""
        with self._turn:
            if capture is not self._capture:
                return None
            self._turns.end(self.stream, StopReason.SOURCE_LOST)
            pause_s = self._life.failed(time.monotonic(), reason)
            failures = self._life.failures
            first = failures == 1
            self._told_failure = self._told_failure or first
        (_log.warning if first else _log.debug)(
            "source unavailable",
            stream=self.stream,
            reason=reason,
            again_in_s=round(pause_s, 1),
            failures=failures,
            exc_info=unexpected and first,
        )
        self._on_change()
        return pause_s

    def ended(self, capture: Capture, reason: str, *, rejected: bool) -> None:
        """There will be no more frames."""
        with self._turn:
            if capture is not self._capture:
                return
            if rejected:
                _log.error("source rejected", stream=self.stream, reason=reason)
            self._turns.end(self.stream, StopReason.SOURCE_LOST)
            # Last: who sees it may close the turns.
            self._life.ended(time.monotonic(), reason, rejected=rejected)
        self._on_change()

    def _became_live(self, failures: int) -> None:
        if failures:
            level = _log.info if self._told_failure else _log.debug
            self._told_failure = False
            level("source is back", stream=self.stream, after_failures=failures)
        else:
            _log.info("stream live", stream=self.stream)
        self._on_change()
