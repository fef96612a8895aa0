"""Measures an exported file on whole videos: the events that the daemon would send, found and false."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from movinet_edge.api import ActionEvent, EventType, SourceEnded, StopReason
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.engine import Model
from movinet_edge.training.falls import FallVideo

EARLY_S, LATE_S = 0.5, 2.0
"""A fall that is found counts as found this long before its span begins and after it ends: spans are rounded by hand,
and what the pool remembers holds a score up."""


@dataclass(frozen=True, slots=True)
class FallFigures:
    """Falls on real video.

    Attributes:
        falls, found: how many there were, and with how many a `fall` began in time.
        videos: how many were watched.
        seconds: of all videos together.
        false: starts of `fall` at any other time.
        daily_false: those of them on the videos of daily life.
        daily_seconds: of these videos.
        latest_s: how long after the beginning of its span the last of those that were found began; NaN without any.
    """

    falls: int
    found: int
    videos: int
    seconds: float
    false: int
    daily_false: int
    daily_seconds: float
    latest_s: float

    @property
    def false_per_minute(self) -> float:
        """On daily life."""
        return 60 * self.daily_false / self.daily_seconds if self.daily_seconds else float("nan")


def starts(model: Model, video: Path, actions: Sequence[str], window: int) -> tuple[list[ActionEvent], float]:
    """The actions that begin in a video, each label an action with default thresholds, and the video's seconds."""
    settings = StreamSettings.model_validate(
        {
            "name": "evaluation",
            "source": {"type": "file"},
            "window": window,
            "actions": {name: {"labels": [name]} for name in actions},
        }
    )
    pipeline = build_pipeline(
        "evaluation", settings, model, watch_list(settings.actions, settings.all_labels, model.labels)
    )
    plugin = discover_plugins().find("source", "file").plugin_class()
    source = plugin(plugin.Settings(path=video, pace="fast"))
    events, seconds = [], 0.0
    try:
        for frame in source.frames(pipeline.request):
            events += pipeline.feed(frame)
            seconds = frame.time_s
    except SourceEnded:
        pass
    finally:
        source.close()
    events += pipeline.end(StopReason.SOURCE_LOST)
    return [event for event in events if event.event_type is EventType.START], seconds


def falls_on(model: Model, videos: Sequence[FallVideo], window: int) -> FallFigures:
    """Falls found and made up."""
    falls = found = false = daily_false = 0
    seconds = daily_seconds = 0.0
    delays_s: list[float] = []
    for video in videos:
        moments, length_s = starts(model, video.path, ["fall"], window)
        real = video.seconds_of_falls()
        hits = [[e for e in moments if first_s - EARLY_S <= e.started_s <= last_s + LATE_S] for first_s, last_s in real]
        wrong = len(moments) - len({e.id for hit in hits for e in hit})
        falls, found, false = falls + len(real), found + sum(bool(hit) for hit in hits), false + wrong
        delays_s += [hit[0].started_s - first_s for hit, (first_s, _) in zip(hits, real, strict=True) if hit]
        seconds += length_s
        if not real:
            daily_false, daily_seconds = daily_false + wrong, daily_seconds + length_s
    latest_s = max(delays_s, default=math.nan)
    return FallFigures(falls, found, len(videos), seconds, false, daily_false, daily_seconds, latest_s)
