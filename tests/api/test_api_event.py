"""The event's JSON: what every sink sends and others build on, so it changes only on purpose."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from movinet_edge.api import SCHEMA_VERSION, ActionEvent, EventType, ModelInfo, StopReason
from movinet_edge.cli.main import main
from movinet_edge.testing.sinks import example_event

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "event.schema.json"

SCORES = st.floats(min_value=0.0, max_value=1.0)
SECONDS = st.floats(min_value=-1e6, max_value=1e9)
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds the zone)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
MODELS = st.builds(
    ModelInfo,
    name=TEXTS,
    memory=st.sampled_from(["window", "cumulative"]),
    window=st.none() | st.integers(1, 1000),
    fps=st.none() | st.floats(min_value=0.01, max_value=240.0),
)
EVENTS = st.builds(
    ActionEvent,
    event_type=st.sampled_from(EventType),
    id=TEXTS,
    seq=st.none() | st.integers(1, 2**63 - 1),
    stream=TEXTS,
    action=TEXTS,
    labels=st.lists(TEXTS, max_size=5).map(tuple),
    score=SCORES,
    peak_score=SCORES,
    time_s=SECONDS,
    started_s=SECONDS,
    ended_s=st.none() | SECONDS,
    started_at=MOMENTS,
    ended_at=st.none() | MOMENTS,
    duration_s=st.floats(min_value=0.0, max_value=1e9),
    reason=st.none() | st.sampled_from(StopReason),
    late=st.booleans(),
    model=MODELS,
)


@pytest.fixture(scope="module")
def schema():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_published_schema_stays_as_it_is(schema, capsys):
    assert main(["schema", "event"]) == 0
    assert json.loads(capsys.readouterr().out) == schema, (
        "the event's JSON has changed. If nobody who reads events needs to know, rewrite the file with `movinet-edge "
        "schema event > tests/golden/event.schema.json`; otherwise raise SCHEMA_VERSION too"
    )


def test_the_published_schema_is_one(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


@settings(deadline=None)
@given(EVENTS)
def test_an_event_survives_the_way_through_json(event):
    line = event.to_json()
    assert "\n" not in line
    assert ActionEvent.from_json(line) == event
    assert ActionEvent.from_json(line.encode()) == event


@settings(deadline=None)
@given(EVENTS)
def test_every_event_fits_the_published_schema(event):
    schema = json.loads(GOLDEN.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(event.to_json()))


@pytest.mark.parametrize("event_type", EventType)
def test_the_published_names_are_written(event_type):
    written = json.loads(example_event(event_type, seq=3).to_json())
    assert written["schema"] == SCHEMA_VERSION == 1
    assert "schema_version" not in written
    assert written["event_type"] == event_type.value
    assert written["started_at"] == "2024-05-17T08:31:00Z"
    assert written["reason"] == ("below" if event_type is EventType.STOP else None)
    assert written["model"] == {"name": "movinet-a0-int8", "memory": "window", "window": 25, "fps": 5.0}


def test_both_names_of_the_version_are_read():
    fields = json.loads(example_event().to_json())
    by_name = {"schema_version": fields.pop("schema"), **fields}
    assert ActionEvent.model_validate(by_name) == example_event()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"colour": "red"}, "colour"),
        ({"schema": 2}, "schema"),
        ({"event_type": "begin"}, "event_type"),
        ({"id": ""}, "id"),
        ({"seq": 0}, "seq"),
        ({"score": 1.01}, "score"),
        ({"peak_score": -0.1}, "peak_score"),
        ({"duration_s": -1.0}, "duration_s"),
        ({"reason": "bored"}, "reason"),
        ({"started_at": "yesterday"}, "started_at"),
        ({"model": {"name": "a0", "memory": "none"}}, "model"),
        ({"model": {"name": "a0", "memory": "window", "width": 5}}, "model"),
        ({"model": {"name": "a0", "memory": "window", "window": 0}}, "model"),
    ],
)
def test_what_is_no_event_is_refused_by_key(changes, key, schema):
    fields = json.loads(example_event().to_json()) | changes
    with pytest.raises(ValidationError) as caught:
        ActionEvent.from_json(json.dumps(fields))
    assert caught.value.errors()[0]["loc"][0] == key


@pytest.mark.parametrize("key", ["id", "stream", "action", "labels", "score", "time_s", "started_at", "model"])
def test_a_missing_field_is_refused_by_key(key):
    fields = json.loads(example_event().to_json())
    del fields[key]
    with pytest.raises(ValidationError) as caught:
        ActionEvent.from_json(json.dumps(fields))
    assert caught.value.errors()[0]["loc"] == (key,)


def test_an_event_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        example_event().score = 1.0
