"""From what the detector decides to the events that leave: ids, wall times, and what produced the scores."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from movinet_edge.actions import Transition
from movinet_edge.api import ActionEvent, EventType, ModelInfo

_YEAR_9999_S = 253_370_764_800.0  # datetime ends with that year
# Microseconds, and more than a float32 score has; without it JSON shows 2.8000000000000003.
_DIGITS = 6


def time_ordered_id(unix_s: float) -> str:
    """A UUID of version 7: sorts by time, unique without asking anybody. Source: RFC 9562, section 5.7."""
    milliseconds = max(0, int(unix_s * 1000)) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62 & 0xFFF) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(slots=True)
class _Occurrence:
    id: str
    # Wall time minus stream clock when it began. A clock that is set in between must not stretch the occurrence.
    offset_s: float


class EventMaker:
    """Makes the events of one stream; one occurrence keeps its id and its clock from start to stop."""

    def __init__(self, stream: str, model: ModelInfo, new_id: Callable[[float], str] = time_ordered_id) -> None:
        self._stream, self._model, self._new_id = stream, model, new_id
        self._open: dict[int, _Occurrence] = {}
        self._offset_s = time.time()

    def clock(self, time_s: float, wall_time_s: float | None) -> None:
        """The stream's clock read `time_s` at that wall time (seconds since 1970); None means now.

        So does what is no wall time, such as a source's milliseconds: a date outside the calendar cannot be written.
        """
        if wall_time_s is None or not 0.0 <= wall_time_s < _YEAR_9999_S:
            wall_time_s = time.time()
        self._offset_s = wall_time_s - time_s

    def make(self, transitions: Iterable[Transition]) -> list[ActionEvent]:
        """The events for what the detector decided."""
        return [self._event(transition) for transition in transitions]

    def _event(self, transition: Transition) -> ActionEvent:
        if transition.kind is EventType.START:
            began_s = transition.started_s + self._offset_s
            self._open[transition.occurrence] = _Occurrence(self._new_id(began_s), self._offset_s)
        occurrence = self._open[transition.occurrence]
        if transition.kind is EventType.STOP:
            del self._open[transition.occurrence]
        return ActionEvent(
            event_type=transition.kind,
            id=occurrence.id,
            stream=self._stream,
            action=transition.action,
            labels=transition.labels,
            score=round(transition.score, _DIGITS),
            peak_score=round(transition.peak_score, _DIGITS),
            time_s=round(transition.time_s, _DIGITS),
            started_s=round(transition.started_s, _DIGITS),
            ended_s=None if transition.ended_s is None else round(transition.ended_s, _DIGITS),
            started_at=_utc(transition.started_s + occurrence.offset_s),
            ended_at=None if transition.ended_s is None else _utc(transition.ended_s + occurrence.offset_s),
            duration_s=round(transition.duration_s, _DIGITS),
            reason=transition.reason,
            model=self._model,
        )


def _utc(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
