"""What is kept of one stream's actions: snapshots, clips and the curves of their scores."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import structlog
from numpy.typing import NDArray

from movinet_edge.actions import ActionDetector
from movinet_edge.api import ActionEvent, EventType, Frame, Source
from movinet_edge.config import DailyHours, Keep
from movinet_edge.daemon.evidence_writer import EvidenceWriter
from movinet_edge.daemon.snapshots import encoded
from movinet_edge.daemon.stream_clips import StreamClips
from movinet_edge.evidence import Part, ScoreCurve

_log = structlog.get_logger(__name__)

# What may lie between a packet's arrival and the decision on its frame: a frame that waited longer is not scored.
_DECISION_S = 2.0

# Quiet hours begin so much sooner: packets come before their frames are scored, in a still scene by up to two seconds.
_QUIET_EARLY = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class EvidencePlan:
    """What is to be kept of a stream.

    Attributes:
        keep: by action; of an action that is not in it, `otherwise`.
        width_px, quality: of JPEGs; smaller pictures stay so.
        lead_s: how long before its decision an action may have begun.
        quiet_hours: of what is shown then nothing is kept.
        masked: only pictures may be kept, since the source's own video shows what is masked.
    """

    keep: Mapping[str, Keep]
    otherwise: Keep
    width_px: int
    quality: int
    pre_roll_s: float
    post_roll_s: float
    longest_s: float
    lead_s: float
    quiet_hours: tuple[DailyHours, ...] = ()
    masked: bool = False

    @property
    def most(self) -> Keep:
        """The most that is kept of any action."""
        kept = {self.otherwise, *self.keep.values()}
        return "clip" if "clip" in kept else "snapshot" if "snapshot" in kept else "none"


@dataclass(slots=True)
class _Open:
    """An occurrence that goes on."""

    index: int
    curve: ScoreCurve
    peak: Frame
    peak_score: float
    has_clip: bool = field(default=False)


class StreamEvidence:
    """Takes in what one stream's pipeline sees and decides; for the engine's thread."""

    def __init__(self, plan: EvidencePlan, writer: EvidenceWriter) -> None:
        self.plan = plan
        self._writer = writer
        self._open: dict[str, _Open] = {}
        self._history: deque[tuple[float, NDArray[np.float32]]] = deque()
        self._keep_s = plan.pre_roll_s + plan.lead_s + _DECISION_S
        self._is_quiet = False
        self._shown_s = -math.inf
        """Stream's time of the newest frame outside of the quiet hours."""
        self._clips: StreamClips | None = None
        if plan.most == "clip":
            self._clips = StreamClips(keep_s=self._keep_s, longest_s=plan.longest_s, finished=writer.clip)

    @property
    def summary(self) -> str:
        """What is kept, in a sentence."""
        if self.plan.most == "snapshot":
            return "keeps snapshots of actions"
        of = "pictures, since the camera's own video would show what is masked" if self.plan.masked else "the video"
        return f"keeps snapshots and clips of actions; the clips are made of {of}"

    def tapped(self, make_source: Callable[[], Source]) -> Callable[[], Source]:
        """Makes sources whose packets become clips, if these are wanted and may be."""
        return make_source if self._clips is None or self.plan.masked else self._clips.tapped(make_source)

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The size of a snapshot of a picture of that size."""
        scale = min(1.0, self.plan.width_px / width_px)
        return max(1, round(width_px * scale)), max(1, round(height_px * scale))

    def take(self, events: Iterable[ActionEvent], frame: Frame | None, detector: ActionDetector) -> list[ActionEvent]:
        """The events with what shows them; `frame` is the one that decided them, None where the frames stop."""
        if frame is not None:
            self._look(frame, detector)
        taken = [self._attach(event, frame, detector) for event in events]
        if frame is None:
            self._history.clear()
            self._shown_s = -math.inf
            if self._clips is not None:
                self._clips.cut()
        return taken

    def _look(self, frame: Frame, detector: ActionDetector) -> None:
        smoothed = detector.smoothed
        self._history.append((frame.time_s, smoothed))
        while self._history[0][0] < frame.time_s - self._keep_s:
            self._history.popleft()
        self._listen_to_the_clock(frame)
        for one in self._open.values():
            score = float(smoothed[one.index])
            one.curve.add(frame.time_s, score)
            if score > one.peak_score and not self._is_quiet:
                one.peak, one.peak_score = frame, score
        if self._clips is not None and not self._is_quiet and self._clips.needs_pictures(frame.time_s):
            jpeg = self._jpeg(frame)
            if jpeg is not None:
                self._clips.picture(jpeg, frame.time_s)

    def _listen_to_the_clock(self, frame: Frame) -> None:
        if not self.plan.quiet_hours:
            return
        wall_s = time.time() if frame.wall_time_s is None else frame.wall_time_s
        moment = datetime.fromtimestamp(wall_s, UTC).astimezone()
        was_quiet = self._is_quiet
        self._is_quiet = any(
            hours.contain(when) for hours in self.plan.quiet_hours for when in (moment, moment + _QUIET_EARLY)
        )
        if self._clips is not None and (self._is_quiet or was_quiet):
            self._clips.forget(after_s=self._shown_s)
        if not self._is_quiet:
            self._shown_s = frame.time_s

    def _attach(self, event: ActionEvent, frame: Frame | None, detector: ActionDetector) -> ActionEvent:
        if event.event_type is EventType.START and frame is not None and not self._is_quiet:
            return self._start(event, frame, detector)
        if event.event_type is EventType.STOP and (one := self._open.pop(event.id, None)) is not None:
            return self._stop(event, one)
        return event

    def _start(self, event: ActionEvent, frame: Frame, detector: ActionDetector) -> ActionEvent:
        keep = self.plan.keep.get(event.action, self.plan.otherwise)
        if keep == "none":
            return event
        index = detector.watched.index(event.action)
        since_s = event.started_s - self.plan.pre_roll_s
        points = [(time_s, float(smoothed[index])) for time_s, smoothed in self._history if time_s >= since_s]
        curve = ScoreCurve(*detector.thresholds[event.action], points)
        one = self._open[event.id] = _Open(index, curve, frame, event.score)
        if keep == "clip" and self._clips is not None:
            one.has_clip = True
            self._clips.begin(event, since_s)
        return self._with_snapshot(event, frame, "start.jpg")

    def _stop(self, event: ActionEvent, one: _Open) -> ActionEvent:
        self._writer.put_later(event, "scores.json", lambda: one.curve.to_json(event))
        if one.has_clip and self._clips is not None:
            until_s = event.time_s if event.ended_s is None else event.ended_s
            if self._clips.end(event.id, until_s + self.plan.post_roll_s):
                event = event.model_copy(update={"clip": str(self._writer.store.path(event, "clip.mp4"))})
        return self._with_snapshot(event, one.peak, "peak.jpg")

    def _with_snapshot(self, event: ActionEvent, frame: Frame, part: Part) -> ActionEvent:
        jpeg = self._jpeg(frame)
        path = None if jpeg is None else self._writer.put(event, part, jpeg)
        return event if path is None else event.model_copy(update={"snapshot": str(path)})

    def _jpeg(self, frame: Frame) -> bytes | None:
        try:
            return encoded(frame, ".jpg", size_px=self.size_for(*frame.size_px), quality=self.plan.quality)
        except OSError as error:
            _log.debug("picture cannot be encoded", time_s=round(frame.time_s, 3), reason=str(error))
            return None
