"""Pictures of what was seen: one at the start of an action, one of its peak at the stop, kept as JPEG files."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import structlog

from movinet_edge.actions import ActionDetector
from movinet_edge.api import ActionEvent, Colour, EventType, Frame

_log = structlog.get_logger(__name__)

# About 50 kB each at 640 pixels: 25 MB a stream. What a sink has not fetched by then is very late.
_MOST_KEPT = 500

_TO_BGR: dict[Colour, int] = {
    "rgb": cv2.COLOR_RGB2BGR,
    "rgba": cv2.COLOR_RGBA2BGR,
    "bgra": cv2.COLOR_BGRA2BGR,
    "grey": cv2.COLOR_GRAY2BGR,
}


def encoded(frame: Frame, suffix: str, *, size_px: tuple[int, int] | None = None, quality: int | None = None) -> bytes:
    """The frame as a picture file of the kind that `suffix` names, scaled to `size_px`; `quality` is JPEG's, 1 to 100.

    Raises:
        cv2.error, OSError: it cannot be encoded so.
    """
    image = frame.image
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if size_px is not None and size_px != frame.size_px:
        image = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
    if frame.colour in _TO_BGR:
        image = cv2.cvtColor(image, _TO_BGR[frame.colour])
    options = () if quality is None else (cv2.IMWRITE_JPEG_QUALITY, quality)
    done, data = cv2.imencode(suffix, image, options)
    if not done:
        raise OSError(errno.EINVAL, "the picture cannot be encoded")
    return bytes(data)


@dataclass(frozen=True, slots=True)
class _Best:
    score: float
    frame: Frame


class Snapshots:
    """Keeps the picture of each open action's peak, and writes it when the action stops. For one thread."""

    def __init__(self, folder: Path, *, width_px: int, quality: int) -> None:
        """Pictures go into `folder`, at most `width_px` wide, with JPEG's `quality` of 1 to 100."""
        self._folder, self.width_px, self._quality = folder, width_px, quality
        self._best: dict[str, _Best] = {}
        self._failed = False

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The size of a snapshot of a picture of that size."""
        scale = min(1.0, self.width_px / width_px)
        return max(1, round(width_px * scale)), max(1, round(height_px * scale))

    def look(self, frame: Frame, detector: ActionDetector) -> None:
        """Remember the frame for every open action that it is the peak of."""
        active = detector.active
        if not active:
            return
        scores = dict(zip(detector.watched, detector.smoothed.tolist(), strict=True))
        for action in active:
            best = self._best.get(action)
            if best is None or scores[action] > best.score:
                self._best[action] = _Best(scores[action], frame)

    def attach(self, events: Iterable[ActionEvent], frame: Frame | None) -> list[ActionEvent]:
        """The events with their pictures; `frame` is the one that decided them, if one did."""
        return [self._attach(event, frame) for event in events]

    def _attach(self, event: ActionEvent, frame: Frame | None) -> ActionEvent:
        picture = frame if event.event_type is EventType.START else None
        if event.event_type is EventType.STOP and (best := self._best.pop(event.action, None)) is not None:
            picture = best.frame
        if picture is None:
            return event
        path = self._folder / f"{event.id}-{event.event_type}.jpg"
        return event.model_copy(update={"snapshot": str(path)}) if self._write(picture, path) else event

    def _write(self, frame: Frame, path: Path) -> bool:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(encoded(frame, ".jpg", size_px=self.size_for(*frame.size_px), quality=self._quality))
            path.chmod(0o600)
            self._forget_oldest()
        except (OSError, cv2.error) as error:
            (_log.debug if self._failed else _log.error)("snapshot not written", path=str(path), reason=str(error))
            self._failed = True
            return False
        self._failed = False
        return True

    def _forget_oldest(self) -> None:
        # The names begin with ids that sort by time.
        for path in sorted(self._folder.glob("*.jpg"))[:-_MOST_KEPT]:
            path.unlink(missing_ok=True)
