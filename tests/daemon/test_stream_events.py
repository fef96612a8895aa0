"""Events: ids that sort, wall times that survive a clock which is set, and the published schema."""

import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from coloured_scenes import feed, make_pipeline, scene
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.actions import Transition
from movinet_edge.api import ActionEvent, EventType, ModelInfo, StopReason
from movinet_edge.daemon.stream_events import EventMaker, time_ordered_id

NOON_S = datetime(2026, 5, 17, 12, tzinfo=UTC).timestamp()
HOUR_S = 3600.0
SCHEMA = jsonschema.Draft202012Validator(ActionEvent.model_json_schema())


def start_of(occurrence=1, *, started_s=10.0, time_s=10.4, action="waving"):
    return Transition(
        kind=EventType.START,
        occurrence=occurrence,
        action=action,
        labels=("waving hand",),
        score=0.7,
        peak_score=0.8,
        time_s=time_s,
        started_s=started_s,
        ended_s=None,
        duration_s=time_s - started_s,
        reason=None,
    )


def update_of(start, time_s):
    return replace(start, kind=EventType.UPDATE, time_s=time_s, duration_s=time_s - start.started_s)


def stop_of(start, ended_s, time_s=None):
    return replace(
        start,
        kind=EventType.STOP,
        time_s=time_s or ended_s,
        ended_s=ended_s,
        duration_s=ended_s - start.started_s,
        reason=StopReason.BELOW,
    )


@pytest.fixture
def maker():
    return EventMaker("porch", ModelInfo(name="toy", memory="window", window=25, fps=5.0))


def test_ids_are_unique_and_sort_by_time():
    ids = [time_ordered_id(NOON_S + index / 1000) for index in range(100_000)]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


def test_ids_of_one_moment_are_unique():
    assert len({time_ordered_id(NOON_S) for _ in range(100_000)}) == 100_000


@given(st.floats(0.0, 2.0**47 / 1000))
def test_an_id_is_a_uuid_of_version_7_that_holds_its_time(unix_s):
    parsed = uuid.UUID(text := time_ordered_id(unix_s))
    assert str(parsed) == text
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == int(unix_s * 1000)


def test_a_time_before_1970_still_makes_an_id():
    assert uuid.UUID(time_ordered_id(-1.0)).int >> 80 == 0


def test_the_random_part_uses_all_its_bits():
    seen = 0
    for _ in range(200):
        seen |= uuid.UUID(time_ordered_id(NOON_S)).int
    free = (0xFFF << 64) | ((1 << 62) - 1)
    assert seen & free == free


def test_one_occurrence_keeps_its_id(maker):
    waving, jumping = start_of(1), start_of(2, action="jumping")
    events = maker.make([waving, jumping, update_of(waving, 12.0), stop_of(jumping, 13.0), stop_of(waving, 14.0)])
    assert [event.action for event in events] == ["waving", "jumping", "waving", "jumping", "waving"]
    first, second = events[0].id, events[1].id
    assert first != second
    assert [event.id for event in events] == [first, second, first, second, first]


def test_ids_follow_the_begin_of_the_occurrence(maker):
    maker.clock(0.0, NOON_S)
    (event,) = maker.make([start_of(started_s=10.0)])
    assert uuid.UUID(event.id).int >> 80 == int((NOON_S + 10.0) * 1000)


@pytest.mark.parametrize("jump_s", [-HOUR_S, -1.0, 0.0, 1.0, HOUR_S], ids=str)
def test_a_clock_that_is_set_meanwhile_moves_no_event(maker, jump_s):
    maker.clock(10.4, NOON_S + 10.4)
    begun = start_of(started_s=10.0, time_s=10.4)
    (start,) = maker.make([begun])
    maker.clock(20.0, NOON_S + 20.0 + jump_s)
    update, stop = maker.make([update_of(begun, 20.0), stop_of(begun, 24.0, 25.0)])
    noon = datetime.fromtimestamp(NOON_S, UTC)
    assert start.started_at == update.started_at == stop.started_at == noon + timedelta(seconds=10)
    assert stop.ended_at - stop.started_at == timedelta(seconds=14)
    assert stop.duration_s == 14.0
    # The next occurrence goes by the clock as it is now.
    (later,) = maker.make([start_of(2, started_s=30.0, time_s=30.0)])
    assert later.started_at == noon + timedelta(seconds=30 + jump_s)


@pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S], ids=str)
def test_a_clock_that_is_set_moves_no_event_of_a_stream(model, jump_s):
    frames = [
        replace(frame, wall_time_s=NOON_S + frame.time_s + (jump_s if frame.time_s >= 3 else 0.0))
        for frame in scene(("black", 1), ("red", 4), ("black", 4))
    ]
    start, stop = feed(make_pipeline(model), frames)
    assert start.id == stop.id
    assert start.started_at == stop.started_at
    assert stop.started_at.timestamp() == pytest.approx(NOON_S + stop.started_s, abs=1e-3)
    assert (stop.ended_at - stop.started_at).total_seconds() == pytest.approx(stop.duration_s, abs=1e-3)
    assert stop.duration_s < 8


def test_before_any_frame_the_wall_clock_counts(maker):
    (event,) = maker.make([start_of(started_s=0.0, time_s=0.0)])
    assert abs(event.started_at.timestamp() - time.time()) < 60


def published(event):
    return json.loads(event.to_json())


def test_events_are_what_the_published_schema_says(model):
    frames = scene(("black", 1), ("red", 4), ("black", 3), ("blue", 2))
    pipeline = make_pipeline(
        model, actions={c: {"labels": [c], "on": 0.6, "update_every": "1s"} for c in ("red", "blue")}
    )
    events = feed(pipeline, frames) + pipeline.end(StopReason.SHUTDOWN)
    assert {event.event_type for event in events} == set(EventType)
    for event in events:
        SCHEMA.validate(published(event))
        assert ActionEvent.from_json(event.to_json()) == event


@pytest.mark.parametrize(
    "wrong",
    [{"event_type": "begin"}, {"score": 1.5}, {"reason": "bored"}, {"schema": 2}, {"extra": 1}, {"id": ""}],
    ids=str,
)
def test_the_published_schema_refuses_what_is_no_event(maker, wrong):
    (event,) = maker.make([start_of()])
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(published(event) | wrong)


def test_figures_are_written_as_people_write_them(maker):
    (event,) = maker.make([start_of(started_s=0.1 + 0.2, time_s=2.8000000000000003)])
    assert '"started_s":0.3,' in event.to_json()
    assert '"time_s":2.8,' in event.to_json()
