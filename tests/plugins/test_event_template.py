"""Texts with the fields of an event: what is filled in, what stays JSON, and what is refused."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins._event_template import EventTemplate

FIELDS = [field.alias or name for name, field in ActionEvent.model_fields.items()]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
START, STOP = example_event(seq=4), example_event(EventType.STOP, seq=5)


@pytest.fixture(autouse=True)
def _in_kathmandu(monkeypatch):
    """A zone that nobody's clock is in by accident."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("template", "event", "expected"),
    [
        ("", START, ""),
        ("no field", START, "no field"),
        ("{action}", START, "waving"),
        ("{action}{stream}", START, "wavingporch"),
        ("{event_type} {id} {seq}", START, "start example-000001 4"),
        ("{labels}", START, "waving hand, shaking hands"),
        ("{score}", START, "0.74"),
        ("{score:.0%} {score:.1f} {score:f} {score:.1e}", START, "74% 0.7 0.740000 7.4e-01"),
        ("{seq:.1f}", START, "4.0"),
        ("{reason}|{ended_at}|{ended_at:%H}|{ended_s:.1f}", START, "|||"),
        ("{reason} {ended_s:.1f}", STOP, "below 63.6"),
        ("{started_at}", START, "2024-05-17T08:31:00Z"),
        ("{started_at:%d.%m.%Y, %H:%M} Uhr", START, "17.05.2024, 14:16 Uhr"),
        ("{late}", START, "false"),
        ("{model} {schema}", START, "movinet-a0-int8 1"),
        ("{} { action } }action{ ", START, "{} { action } }action{ "),
        ("{action}}", START, "waving}"),
    ],
)
def test_fills_in(template, event, expected):
    assert EventTemplate(template).fill(event) == expected


@pytest.mark.parametrize("event", [START, STOP], ids=["start", "stop"])
@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_the_event_is_there_in_json_as_in_the_event(name, event):
    filled = EventTemplate(f'{{"value": {{{name}}}, "text": "{{{name}}}"}}', is_json=True).fill(event)
    value = json.loads(event.to_json())[name]
    assert json.loads(filled)["value"] == value
    if isinstance(value, str | None):
        assert json.loads(filled)["text"] == (value or "")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"a": {score:.1f}}', {"a": 0.7}),
        ('{"a": {ended_s:.1f}}', {"a": None}),
        ('{"a": {started_at:%H "o\'clock"}}', {"a": '14 "o\'clock"'}),
        ('{"a": "{score:.0%}"}', {"a": "74%"}),
        ('{"{action}": [{score}, {"b": {}}]}', {"waving": [0.74, {"b": {}}]}),
        ('{"a\\"": {seq}, "b": "\\\\", "c": {seq}}', {'a"': 4, "b": "\\", "c": 4}),
        ('{"a": "\\"{action}\\""}', {"a": '"waving"'}),
        ("{labels}", ["waving hand", "shaking hands"]),
        ("\n{\n  \"a\":\n{late}\n}\n", {"a": False}),
    ],
)  # fmt: skip
def test_fills_in_json(template, expected):
    assert json.loads(EventTemplate(template, is_json=True).fill(START)) == expected


@given(action=TEXTS, stream=TEXTS, label=TEXTS)
def test_json_stays_json_whatever_the_event_says(action, stream, label):
    template = EventTemplate('{"text": "{action} at {stream}", "action": {action}, "labels": {labels}}', is_json=True)
    event = example_event(action=action, stream=stream, labels=(label,))
    expected = {"text": f"{action} at {stream}", "action": action, "labels": [label]}
    assert json.loads(template.fill(event)) == expected


@given(action=TEXTS)
def test_what_is_filled_in_is_not_looked_at_again(action):
    assert EventTemplate("{action}{stream}").fill(example_event(action=action)) == f"{action}porch"


@given(template=st.text(st.sampled_from('{}:."\\ %fs[0]!') | st.sampled_from(["action", "score"]).map(lambda s: s[0])))
def test_any_text_is_taken_or_refused_in_words(template):
    for is_json in (False, True):
        try:
            filled = EventTemplate(template, is_json=is_json).fill(START)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either outcome is fine
        else:
            assert not is_json or json.loads(filled) is not None or filled.strip() == "null"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{acton}", r"\{acton\} is no field of an event; did you mean \{action\}\?"),
        ("{zzz}", r"is no field of an event; there are: schema, event_type, id, .*model"),
        ("{schema_version}", r"did you mean \{schema\}"),
        ("{0}", "is no field"),
        ("{action.upper}", r"did you mean \{action\}"),
        ("{labels[0]}", r"did you mean \{labels\}"),
        ("{action!r}", r"did you mean \{action\}"),
        ("{__class__}", "is no field"),
        ("{model.name}", "is no field"),
        ("{{action}}", "begins no field"),
        ("{action", "begins no field"),
        ("{score:{seq}}", "begins no field"),
        ("{score:99999999}", r"'99999999' is no format for \{score\}; write for example \.2f"),
        ("{score:.99f}", "is no format"),
        ("{score:>10}", "is no format"),
        ("{started_at:%q}", r"is no format for \{started_at\}; write for example %H:%M"),
        ("{started_at:%}", "is no format"),
        ("{action:s}", "takes no format"),
    ],
)
@pytest.mark.parametrize("is_json", [False, True])
def test_refuses(template, reason, is_json):
    with pytest.raises(ValueError, match=reason):
        EventTemplate(f'"{template}"' if is_json else template, is_json=is_json)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "not JSON"),
        ("waving {action}", "not JSON"),
        ('{"a": {action}', "not JSON"),
        ('{\n"a": {action}\n"b": 1}', "in line 3"),
        ('{"a": "{action}}', "not JSON"),
        ('{"a": {score:.0%}}', "put it in quotes"),
    ],
)
def test_refuses_what_cannot_become_json(template, reason):
    with pytest.raises(ValueError, match=reason):
        EventTemplate(template, is_json=True)
