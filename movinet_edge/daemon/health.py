"""What a stream does, in figures: kept once, read by `status` and by the sinks."""

import math
import threading
from collections import deque

import numpy as np

from movinet_edge.api import Source, SourceInfo, StreamHealth

_OVER_S = 30.0
# At 5 fps a bit more than the half minute; a stream scored faster is measured over less.
_SAMPLES = 160
_CLOCK_S = 1e-9  # what a clock counts in; marks that are nearer say nothing of a rate


class Rate:
    """Events per second over the last half minute, from a total that only rises."""

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque(maxlen=_SAMPLES)

    def mark(self, now_s: float, total: float) -> None:
        """The total at a moment, in seconds of a monotonic clock."""
        self._marks.append((now_s, total))

    def per_s(self, now_s: float) -> float | None:
        """The rate; None before there are two marks. What has stopped sinks to zero within the half minute."""
        marks = list(self._marks)
        recent = [mark for mark in marks if mark[0] >= now_s - _OVER_S]
        if len(marks) < 2:
            return None
        if len(recent) < 2:
            return 0.0
        (first_s, first), (last_s, last) = recent[0], recent[-1]
        # A pause counts once it is longer than the usual distance of two marks.
        usual_s = (last_s - first_s) / (len(recent) - 1)
        until_s = now_s if now_s - last_s > 2.0 * usual_s + 0.5 else last_s
        over_s = until_s - first_s
        return (last - first) / over_s if over_s >= _CLOCK_S else None


class StreamMeter:
    """The figures of one stream's source; they go on over all its readers. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._source: Source | None = None
        self._info: SourceInfo | None = None
        self._read_before = 0
        self._cpu_before_s = 0.0
        self._given = 0
        self._in, self._out, self._cpu, self._scored = Rate(), Rate(), Rate(), Rate()
        self._steps_s: deque[float] = deque(maxlen=_SAMPLES)
        self.abandoned = 0

    def opened(self, source: Source) -> None:
        """A new reader begins; what the one before it counted is kept, though that may hang for ever."""
        self._keep(self._source)
        with self._lock:
            self._source = source

    def closed(self, source: Source) -> None:
        """The reader ended; its counts are kept."""
        self._keep(source)

    def frame(self, now_s: float, source: Source) -> None:
        """The source has handed a frame over."""
        read, info = _read(source), _info(source)  # a plugin's own code, so nobody must wait for it
        with self._lock:
            if self._source is not source:
                return
            self._given += 1
            self._in.mark(now_s, self._read_before + read)
            self._out.mark(now_s, self._given)
            if info is not None:
                self._info = info
                if info.cpu_s is not None:
                    self._cpu.mark(now_s, self._cpu_before_s + info.cpu_s)

    def scored(self, now_s: float, total: int, step_s: float) -> None:
        """The model has looked at a frame, the `total`-th, for `step_s` seconds."""
        with self._lock:
            self._scored.mark(now_s, total)
            self._steps_s.append(step_s)

    @property
    def frames_read(self) -> int:
        """Frames that arrived at the source, over all its readers."""
        with self._lock:
            source, before = self._source, self._read_before
        return before + _read(source)

    def health(self, now_s: float, *, frame_s: float | None) -> StreamHealth:
        """The figures of this meter; `frame_s` is when the newest frame came."""
        read = self.frames_read
        with self._lock:
            steps_ms = [1000.0 * step_s for step_s in self._steps_s]
        p50_ms, p95_ms = (float(p) for p in np.percentile(steps_ms, (50, 95))) if steps_ms else (None, None)
        with self._lock:
            return StreamHealth(
                fps_in=_rounded(self._in.per_s(now_s), 2),
                fps_given=_rounded(self._out.per_s(now_s), 2),
                fps_scored=_rounded(self._scored.per_s(now_s), 2),
                frame_age_s=None if frame_s is None else round(max(0.0, now_s - frame_s), 2),
                read=read,
                abandoned=self.abandoned,
                inference_p50_ms=_rounded(p50_ms, 2),
                inference_p95_ms=_rounded(p95_ms, 2),
                source=self._info,
                source_cpu=_rounded(self._cpu.per_s(now_s), 4),
            )

    def _keep(self, source: Source | None) -> None:
        read, info = _read(source), _info(source)
        with self._lock:
            if source is not None and self._source is source:
                self._read_before += read
                self._cpu_before_s += (info and info.cpu_s) or 0.0
                self._source = None


# A plugin may raise anything, and a figure is worth no stream.


def _read(source: Source | None) -> int:
    try:
        return int(getattr(source, "frames_read", 0))
    except Exception:  # noqa: BLE001  # see above
        return 0


def _info(source: Source | None) -> SourceInfo | None:
    try:
        info = getattr(source, "info", None)
    except Exception:  # noqa: BLE001  # see above
        return None
    return info if isinstance(info, SourceInfo) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)
