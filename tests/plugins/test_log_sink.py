"""Sink `log`: its contract, and what stands in a line."""

from collections.abc import Iterator, Sequence

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from movinet_edge.api import ActionEvent, EventType, StopReason
from movinet_edge.testing.sinks import SinkContract, example_event
from movinet_edge_plugins.log import LogSettings, LogSink


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    with capture_logs() as captured:
        yield captured


class TestLogSinkContract(SinkContract):
    sink_type = LogSink

    @pytest.fixture(autouse=True)
    def _captured(self, lines):
        self.lines = lines

    def settings(self):
        return {}

    def check_accepted(self, events: Sequence[ActionEvent]):
        told = [(line["event_id"], line["stream"], line["action"]) for line in self.lines]
        assert told == [(event.id, event.stream, event.action) for event in events]


START = {
    "log_level": "info",
    "event": "action started",
    "stream": "porch",
    "action": "waving",
    "score": 0.74,
    "started_at": "2024-05-17T08:31:00.000+00:00",
    "event_id": "example-000001",
}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (example_event(), START),
        (
            example_event(EventType.UPDATE, score=0.123456),
            START | {"event": "action goes on", "score": 0.123, "duration_s": 2.0, "peak_score": 0.93},
        ),
        (
            example_event(EventType.STOP, reason=StopReason.SOURCE_LOST, late=True),
            START
            | {"event": "action stopped", "score": 0.21, "duration_s": 3.6, "peak_score": 0.93}
            | {"reason": "source_lost", "late": True},
        ),
    ],
    ids=["start", "update", "stop"],
)
def test_line(event, expected, lines):
    LogSink(LogSettings()).deliver(event)
    assert lines == [expected]
