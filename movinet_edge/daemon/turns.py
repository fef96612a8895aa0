"""The place where frames wait for the engine: one per stream, the newest wins, the longest waiting goes first."""

import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from movinet_edge.api import Frame, StopReason


@dataclass(slots=True)
class Turn:
    """What the engine does next: a frame of a stream, or the end of its frames."""

    stream: str
    frame: Frame | None
    end: StopReason | None


@dataclass(slots=True)
class _Slot:
    frame: Frame | None = None
    end: StopReason | None = None
    since_s: float = 0.0
    dropped: int = 0
    heard_s: float | None = None
    """When a live source last gave a frame; None once its silence was told."""


class Turns:
    """Slots of one frame for the streams that share an engine. All methods may be called from any thread."""

    def __init__(self, streams: Iterable[str], *, silence_s: Mapping[str, float] | None = None) -> None:
        """`silence_s`: after so long without a frame from a live source its stream ends with a gap, by name."""
        self._slots = {name: _Slot() for name in streams}
        self._silence_s = dict(silence_s or {})
        self._changed = threading.Condition()
        self._closed = False

    def offer(self, stream: str, frame: Frame, *, wait: bool) -> bool:
        """Put a frame into the stream's slot. With `wait` it waits until the slot is free, else the older frame is
        dropped and counted. False when the engine has stopped.
        """
        with self._changed:
            slot = self._slots[stream]
            while not self._closed and (slot.end is not None or (wait and slot.frame is not None)):
                self._changed.wait()
            if self._closed:
                return False
            if slot.frame is not None:
                slot.dropped += 1
                if slot.frame.discontinuity and not frame.discontinuity:
                    frame = replace(frame, discontinuity=True)  # the cut is before this one now
            else:
                slot.since_s = time.monotonic()
            slot.frame = frame
            slot.heard_s = None if wait else time.monotonic()
            self._changed.notify_all()
            return True

    def end(self, stream: str, reason: StopReason) -> None:
        """After the frame that may still wait, the stream's frames end."""
        with self._changed:
            slot = self._slots[stream]
            if slot.frame is None:
                slot.since_s = time.monotonic()
            slot.heard_s = None
            slot.end = reason
            self._changed.notify_all()

    def take(self) -> Turn | None:
        """Wait for the next turn: the stream whose frame has waited longest. None once closed."""
        with self._changed:
            while not self._closed:
                # Silence first: streams that keep the engine busy all the time must not hide it.
                silent_at_s, silent = self._next_silence()
                left_s = silent_at_s - time.monotonic()
                if left_s <= 0.0:
                    self._slots[silent].heard_s = None
                    return Turn(silent, None, StopReason.GAP)
                waiting = [(slot.since_s, name) for name, slot in self._slots.items() if slot.frame or slot.end]
                if waiting:
                    return self._take(min(waiting)[1])
                self._changed.wait(None if math.isinf(left_s) else left_s)
            return None

    def _next_silence(self) -> tuple[float, str]:
        """When the first of the live streams will have been silent for too long, and which; infinite when none will."""
        limits = [
            (slot.heard_s + self._silence_s[name], name)
            for name, slot in self._slots.items()
            if slot.heard_s is not None and slot.frame is None and name in self._silence_s
        ]
        return min(limits, default=(math.inf, ""))

    def _take(self, stream: str) -> Turn:
        slot = self._slots[stream]
        if slot.frame is not None:
            turn = Turn(stream, slot.frame, None)
            slot.frame = None
        else:
            turn = Turn(stream, None, slot.end)
            slot.end = None
        self._changed.notify_all()
        return turn

    def dropped(self, stream: str) -> int:
        """Frames of the stream that were taken in and never handed to the engine."""
        with self._changed:
            return self._slots[stream].dropped

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until nothing waits for the engine any more; False when time is up."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or not any(slot.frame or slot.end for slot in self._slots.values()), timeout_s
            )

    def close(self) -> None:
        """No more turns; everybody who waits goes on. Frames that still wait count as dropped."""
        with self._changed:
            self._closed = True
            for slot in self._slots.values():
                if slot.frame is not None:
                    slot.frame = None
                    slot.dropped += 1
            self._changed.notify_all()
