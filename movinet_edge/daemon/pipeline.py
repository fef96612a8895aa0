"""One stream's way from frames to events: sample, score, smooth, decide. No threads and no I/O."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np
import structlog
from numpy.typing import NDArray

from movinet_edge.actions import ActionDetector
from movinet_edge.api import ActionEvent, Frame, FrameRequest, Sampler, StopReason
from movinet_edge.daemon.evidence import StreamEvidence
from movinet_edge.daemon.health import StreamMeter
from movinet_edge.daemon.motion_gate import MotionGate
from movinet_edge.daemon.observers import Observers, ScoredFrame
from movinet_edge.daemon.pace import Pace
from movinet_edge.daemon.stream_events import EventMaker
from movinet_edge.engine import Model, StreamState
from movinet_edge.evidence import Mask

_log = structlog.get_logger(__name__)

# Frames of one camera may change places by some milliseconds; a clock that falls by more was set anew.
_REORDER_S = 1.0

OnScores: TypeAlias = Callable[[str, float, NDArray[np.float32]], None]
"""Called after each scored frame with the stream's name, the stream clock in seconds and the scores `[classes]`.

What it raises comes out of `Pipeline.feed`, and then the events of that frame are lost.
"""


@dataclass(slots=True)
class StreamFigures:
    """What happened on a stream since the start; each frame offered is in exactly one of the next four."""

    read: int = 0
    """Arrived at the source; a source that samples for itself offers fewer."""
    scored: int = 0
    skipped: int = 0
    """Not due at the model's pace, or of a still scene."""
    dropped: int = 0
    """Replaced by a newer one while the engine was busy, or left over when it stopped."""
    unusable: int = 0
    """Not a picture, without a time, or one on which the model failed."""
    gaps: int = 0
    inference_s: float = 0.0


class Pipeline:
    """Feeds one stream's frames to the engine and the scores to the detector."""

    def __init__(
        self,
        stream: str,
        model: Model,
        state: StreamState,
        detector: ActionDetector,
        events: EventMaker,
        *,
        fps: float | None,
        gap_s: float,
        on_scores: OnScores | None = None,
        watches_all: bool = False,
        evidence: StreamEvidence | None = None,
        mask: Mask | None = None,
        gate: MotionGate | None = None,
    ) -> None:
        """`fps`: frames to score per second of stream clock, None for every one. `gap_s`: silence that resets.

        `watches_all`: nobody chose the actions, they are the model's labels. `evidence`: keeps what shows the actions.
        `mask`: hides parts of the pictures from all that follows. `gate`: tells when a still scene needs no scoring.
        """
        self.stream = stream
        self.figures, self.meter = StreamFigures(), StreamMeter()
        self.detector = detector
        self.model = model
        self.evidence = evidence
        self._mask, self._gate = mask, gate
        self.observers = Observers()
        self.request = FrameRequest(fps, self._frame_size)
        self._state, self._events = state, events
        self._sampler, self.gap_s, self._on_scores = Sampler(fps), gap_s, on_scores
        self._pace = Pace(stream, fps)
        self.watches_all = watches_all
        self.thresholds = detector.thresholds
        """`on` and `off` of each action, by name, as they were set last."""
        self._new_thresholds: SimpleQueue[tuple[str, float, float]] = SimpleQueue()
        self._last_s: float | None = None

    def feed(self, frame: Frame) -> list[ActionEvent]:
        """Take a frame in; the events that it decides."""
        while not self._new_thresholds.empty():
            self.detector.set_thresholds(*self._new_thresholds.get())
        if not math.isfinite(frame.time_s):
            return self._unusable(frame, ValueError("its time is not a finite number"))
        events = self._break_before(frame)
        if not self._sampler.due(frame.time_s):
            self.figures.skipped += 1
            return events
        self._events.clock(frame.time_s, frame.wall_time_s)
        began = time.perf_counter()
        try:
            if self._mask is not None:
                frame = self._mask.applied(frame)
            if self._gate is not None and not self._gate.passes(frame):
                self.figures.skipped += 1
                self._pace.reset()  # a rest is no slowness
                return events
            scores = self.model.step(frame.image, self._state, colour=frame.colour)
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises, the events before it are not lost
            return events + self._unusable(frame, error)
        step_s = time.perf_counter() - began
        self.figures.inference_s += step_s
        self.figures.scored += 1
        self.meter.scored(time.monotonic(), self.figures.scored, step_s)
        self._pace.scored(frame.time_s, step_s)
        self._last_s = frame.time_s
        events += self._shown(self._events.make(self.detector.step(frame.time_s, scores)), frame)
        if self._on_scores is not None:
            self._on_scores(self.stream, frame.time_s, scores)
        if self.observers:
            watched, smoothed, active = self.detector.watched, self.detector.smoothed, self.detector.active
            self.observers.scored(ScoredFrame(self.stream, frame, scores, watched, smoothed, active, step_s))
        return events

    def set_thresholds(self, action: str, on: float, off: float) -> None:
        """From the next frame on, an action begins and ends at other scores; from any thread."""
        self.thresholds[action] = (on, off)
        self._new_thresholds.put((action, on, off))

    def end(self, reason: StopReason) -> list[ActionEvent]:
        """The frames stop here: close what is open and forget the stream, so that it can begin anew."""
        events = self._shown(self._events.make(self.detector.reset(reason)), None)
        self._state.reset()
        self._sampler.reset()
        self._pace.reset()
        if self._gate is not None:
            self._gate.reset()
        self._last_s = None
        return events

    def _frame_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The smallest size of a picture in which the model, the evidence and whoever looks on lose nothing."""
        sizes = [self._state.preprocessor.frame_size(width_px, height_px)]
        if self.evidence is not None:
            sizes.append(self.evidence.size_for(width_px, height_px))
        if self.observers:
            sizes.append(self.observers.size_for(self.stream, width_px, height_px))
        return max(width for width, _ in sizes), max(height for _, height in sizes)

    def _shown(self, events: list[ActionEvent], frame: Frame | None) -> list[ActionEvent]:
        return events if self.evidence is None else self.evidence.take(events, frame, self.detector)

    def _break_before(self, frame: Frame) -> list[ActionEvent]:
        if self._last_s is None:
            return []
        silence_s = frame.time_s - self._last_s
        if not frame.discontinuity and -_REORDER_S <= silence_s <= self.gap_s:
            return []
        self.figures.gaps += 1
        # A cut that the source announces is part of its life (a film in a loop); a silence is news.
        level = _log.debug if frame.discontinuity else _log.info
        level("stream reset", stream=self.stream, after_s=round(silence_s, 3), cut=frame.discontinuity)
        return self.end(StopReason.GAP)

    def _unusable(self, frame: Frame, error: Exception) -> list[ActionEvent]:
        self.figures.unusable += 1
        first = self.figures.unusable == 1
        (_log.warning if first else _log.debug)(
            "frame cannot be scored", stream=self.stream, time_s=round(frame.time_s, 3), reason=str(error)
        )
        # ValueError: not a picture, and the model has not seen it. Anything else may have left half a frame behind.
        return [] if isinstance(error, ValueError) else self.end(StopReason.GAP)
