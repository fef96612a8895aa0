"""Who looks on: told of every scored frame and every stored event, and able to ask for larger pictures."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from movinet_edge.api import ActionEvent, Frame

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ScoredFrame:
    """A frame that the model has looked at, and what it made of it.

    Attributes:
        stream: the stream's name.
        frame: as the source gave it, which may be larger than what the model sees. Not to be written to.
        scores: float32 `[labels]`, 0 to 1, in the order of the model's labels. Not to be written to.
        actions: names of the watched actions.
        smoothed: float32 `[actions]`, 0 to 1: the scores that are compared with the thresholds.
        active: those actions that have started and not stopped.
        step_s: seconds that the model took.
    """

    stream: str
    frame: Frame
    scores: NDArray[np.float32]
    actions: tuple[str, ...]
    smoothed: NDArray[np.float32]
    active: tuple[str, ...]
    step_s: float


class FrameObserver(Protocol):
    """Looks on. Both methods are called often and hold up the stream, so they must be quick."""

    def scored(self, seen: ScoredFrame) -> None:
        """A frame was scored. Called by the thread that scores, before the frame's events are stored."""
        ...

    def size_for(self, stream: str, width_px: int, height_px: int) -> tuple[int, int]:
        """The size in pixels that the observer wants of a picture of this size now; (0, 0) when it wants none.

        Called by the thread that reads the source, before it scales a picture.
        """
        ...


class Observers:
    """The observers of all streams; they may come and go from any thread. Costs nothing while there are none."""

    def __init__(self) -> None:
        self._all: tuple[FrameObserver, ...] = ()
        self._listeners: tuple[Callable[[ActionEvent], None], ...] = ()
        self._changing = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, observer: FrameObserver) -> None:
        """Tell it of every frame from now on."""
        with self._changing:
            self._all = (*self._all, observer)

    def remove(self, observer: FrameObserver) -> None:
        """Tell it no more; nothing if it is not there."""
        with self._changing:
            self._all = tuple(other for other in self._all if other is not observer)

    def listen(self, on_event: Callable[[ActionEvent], None]) -> None:
        """Tell it of every event from now on, once that is stored; it must not block."""
        with self._changing:
            self._listeners = (*self._listeners, on_event)

    def unlisten(self, on_event: Callable[[ActionEvent], None]) -> None:
        """Tell it no more; nothing if it is not told."""
        with self._changing:
            self._listeners = tuple(other for other in self._listeners if other != on_event)

    def stored(self, event: ActionEvent) -> None:
        """Tell every listener of the event; one that raises costs the others nothing."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001  # see above
                _log.exception("a listener failed on an event", event_id=event.id)

    def scored(self, seen: ScoredFrame) -> None:
        """Tell everybody. Who raises is told no more: an observer must not cost the stream its events."""
        for observer in self._all:
            try:
                observer.scored(seen)
            except Exception:  # noqa: BLE001  # see above
                self._drop(observer)

    def size_for(self, stream: str, width_px: int, height_px: int) -> tuple[int, int]:
        """The largest width and height that an observer wants of a picture of this size; (0, 0) when none does."""
        width, height = 0, 0
        for observer in self._all:
            try:
                wanted_width, wanted_height = observer.size_for(stream, width_px, height_px)
            except Exception:  # noqa: BLE001  # as in `scored`
                self._drop(observer)
                continue
            width, height = max(width, min(width_px, wanted_width)), max(height, min(height_px, wanted_height))
        return width, height

    def _drop(self, observer: FrameObserver) -> None:
        _log.exception("an observer failed and looks on no more", observer=type(observer).__name__)
        self.remove(observer)
