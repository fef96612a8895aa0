"""What the daemon's tests share: pictures of one colour, which a toy model takes for actions, and streams of them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from clips import write_clip
from numpy.typing import NDArray
from toy_model import Block, ToySpec

from movinet_edge.api import ActionEvent, EventType, Frame, FrameRequest, PluginSettings
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.pipeline import OnScores, Pipeline
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.engine import Model

PATIENCE_S = 20.0  # generous: only a test that fails waits so long
FPS = 5.0

LABELS = ("red", "green", "blue", "other")
# With these weights each colour is the label of its name, and black is none: all labels get a quarter.
SPEC = ToySpec(size_px=12, classes=len(LABELS), head=16, spread=20.0, blocks=(Block(3, (1,)),), labels_metadata=LABELS)

COLOURS = {"black": (0, 0, 0), "red": (255, 0, 0), "blue": (0, 0, 255)}

QUICK = {"on": 0.6, "off": 0.4, "min_duration": 0, "max_gap": 0, "cooldown": 0}
"""Thresholds which take every score at its word."""


def picture(colour: str, size_px: tuple[int, int] = (16, 12)) -> NDArray[np.uint8]:
    """uint8 RGB `[height, width, 3]` of one colour."""
    return np.full((size_px[1], size_px[0], 3), COLOURS[colour], np.uint8)


def scene(*parts: tuple[str, float], fps: float = FPS, begin_s: float = 0.0) -> list[Frame]:
    """Frames of the colours, each for its seconds."""
    colours = [colour for colour, seconds in parts for _ in range(round(seconds * fps))]
    return [Frame(picture(colour), begin_s + index / fps) for index, colour in enumerate(colours)]


def write_scene(path: Path, *parts: tuple[str, float], fps: float = FPS) -> Path:
    """The same as a video file."""
    colours = [colour for colour, seconds in parts for _ in range(round(seconds * fps))]
    return write_clip(
        path, frames=len(colours), fps=fps, paint=lambda i, width, height: picture(colours[i], (width, height))
    )


def stream_settings(name: str = "porch", **changes: Any) -> StreamSettings:
    """A stream that watches for red and blue, with a memory of a second and no smoothing."""
    settings = {
        "name": name,
        "source": {"type": "file"},
        "window": 5,
        "warm_up": 0,
        "smoothing": {"type": "none"},
        "actions": {colour: {"labels": [colour], **QUICK} for colour in ("red", "blue")},
    }
    return StreamSettings.model_validate(settings | changes)


def make_pipeline(model: Model, name: str = "porch", *, on_scores: OnScores | None = None, **changes: Any) -> Pipeline:
    """A pipeline as the daemon builds it."""
    settings = stream_settings(name, **changes)
    watch = watch_list(settings.actions, settings.all_labels, model.labels)
    return build_pipeline(name, settings, model, watch, on_scores=on_scores)


def feed(pipeline: Pipeline, frames: Iterable[Frame]) -> list[ActionEvent]:
    """The events of the frames, one after the other."""
    return [event for frame in frames for event in pipeline.feed(frame)]


def told(events: Iterable[ActionEvent]) -> list[tuple[str, str, str | None]]:
    """Type, action and reason of each event."""
    return [(event.event_type.value, event.action, event.reason and event.reason.value) for event in events]


def check_pairs(events: Sequence[ActionEvent]) -> None:
    """Every start has exactly one stop after it, and no occurrence of an action begins within another one."""
    running: dict[tuple[str, str], str] = {}
    seen: set[str] = set()
    for event in events:
        place = event.stream, event.action
        if event.event_type is EventType.START:
            assert event.id not in seen, f"{event.id} starts twice"
            assert place not in running, f"{place} starts while it goes on"
            seen.add(event.id)
            running[place] = event.id
        else:
            assert running.get(place) == event.id, f"{event.event_type} of {event.id}, which does not go on"
            if event.event_type is EventType.STOP:
                del running[place]
    assert not running, f"left open: {running}"


class ScriptedSource:
    """A source that plays a list: frames are given, errors raised, and what can be called is called.

    Each source made by `ScriptedSource.lives` takes the next list; the last one is played again and again.
    """

    Settings: ClassVar[type[PluginSettings]] = PluginSettings

    def __init__(self, script: Sequence[Any], *, live: bool = False) -> None:
        self.script, self.live = script, live
        self.frames_read = 0
        self.closed = threading.Event()

    @classmethod
    def lives(cls, *scripts: Sequence[Any], live: bool = False) -> Callable[[], "ScriptedSource"]:
        left = list(scripts)
        return lambda: cls(left.pop(0) if len(left) > 1 else left[0], live=live)

    def frames(self, request: FrameRequest) -> Iterator[Frame]:  # noqa: ARG002 the protocol's
        for step in self.script:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, Frame):
                self.frames_read += 1
                yield step
            elif step is self.wait:
                self.closed.wait(PATIENCE_S)
            else:
                step()
            if self.closed.is_set():
                return

    def close(self) -> None:
        self.closed.set()

    @staticmethod
    def wait() -> None:
        """In a script: wait for `close`."""


class KeepingSink:
    """A sink that keeps what it gets in a list, after a gate that may be shut."""

    Settings: ClassVar[type[PluginSettings]] = PluginSettings

    def __init__(self, *, gate: threading.Event | None = None) -> None:
        self.events: list[ActionEvent] = []
        self.gate = gate

    def open(self) -> None:
        pass

    def deliver(self, event: ActionEvent) -> None:
        if self.gate is not None:
            self.gate.wait()
        self.events.append(event)

    def close(self) -> None:
        pass
