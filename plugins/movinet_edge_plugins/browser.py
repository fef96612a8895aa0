"""The `browser` source: pictures that a phone or a laptop sends from the page `/camera`."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, Field

from movinet_edge.api import Duration, Frame, FrameRequest, PluginSettings, SourceInfo, SourceUnavailable
from movinet_edge_plugins._browser_clock import SenderClock
from movinet_edge_plugins._browser_picture import check_jpeg, decode

_MOST_BYTES = 4 << 20
"""A full-HD JPEG of the best quality has less; the page sends some tens of kilobytes."""


class BrowserSettings(PluginSettings):
    """When a phone counts as gone."""

    silence: Duration = Field(
        default=10.0, gt=0, description="after so long without a picture the phone counts as gone: actions are closed"
    )


@dataclass(frozen=True, slots=True)
class _Pushed:
    picture: bytes
    taken_s: float
    came_s: float
    wall_time_s: float
    size_px: tuple[int, int]


class BrowserSource:
    """Gives the pictures that somebody's browser sends to the daemon's page.

    It is `live` from the first picture on. Until then it waits for a phone, for as long as that takes.
    """

    Settings: ClassVar[type[BaseModel]] = BrowserSettings

    def __init__(self, settings: BrowserSettings) -> None:
        import cv2  # noqa: F401  # once, here, rather than when the first picture waits

        self.settings = settings
        self.live = False
        self.frames_read = 0
        self.info: SourceInfo | None = None
        self._newest: _Pushed | None = None
        self._closed = False
        self._changed = threading.Condition()

    def push(self, picture: bytes, taken_s: float) -> None:
        """Take a JPEG file in; `taken_s` are seconds of the sender's clock.

        Raises:
            ValueError: it is no JPEG file, or too large, or its time is no number.
        """
        if not math.isfinite(taken_s):
            raise ValueError(f"a picture's time must be a finite number, not {taken_s!r}")
        if len(picture) > _MOST_BYTES:
            raise ValueError(f"a picture has at most {_MOST_BYTES} bytes, not {len(picture)}")
        size_px = check_jpeg(picture)
        with self._changed:
            self.frames_read += 1
            self.live = True
            self._newest = _Pushed(picture, taken_s, time.monotonic(), time.time(), size_px)
            self._changed.notify_all()

    def frames(self, request: FrameRequest) -> Iterator[Frame]:
        """Yield the pictures that are due at `request.fps`: uint8 BGR, scaled to `request.size_for` their size.

        Raises:
            SourceUnavailable: the phone has gone.
        """
        clock = SenderClock(request.fps)
        while (pushed := self._next()) is not None:
            time_s = clock.time_s(pushed.taken_s, pushed.came_s)
            if time_s is None:
                continue
            self._describe(pushed.size_px)
            image = decode(pushed.picture, request.size_for(*pushed.size_px))
            if image is not None:
                yield Frame(image, time_s, "bgr", pushed.wall_time_s)

    def close(self) -> None:
        """Give no more frames."""
        with self._changed:
            self._closed = True
            self._newest = None
            self._changed.notify_all()

    def _next(self) -> _Pushed | None:
        """Wait for a picture that was not given yet; None once closed."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: self._closed or self._newest is not None, self.settings.silence if self.live else None
            )
            if not came:
                raise SourceUnavailable(f"no phone sends pictures; the last came {self.settings.silence:g} s ago")
            pushed, self._newest = self._newest, None
            return pushed

    def _describe(self, size_px: tuple[int, int]) -> None:
        if self.info is None or (self.info.width_px, self.info.height_px) != size_px:
            self.info = SourceInfo(codec="mjpeg", width_px=size_px[0], height_px=size_px[1])
