"""Tries one source out: does it give pictures, how soon, how many, and at what cost? Used by `movinet-edge probe`."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from movinet_edge.api import Frame, FrameRequest, Source, StreamHealth
from movinet_edge.daemon.advice import advice
from movinet_edge.daemon.capture import Capture
from movinet_edge.daemon.health import StreamMeter

# MoViNet-A0's; the 224 of the largest model costs hardly more.
_MODEL_SIZE_PX = 172

# Enough to say goodbye to a camera, which has few sessions to give; a reader that hangs is left behind.
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What a source gave.

    Attributes:
        fault: why no pictures came, or why they stopped; None when the source works.
        first_frame_s: seconds from asking for frames to the first one; None: none came.
        picture: the first one, at full size.
        live: whether frames come at their own pace.
        health: frames per second, what the video announces, and the cost of reading it, all per second of the stream's
            clock, because a recording is read as fast as it can be, and many cameras begin with a burst.
    """

    fault: str | None
    first_frame_s: float | None
    picture: Frame | None
    live: bool
    health: StreamHealth

    @property
    def advice(self) -> list[str]:
        """What would be cheaper, in sentences; of a recording nothing can be changed any more."""
        return advice(self.health) if self.live else []


def probe(
    name: str, make_source: Callable[[], Source], *, fps: float | None, timeout_s: float, seconds_s: float
) -> Findings:
    """Look at a source for `seconds_s` after its first frame, which is waited for no longer than `timeout_s`.

    Args:
        name: what to call the source in texts.
        make_source: opens it; may hang, as may everything that the source does.
        fps: frames to ask for per second, None for every one; the cost depends on it.
        timeout_s: longest time until the first frame.
        seconds_s: how long to measure; a source that ends is not waited for.
    """
    witness = _Witness(name)
    capture = Capture(name, make_source, FrameRequest(fps, witness.size_for), witness)
    capture.start()
    try:
        return witness.findings(timeout_s, seconds_s)
    finally:
        capture.stop(_GRACE_S)


class _Witness:
    """Notes what the capture's thread tells, see Listener."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._meter = StreamMeter()
        self._asked_s = self._first_s = self._newest_s = 0.0  # by the monotonic clock
        self._stream_s = 0.0  # by the stream's clock, of the newest frame
        self._frames = 0
        self._picture: Frame | None = None
        self._live = False
        self._fault: str | None = None
        self._came, self._over = threading.Event(), threading.Event()

    def findings(self, timeout_s: float, seconds_s: float) -> Findings:
        """Wait, and sum up."""
        fault = None
        if self._came.wait(timeout_s):
            self._over.wait(seconds_s)
        else:
            fault = f"{self._name}: no picture came within {timeout_s:g} s (time-out)"
        silent_s = time.monotonic() - self._newest_s if self._live else 0.0
        return Findings(
            fault=self._fault or fault,
            first_frame_s=None if self._picture is None else self._first_s - self._asked_s,
            picture=self._picture,
            live=self._live,
            health=self._meter.health(self._stream_s + silent_s, frame_s=None),
        )

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The first picture at full size, for people; then as the daemon asks for them, whose cost is measured."""
        if self._picture is None:
            return width_px, height_px
        return min(width_px, _MODEL_SIZE_PX), min(height_px, _MODEL_SIZE_PX)

    def opening(self, capture: Capture) -> None:
        """Nothing to note: imports, which come now, are not the source's time."""

    def opened(self, _capture: Capture, source: Source) -> None:
        """Its frames are asked for now."""
        self._asked_s = time.monotonic()
        self._live = source.live
        self._meter.opened(source)

    def frame(self, _capture: Capture, source: Source, frame: Frame) -> bool:
        """Measure; all are wanted until somebody asks to stop."""
        self._newest_s, self._stream_s = time.monotonic(), frame.time_s
        self._frames += 1
        # The first of a connection often has no proper timestamp, and is large here, so figures begin with the second.
        if self._frames == 2:
            self._meter = StreamMeter()
            self._meter.opened(source)
        self._meter.frame(self._stream_s, source)
        if self._picture is None:
            self._first_s, self._picture = self._newest_s, frame
            self._came.set()
        return True

    def closed(self, source: Source) -> None:
        """Its counts are kept."""
        self._meter.closed(source)

    def failed(self, _capture: Capture, reason: str, *, unexpected: bool) -> float | None:  # noqa: ARG002
        """One try is enough."""
        self._end(reason)
        return None

    def ended(self, _capture: Capture, reason: str, *, rejected: bool) -> None:
        """To end is no fault, once there was a picture."""
        if rejected:
            self._end(reason)
        elif self._picture is None:
            self._end(f"{self._name}: ended before the first picture{f' ({reason})' if reason else ''}")
        else:
            self._end(None)

    def _end(self, fault: str | None) -> None:
        self._fault = fault
        self._over.set()
        self._came.set()
