"""A camera without a network: red and black in turn, half a second each, at a steady pace."""

import threading
import time
from collections.abc import Iterator
from typing import ClassVar

from coloured_scenes import picture

from movinet_edge.api import Frame, FrameRequest, PluginSettings

BLINK_S = 0.5


class SteadySource:
    """Gives `fps` pictures per second until it is closed, whether or not more were asked for."""

    Settings: ClassVar[type[PluginSettings]] = PluginSettings
    live = True

    def __init__(self, fps: float) -> None:
        self.frames_read = 0
        self._fps = fps
        self._closed = threading.Event()

    def frames(self, request: FrameRequest) -> Iterator[Frame]:  # noqa: ARG002 the protocol's
        begin_s = time.monotonic()
        while not self._closed.wait(max(0.0, begin_s + self.frames_read / self._fps - time.monotonic())):
            self.frames_read += 1
            time_s = time.monotonic() - begin_s
            yield Frame(picture("red" if time_s % (2 * BLINK_S) > BLINK_S else "black"), time_s)

    def close(self) -> None:
        self._closed.set()
