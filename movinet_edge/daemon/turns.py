"""The place where frames wait for the engine: one per stream, the newest wins, the longest waiting goes first."""

import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from movinet_edge.api import Frame, StopReason

# What waited longer for the engine, because the next frame did not come, is no longer what happens now.
_STALE_S = 1.0


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
    stale_s: float = math.inf
    """When the frame will have waited for too long."""
    heard_s: float | None = None
    """When a live source last gave a frame; None once its silence was told."""
    cut: bool = False
    """A frame after a discontinuity was dropped, so the next one is after it."""
    shut: bool = False
    """The stream is switched off: nobody may offer a frame."""

    def drop(self) -> None:
        """Nobody will look at the frame."""
        if self.frame is not None:
            self.cut = self.cut or self.frame.discontinuity
            self.frame = None
            self.dropped += 1


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
        dropped and counted. False when the engine has stopped, or the stream was shut or removed.
        """
        with self._changed:
            slot = self._slots.get(stream)
            if slot is None:
                return False
            while not self._closed and not slot.shut and (slot.end is not None or (wait and slot.frame is not None)):
                self._changed.wait()
            if self._closed or slot.shut:
                return False
            if slot.frame is not None:
                slot.drop()
            else:
                slot.since_s = time.monotonic()
            slot.frame = replace(frame, discontinuity=True) if slot.cut else frame
            slot.cut = False
            now_s = time.monotonic()
            slot.heard_s, slot.stale_s = (None, math.inf) if wait else (now_s, now_s + _STALE_S)
            self._changed.notify_all()
            return True

    def end(self, stream: str, reason: StopReason, *, shut: bool = False) -> None:
        """After the frame that may still wait, the stream's frames end; with `shut`, until `open` allows new ones."""
        with self._changed:
            slot = self._slots.get(stream)
            if slot is None:
                return
            if slot.frame is None:
                slot.since_s = time.monotonic()
            slot.heard_s = None
            slot.end = reason
            slot.shut = slot.shut or shut
            self._changed.notify_all()

    def open(self, stream: str, silence_s: float | None = None) -> None:
        """Take frames of a new stream, or again of one that was shut."""
        with self._changed:
            self._slots.setdefault(stream, _Slot()).shut = False
            if silence_s is not None:
                self._silence_s[stream] = silence_s

    def remove(self, stream: str) -> None:
        """Forget the stream; nobody may offer its frames any more."""
        with self._changed:
            slot = self._slots.pop(stream, None)
            self._silence_s.pop(stream, None)
            if slot is not None:
                slot.shut = True
            self._changed.notify_all()

    def take(self) -> Turn | None:
        """Wait for the next turn: the stream whose frame has waited longest. None once closed."""
        with self._changed:
            while not self._closed:
                self._drop_stale()
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

    def _drop_stale(self) -> None:
        now_s = time.monotonic()
        for slot in self._slots.values():
            if now_s > slot.stale_s:
                slot.drop()

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
            slot = self._slots.get(stream)
            return 0 if slot is None else slot.dropped

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
                slot.drop()
            self._changed.notify_all()
