"""A source that shows the colour whose name is in a file, as a plugin in a single file for a `plugin_dirs` folder."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from movinet_edge.api import Frame, FrameRequest, PluginSettings

COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255), "black": (0, 0, 0)}
FPS = 10


class PaintedSettings(PluginSettings):
    """`path`: the file."""

    path: Path


class PaintedSource:
    """A camera in front of a wall of one colour, which changes as soon as the file does."""

    Settings = PaintedSettings
    live = True

    def __init__(self, settings: PaintedSettings) -> None:
        self._path = settings.path
        self._closed = threading.Event()
        self.frames_read = 0

    def frames(self, request: FrameRequest) -> Iterator[Frame]:  # noqa: ARG002 the protocol's
        """Frames of 16×12 pixels, ten a second."""
        while not self._closed.wait(1 / FPS):
            self.frames_read += 1
            yield Frame(np.full((12, 16, 3), COLOURS[self._path.read_text()], np.uint8), time.monotonic())

    def close(self) -> None:
        """No more frames."""
        self._closed.set()


SOURCES = {"painted": PaintedSource}
