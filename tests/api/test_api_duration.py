"""Durations as people write them."""

import math

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from movinet_edge.api import Duration, parse_duration

SCHEMA = TypeAdapter(Duration).json_schema()
RIGHT = [
    ("400ms", 0.4),
    ("5s", 5.0),
    ("2m", 120.0),
    ("1h", 3600.0),
    ("30d", 2_592_000.0),
    ("1m30s", 90.0),
    (" 1 m  30 s ", 90.0),
    ("1.5s", 1.5),
    (".5s", 0.5),
    ("0s", 0.0),
    (0, 0.0),
    (7, 7.0),
    (2.5, 2.5),
]
WRONG = ["", " ", "5", "s", "5 sec", "5S", "-1s", "1.s", "1h 5", "1,5s", "five", -1, None, [5], {"s": 5}]
# Wrong too, but beyond the schema: not JSON, or a digit to some readers of `\d` and not to others.
BEYOND_THE_SCHEMA = ["٣s", True, False, math.nan, math.inf, -math.inf, b"5s"]


@pytest.mark.parametrize(("written", "seconds"), RIGHT)
def test_what_is_right(written, seconds):
    assert parse_duration(written) == pytest.approx(seconds)
    jsonschema.validate(written, SCHEMA)


@pytest.mark.parametrize("written", [*WRONG, *BEYOND_THE_SCHEMA], ids=repr)
def test_what_is_wrong(written):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize("written", WRONG, ids=repr)
def test_the_schema_refuses_it_too(written):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, SCHEMA)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(["ms", "s", "m", "h", "d"])), min_size=1))
def test_parts_add_up(parts):
    whole = sum(parse_duration(f"{number}{unit}") for number, unit in parts)
    assert parse_duration(" ".join(f"{number}{unit}" for number, unit in parts)) == pytest.approx(whole)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_seconds_or_a_value_error(text):
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert math.isfinite(seconds)
    assert seconds >= 0


def test_a_number_too_large_to_hold_is_refused():
    with pytest.raises(ValueError, match="finite"):
        parse_duration("9" * 400 + "s")


class Pause(BaseModel):
    pause_s: Duration


def test_a_field_holds_seconds():
    assert Pause(pause_s="1m30s").pause_s == 90.0


def test_a_wrong_field_says_what_would_be_right():
    with pytest.raises(
        ValidationError, match=r"'5 minutes' is not a duration; write for example 400ms, 5s, 2m"
    ) as caught:
        Pause(pause_s="5 minutes")
    assert caught.value.errors()[0]["loc"] == ("pause_s",)
