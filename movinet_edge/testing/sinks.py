"""What every sink must do, as a pytest class to subclass.

class TestMySink(SinkContract):
    sink_type = MySink

    def settings(self) -> dict[str, object]:
        return {"path": self.folder / "events.txt"}

    def check_accepted(self, events: Sequence[ActionEvent]) -> None:
        assert read_events(self.folder / "events.txt") == events
"""
# ruff: noqa: S101 - these are tests, only shipped

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from movinet_edge.api import ActionEvent, EventType, ModelInfo, Sink, StopReason

# A thread may need a moment to end after `close` has told it to; far more than that moment on a busy machine.
_THREADS_END_WITHIN_S = 10.0


def example_event(event_type: EventType = EventType.START, *, number: int = 1, **changes: Any) -> ActionEvent:
    """An event of occurrence `number`; `changes` are fields of ActionEvent to set otherwise."""
    started_at = datetime(2024, 5, 17, 8, 30, tzinfo=UTC) + timedelta(minutes=number)
    is_stop = event_type is EventType.STOP
    duration_s = {EventType.START: 0.4, EventType.UPDATE: 2.0, EventType.STOP: 3.6}[event_type]
    fields: dict[str, Any] = {
        "event_type": event_type,
        "id": f"example-{number:06d}",
        "stream": "porch",
        "action": "waving",
        "labels": ("waving hand", "shaking hands"),
        "score": 0.21 if is_stop else 0.74,
        "peak_score": 0.74 if event_type is EventType.START else 0.93,
        "time_s": 60.0 * number + duration_s + (0.4 if is_stop else 0.0),
        "started_s": 60.0 * number,
        "ended_s": 60.0 * number + duration_s if is_stop else None,
        "started_at": started_at,
        "ended_at": started_at + timedelta(seconds=duration_s) if is_stop else None,
        "duration_s": duration_s,
        "reason": StopReason.BELOW if is_stop else None,
        "model": ModelInfo(name="movinet-a0-int8", memory="window", window=25, fps=5.0),
    }
    return ActionEvent(**(fields | changes))


class SinkContract(ABC):
    """The suite. `self.folder` is an empty folder of the test's own."""

    sink_type: ClassVar[type[Sink]]
    """The class under test."""

    folder: Path

    @abstractmethod
    def settings(self) -> dict[str, object]:
        """Valid settings, as they would stand in the configuration, for a destination that works."""

    @abstractmethod
    def check_accepted(self, events: Sequence[ActionEvent]) -> None:
        """Assert that exactly these events have arrived at the destination, in this order."""

    def make_sink(self) -> Sink:
        """A new sink for the destination, not yet opened."""
        return self.sink_type(self.sink_type.Settings(**self.settings()))

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def test_is_a_sink(self) -> None:
        """It has every method the daemon calls."""
        assert isinstance(self.make_sink(), Sink), f"{self.sink_type.__name__} lacks a method of movinet_edge.api.Sink"

    def test_unknown_setting_is_refused_by_name(self) -> None:
        """A misspelt key is an error that names it."""
        with pytest.raises(ValidationError) as caught:
            self.sink_type.Settings(**self.settings(), no_such_setting=1)
        where = [error["loc"] for error in caught.value.errors()]
        assert ("no_such_setting",) in where, f"the error is about {where}; derive Settings from PluginSettings"

    def test_closes_without_open(self) -> None:
        """Closing needs no opening before it."""
        self.make_sink().close()

    def test_closes_twice(self) -> None:
        """The second close does nothing."""
        sink = self.make_sink()
        sink.open()
        sink.close()
        sink.close()

    def test_events_arrive_whole_and_in_order(self) -> None:
        """Starts, updates and stops, with all their fields, unusual ones too."""
        events = [
            example_event(EventType.START, number=1, seq=1),
            example_event(EventType.UPDATE, number=1, seq=2),
            example_event(EventType.START, number=2, seq=3, stream="Küche", action="手を振る", labels=('"quoted"\n',)),
            example_event(EventType.STOP, number=1, seq=4, late=True),
            example_event(EventType.STOP, number=2, seq=5, labels=(), reason=StopReason.SHUTDOWN),
        ]
        sink = self.make_sink()
        sink.open()
        for event in events:
            sink.deliver(event)
        sink.close()
        self.check_accepted(events)

    def test_accepts_more_after_being_made_anew(self) -> None:
        """What arrived before stays, what comes later follows."""
        events = [example_event(number=n, seq=n) for n in range(1, 4)]
        for event in events:
            sink = self.make_sink()
            sink.open()
            sink.deliver(event)
            sink.close()
        self.check_accepted(events)

    def test_leaves_no_thread_behind(self) -> None:
        """Every thread the sink started ends with `close`."""
        before = set(threading.enumerate())
        sink = self.make_sink()
        sink.open()
        sink.deliver(example_event(seq=1))
        sink.close()
        deadline_s = time.monotonic() + _THREADS_END_WITHIN_S
        for thread in set(threading.enumerate()) - before:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        left = [thread.name for thread in set(threading.enumerate()) - before]
        assert not left, f"threads still running after close: {left}"
