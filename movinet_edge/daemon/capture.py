"""One thread per source: opens it, hands its frames over, and opens it again when it fails."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum

import structlog

from movinet_edge.api import FrameRequest, Source, SourceEnded, SourceRejected, SourceUnavailable, StopReason
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import Backoff

_log = structlog.get_logger(__name__)

# A source that gave frames for so long is well again; one that comes and goes keeps its growing pauses.
_WELL_S = 30.0


class CaptureState(StrEnum):
    """Where a source stands."""

    STARTING = "starting"
    LIVE = "live"
    WAITING = "waiting"
    ENDED = "ended"
    FAILED = "failed"


class Capture:
    """Runs one source until it ends, is rejected, or the daemon stops."""

    def __init__(
        self,
        stream: str,
        make_source: Callable[[], Source],
        request: FrameRequest,
        turns: Turns,
        *,
        on_over: Callable[[], None],
        backoff: Backoff | None = None,
        well_s: float = _WELL_S,
    ) -> None:
        """`on_over` is called from the capture's thread once there will be no more frames.

        A source that gave frames for `well_s` seconds is well again: its next failure is the first.
        """
        self.stream, self.state, self.reason = stream, CaptureState.STARTING, ""
        self._make_source, self._request, self._turns = make_source, request, turns
        self._on_over, self._backoff = on_over, backoff or Backoff()
        self._stopping = threading.Event()
        self._source: Source | None = None
        self._swap = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"source {stream}", daemon=True)
        self._failures = 0
        self._well_s, self._told_failure = well_s, False
        self._live_since_s: float | None = None
        self._read_before = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def request_stop(self) -> None:
        """Close the source without waiting, so that several can stop at the same time; then call `stop`."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with self._swap:
            source = self._source
        if source is not None:
            # In a thread, because a plugin's `close` may hang as well as its read.
            closing = threading.Thread(target=self._close, args=(source,), name=f"close {self.stream}", daemon=True)
            closing.start()

    def stop(self, timeout_s: float) -> bool:
        """Close the source and wait for its thread; False when it hangs, and then it is left behind."""
        self.request_stop()
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout_s))
        return not self._thread.is_alive()

    @property
    def frames_read(self) -> int:
        """Frames that arrived at the source, over all its lives."""
        with self._swap:
            return self._read_before + getattr(self._source, "frames_read", 0)

    @property
    def over(self) -> bool:
        """True once there will be no more frames."""
        return self.state in (CaptureState.ENDED, CaptureState.FAILED)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                pause_s = self._open_and_read()
                if pause_s is None:
                    break
                self.state = CaptureState.WAITING
                self._stopping.wait(pause_s)
        finally:
            if not self.over:
                self.state = CaptureState.ENDED
            self._on_over()

    def _open_and_read(self) -> float | None:
        """One life of the source; the seconds to wait before the next, or None when there is none."""
        source = None
        try:
            source = self._make_source()
            with self._swap:
                self._source = source
            # A stop that came while the source was being made did not see it, and so did not close it.
            if not self._stopping.is_set():
                self._read(source)
            self._over(CaptureState.ENDED, "")
        except SourceEnded as ended:
            self._over(CaptureState.ENDED, str(ended))
        except SourceRejected as error:
            if not self._stopping.is_set():
                _log.error("source rejected", stream=self.stream, reason=str(error))
            self._over(CaptureState.FAILED, str(error))
        except SourceUnavailable as error:
            return self._failed(str(error), unexpected=False)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything; only its stream suffers
            return self._failed(f"{type(error).__name__}: {error}", unexpected=True)
        finally:
            with self._swap:
                self._source = None
                self._read_before += getattr(source, "frames_read", 0)
            if source is not None:
                self._close(source)
        return None

    def _read(self, source: Source) -> None:
        for frame in source.frames(self._request):
            if self._stopping.is_set():
                return
            if self.state is not CaptureState.LIVE:
                self.state = CaptureState.LIVE
                self._live_since_s = time.monotonic()
                if self._failures:
                    level = _log.info if self._told_failure else _log.debug
                    self._told_failure = False
                    level("source is back", stream=self.stream, after_failures=self._failures)
            if not self._turns.offer(self.stream, frame, wait=not source.live):
                return

    def _over(self, state: CaptureState, reason: str) -> None:
        if not self._stopping.is_set():
            self._turns.end(self.stream, StopReason.SOURCE_LOST)
        self.state, self.reason = state, reason  # last: who sees it may close the turns

    def _failed(self, reason: str, *, unexpected: bool) -> float | None:
        if self._stopping.is_set():
            return None
        self.reason = reason
        self._turns.end(self.stream, StopReason.SOURCE_LOST)
        if self._live_since_s is not None and time.monotonic() - self._live_since_s >= self._well_s:
            self._failures = 0
            self._backoff.reset()
        self._live_since_s = None
        self._failures += 1
        pause_s = self._backoff.next_s()
        first = self._failures == 1
        self._told_failure = self._told_failure or first
        level = _log.warning if first else _log.debug
        level(
            "source unavailable",
            stream=self.stream,
            reason=reason,
            again_in_s=round(pause_s, 1),
            failures=self._failures,
            exc_info=unexpected and first,
        )
        return pause_s

    def _close(self, source: Source) -> None:
        try:
            source.close()
        except Exception:  # noqa: BLE001  # a plugin may raise anything, and here nobody can do more
            _log.warning("source did not close cleanly", stream=self.stream, exc_info=True)
