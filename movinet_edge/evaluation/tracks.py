"""Scores of videos over time, computed once; events are then replayed from them with any thresholds and times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from movinet_edge.actions import ActionRule, WatchList
from movinet_edge.api import EventType, Source, SourceEnded, SourceError, SourceRejected, StopReason
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.daemon.stream_parts import build_detector, build_pipeline
from movinet_edge.engine import Model
from movinet_edge.evaluation.intervals import Found

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Track:
    """The actions' scores in one video, before any smoothing.

    Attributes:
        video: its name.
        length_s: seconds of video.
        times_s: float64 `[frames]`, the stream clock of each scored frame.
        scores: float32 `[frames, actions]`, 0 to 1.
    """

    video: str
    length_s: float
    times_s: NDArray[np.float64]
    scores: NDArray[np.float32]

    def between(self, start_s: float, end_s: float) -> "Track":
        """The part from `start_s` to before `end_s`; its clock goes on as it was."""
        part = (self.times_s >= start_s) & (self.times_s < end_s)
        length_s = max(0.0, min(end_s, self.length_s) - start_s)
        return Track(self.video, length_s, self.times_s[part], self.scores[part])


def record(
    video: Path,
    settings: StreamSettings,
    model: Model,
    watch: WatchList,
    *,
    on_frame: Callable[[float], None] = lambda _time_s: None,
) -> Track:
    """Score one video as a stream with these settings would, as fast as this machine can.

    `on_frame` is told the stream clock in seconds, for a progress bar.

    Raises:
        SourceRejected: it is no video.
    """
    plugin = discover_plugins().find("source", "file").plugin_class()
    source = plugin(plugin.Settings(path=[video], pace="fast"))
    return record_source(str(video), source, settings, model, watch, on_frame=on_frame)


def record_source(
    name: str,
    source: Source,
    settings: StreamSettings,
    model: Model,
    watch: WatchList,
    *,
    on_frame: Callable[[float], None] = lambda _time_s: None,
) -> Track:
    """Score what a source gives until it ends, is closed (by another thread) or the user interrupts; then close it.

    Of one that fails later on counts what was seen until then, with a word in the log.

    Raises:
        SourceRejected: no frame came.
        SourceError: the source failed before its first frame.
    """
    times: list[float] = []
    scores: list[NDArray[np.float32]] = []

    def keep(_stream: str, time_s: float, label_scores: NDArray[np.float32]) -> None:
        times.append(time_s)
        scores.append(watch.scores(label_scores))
        on_frame(time_s)

    pipeline = build_pipeline(name, settings, model, watch, on_scores=keep)
    try:
        for frame in source.frames(pipeline.request):
            pipeline.feed(frame)
    except (SourceError, KeyboardInterrupt) as error:
        if not times and not isinstance(error, SourceEnded):
            raise
        if isinstance(error, SourceError) and not isinstance(error, SourceEnded):
            _log.warning("the source failed; what was seen until then counts", source=name, reason=str(error))
    finally:
        source.close()
    if not times:
        raise SourceRejected(f"{name}: no frame could be scored")
    length_s = (times[-1] - times[0]) * len(times) / max(1, len(times) - 1)
    return Track(name, length_s, np.array(times), np.stack(scores))


def replay(track: Track, rules: Sequence[ActionRule], settings: StreamSettings) -> list[Found]:
    """The occurrences that would be reported with these rules, one for each column of the track's scores."""
    columns = tuple(rule.name for rule in rules)
    watch = WatchList.compile([replace(rule, labels=(rule.name,)) for rule in rules], columns)
    detector = build_detector(settings, watch)
    begun: dict[int, float] = {}
    found = []
    transitions = [
        transition
        for time_s, scores in zip(track.times_s.tolist(), track.scores, strict=True)
        for transition in detector.step(time_s, scores)
    ]
    transitions += detector.reset(StopReason.SOURCE_LOST)
    for told in transitions:
        if told.kind is EventType.START:
            begun[told.occurrence] = told.time_s
        elif told.kind is EventType.STOP:
            end_s = told.time_s if told.ended_s is None else told.ended_s
            decided_s = begun.pop(told.occurrence)
            found.append(Found(track.video, told.action, told.started_s, end_s, decided_s, told.peak_score))
    return found
