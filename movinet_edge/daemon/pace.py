"""Notices that a stream is scored more slowly than was asked for, so that nobody learns it from missed actions."""

import structlog

_log = structlog.get_logger(__name__)

# Long enough that a hiccup of a network is no news.
_OVER_S = 30.0
# Cameras that promise 5 fps often give 4.8; a fifth less is no longer that.
_ENOUGH = 0.8

_WHAT_HELPS = (
    "fewer streams, a lower fps, a smaller model or more threads; if it is the camera that is slow, more frames there;"
    " `movinet-edge status` tells which of the two"
)


class Pace:
    """Compares the frames scored in stretches of the stream's clock with the pace that was asked for.

    A slow engine and a slow camera look alike from here; the time per frame and the drops tell them apart.
    """

    __slots__ = ("_began_s", "_frames", "_slow", "_stream", "_wanted_fps")

    def __init__(self, stream: str, wanted_fps: float | None) -> None:
        """`wanted_fps`: None when every frame is scored, and then nothing is too slow."""
        self._stream, self._wanted_fps = stream, wanted_fps
        self._slow = False
        self.reset()

    def reset(self) -> None:
        """A new stretch begins; silence between two of them is no slowness."""
        self._began_s: float | None = None
        self._frames = 0

    def scored(self, time_s: float, step_s: float) -> None:
        """A frame at `time_s` was scored, which took `step_s`."""
        if self._wanted_fps is None:
            return
        if self._began_s is None:
            self._began_s = time_s
            return
        self._frames += 1
        elapsed_s = time_s - self._began_s
        if elapsed_s < _OVER_S:
            return
        fps = self._frames / elapsed_s
        self._began_s, self._frames = time_s, 0
        slow = fps < _ENOUGH * self._wanted_fps
        if slow != self._slow:
            self._slow = slow
            level, event = (_log.warning, "scored too slowly") if slow else (_log.info, "scored fast enough again")
            figures = {"fps": round(fps, 2), "wanted_fps": self._wanted_fps, "step_ms": round(1000 * step_s, 1)}
            level(event, stream=self._stream, **figures, **({"what_helps": _WHAT_HELPS} if slow else {}))
