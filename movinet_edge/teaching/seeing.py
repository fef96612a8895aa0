"""Shows recordings to the frozen trunk and keeps what it makes of them: one row of numbers for each window."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import Frame, FrameRequest, Sampler, Source, SourceEnded
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.engine import Model
from movinet_edge.heads import centred_logits
from movinet_edge.teaching.examples import Example, Span
from movinet_edge.teaching.looks import AS_IT_IS, Look

Progress: TypeAlias = Callable[[float], None]
"""Called with the seconds of a recording that have been seen."""

# A window that ends sooner after a change of label shows mostly what was before.
_SETTLED_S = 0.4
# Frames between two windows: neighbours say nearly the same.
_STRIDE = 2
# An hour of background must not outweigh memory; of a longer span windows further apart are kept.
_MOST_WINDOWS = 60
# A recording is cut where the action begins, but a camera has seen something before. The first frames, shown backwards,
# fill the trunk's memory as that would. Two seconds are more than the temporal convolutions reach.
_RUN_UP_FRAMES = 10
# The looks at other speeds need frames in between.
_FRAMES_PER_LOOK_FRAME = 4


@dataclass(frozen=True, slots=True)
class Signals:
    """What a row is made of.

    Attributes:
        windows: frames over which the head pool is averaged.
        fps: frames per second of the model's clock.
        memory_window: the model's own window in frames.
    """

    windows: tuple[int, ...] = (5,)
    fps: float = 5.0
    memory_window: int = 25


@dataclass(frozen=True, slots=True)
class Seen:
    """The windows of one span under one look: float32 rows `[windows, channels × len(windows) + labels]`."""

    span: int
    look: Look
    times_s: tuple[float, ...]
    rows: NDArray[np.float32]


def see(
    example: Example, model: Model, signals: Signals, looks: Sequence[Look], *, progress: Progress | None = None
) -> list[Seen]:
    """Show a recording to the model, once for each look at one decoding.

    Raises:
        SourceError: it cannot be read.
    """
    watchers = [_Watcher(model, signals, look, example.spans) for look in looks]
    source = open_source(example)
    preprocessor = model.new_state(window=signals.memory_window).preprocessor
    request = FrameRequest(signals.fps * _FRAMES_PER_LOOK_FRAME, preprocessor.frame_size)
    began_s: float | None = None
    try:
        for frame in source.frames(request):
            began_s = frame.time_s if began_s is None else began_s
            time_s = frame.time_s - began_s
            if example.seconds is not None and time_s > example.seconds:
                break
            for watcher in watchers:
                watcher.look_at(frame, time_s)
            if progress is not None:
                progress(time_s)
    except SourceEnded:
        pass
    finally:
        source.close()
    return [seen for watcher in watchers for seen in watcher.finish()]


def open_source(example: Example) -> Source:
    """The plugin that reads the example."""
    if example.make is not None:
        return example.make()
    kind = "file" if example.seconds is None else "rtsp"
    plugin = _plugin_class(kind)
    options = {"path": [example.path], "pace": "fast"} if kind == "file" else {"url": example.path}
    source: Source = plugin(plugin.Settings.model_validate(options))
    return source


@cache
def _plugin_class(kind: str) -> Any:
    return discover_plugins().find("source", kind).plugin_class()


@dataclass(slots=True)
class _Kept:
    """Rows of one span, thinned out when they become many."""

    stride: int = _STRIDE
    offered: int = 0
    times_s: list[float] = field(default_factory=list)
    rows: list[NDArray[np.float32]] = field(default_factory=list)

    def wants_next(self) -> bool:
        self.offered += 1
        return (self.offered - 1) % self.stride == 0

    def add(self, time_s: float, row: NDArray[np.float32]) -> None:
        self.times_s.append(time_s)
        self.rows.append(row)
        if len(self.rows) > _MOST_WINDOWS:
            self.stride *= 2
            self.times_s, self.rows = self.times_s[::2], self.rows[::2]


class _Watcher:
    """One look at one recording."""

    def __init__(self, model: Model, signals: Signals, look: Look, spans: Sequence[Span]) -> None:
        self._model, self._signals, self._look, self._spans = model, signals, look, spans
        self._state = model.new_state(window=signals.memory_window)
        self._sampler = Sampler(signals.fps / look.speed)
        self._recent: deque[NDArray[np.float32]] = deque(maxlen=max(signals.windows, default=1))
        self._first: list[tuple[Frame, float]] | None = []
        self._kept = [_Kept() for _ in spans]

    def look_at(self, frame: Frame, time_s: float) -> None:
        if not self._sampler.due(frame.time_s):
            return
        if self._first is None:
            self._take(frame, time_s)
            return
        self._first.append((frame, time_s))
        if len(self._first) == _RUN_UP_FRAMES:
            self._start(self._first)

    def finish(self) -> list[Seen]:
        if self._first:
            self._start(self._first)
        return [
            Seen(index, self._look, tuple(kept.times_s), np.array(kept.rows, np.float32))
            for index, kept in enumerate(self._kept)
            if kept.rows
        ]

    def _start(self, first: Sequence[tuple[Frame, float]]) -> None:
        self._first = None
        for frame, _ in reversed(first[1:]):
            self._step(frame)
        for frame, time_s in first:
            self._take(frame, time_s)

    def _step(self, frame: Frame) -> NDArray[np.float32]:
        scores = self._model.step(self._look.at(frame.image), self._state, colour=frame.colour)
        self._recent.append(self._state.contribution)
        return scores

    def _take(self, frame: Frame, time_s: float) -> None:
        scores = self._step(frame)
        index = self._span_at(time_s)
        if index is None or not self._kept[index].wants_next():
            return
        recent = list(self._recent)
        parts = [np.mean(recent[-window:], axis=0) for window in self._signals.windows]
        self._kept[index].add(time_s, np.concatenate([*parts, centred_logits(scores)]))

    def _span_at(self, time_s: float) -> int | None:
        """The span of the moment, unless another one has just ended or this one has just begun."""
        holding = [index for index, span in enumerate(self._spans) if span.holds(time_s)]
        if len(holding) != 1 or time_s < self._spans[holding[0]].start_s + _SETTLED_S:
            return None
        return holding[0]


def as_it_is(seen: Iterable[Seen]) -> list[Seen]:
    """Those that show the recording unchanged, which is how a head is judged."""
    return [one for one in seen if one.look == AS_IT_IS]
