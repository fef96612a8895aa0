"""The scores of one occurrence of an action over time, with what it was started and stopped by. Pure."""

import json
from collections.abc import Iterable

from movinet_edge.api import ActionEvent

# Four times what a wide screen shows; an action that goes on for days must not fill the memory.
_MOST_POINTS = 4000

SCHEMA_VERSION = 1


class ScoreCurve:
    """Collects points; of a curve that gets too long every second one is left out."""

    def __init__(self, on: float, off: float, points: Iterable[tuple[float, float]] = ()) -> None:
        """`on` and `off` are the thresholds; `points` are earlier times in seconds with their scores."""
        self._on, self._off = on, off
        self._points = list(points)
        self._every, self._count = 1, 0

    def add(self, time_s: float, score: float) -> None:
        """One more point: the stream's clock and a smoothed score, 0 to 1."""
        self._count += 1
        if self._count % self._every == 0:
            self._points.append((time_s, score))
        if len(self._points) > _MOST_POINTS:
            del self._points[1::2]
            self._every *= 2

    def to_json(self, stop: ActionEvent) -> bytes:
        """The curve as JSON; times are seconds since the action's start, which `stop` tells."""
        curve = {
            "schema": SCHEMA_VERSION,
            "id": stop.id,
            "stream": stop.stream,
            "action": stop.action,
            "started_at": stop.started_at.isoformat(),
            "on": self._on,
            "off": self._off,
            "started_s": 0.0,
            "ended_s": round(stop.duration_s, 3),
            "times_s": [round(time_s - stop.started_s, 3) for time_s, _ in self._points],
            "scores": [round(score, 4) for _, score in self._points],
        }
        return json.dumps(curve, separators=(",", ":")).encode()
