"""Source `testpattern`: a bright square that glides over a colour gradient, to try a configuration without a camera."""

import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import ClassVar, Literal

import numpy as np
from movinet_edge.api import Duration, Frame, FrameRequest, PluginSettings, Sampler
from numpy.typing import NDArray
from pydantic import BaseModel, Field

# Slow enough for the eye, fast enough that a still picture is noticed at once.
_CROSSING_S = 4.0
_SQUARE_SHARE = 0.2
_SQUARE_RGB = (255, 240, 40)


class PatternSettings(PluginSettings):
    """What can be set for a `testpattern` source."""

    width_px: int = Field(default=320, ge=16, le=7680, description="width of the picture in pixels")
    height_px: int = Field(default=240, ge=16, le=7680, description="height of the picture in pixels")
    fps: float = Field(default=10.0, gt=0.0, le=240.0, description="pictures per second")
    pace: Literal["fast", "realtime"] = Field(
        default="fast",
        description="fast: as fast as the engine takes the pictures; realtime: as a camera would give them",
    )
    # Units in our names, plain words in the configuration: there it is `duration: 30s`.
    duration_s: Duration | None = Field(
        default=None, alias="duration", description="how long the source goes on; null: for ever"
    )


class PatternSource:
    """A moving test pattern, drawn on the fly."""

    Settings: ClassVar[type[BaseModel]] = PatternSettings

    def __init__(self, settings: PatternSettings) -> None:
        """Import what is heavy (a camera's library) here and not at the top: listing plugins then stays fast."""
        self._settings = settings
        self._closed = threading.Event()
        self.live = settings.pace == "realtime"
        self.frames_read = 0

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield uint8 RGB pictures `[height, width, 3]`, values 0 to 255, whose clock starts at 0."""
        settings = self._settings
        draw = _Pattern(*request.size_for(settings.width_px, settings.height_px))
        sampler = Sampler(request.fps)
        began_s, began_wall_s = time.monotonic(), time.time()
        for index in count():
            time_s = index / settings.fps
            if settings.duration_s is not None and time_s >= settings.duration_s:
                return
            if self.live:
                # Not time.sleep: close() must end the wait.
                self._closed.wait(max(0.0, began_s + time_s - time.monotonic()))
            if self._closed.is_set():
                return
            self.frames_read += 1
            if sampler.due(time_s):  # nobody looks at the others, so they are not drawn
                yield Frame(draw.at(time_s), time_s, colour="rgb", wall_time_s=began_wall_s + time_s)

    def close(self) -> None:
        """End `frames()`, also one that waits in another thread."""
        self._closed.set()


class _Pattern:
    def __init__(self, width_px: int, height_px: int) -> None:
        across = np.linspace(0, 160, width_px, dtype=np.uint8)
        down = np.linspace(0, 160, height_px, dtype=np.uint8)
        self._background = np.empty((height_px, width_px, 3), np.uint8)
        self._background[:, :, 0] = across[np.newaxis, :]
        self._background[:, :, 1] = 60
        self._background[:, :, 2] = down[:, np.newaxis]
        self._side_px = max(1, round(_SQUARE_SHARE * min(width_px, height_px)))

    def at(self, time_s: float) -> NDArray[np.uint8]:
        """A new uint8 array `[height, width, 3]`, values 0 to 255: whoever took the last picture may still hold it."""
        image = self._background.copy()
        height_px, width_px, _ = image.shape
        left_px = int((time_s / _CROSSING_S) % 1.0 * (width_px - self._side_px))
        top_px = (height_px - self._side_px) // 2
        image[top_px : top_px + self._side_px, left_px : left_px + self._side_px] = _SQUARE_RGB
        return image
