"""Durations as people write them (`400ms`, `5s`, `2m`, `1h`, `30d`), held as seconds."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d)\s*", re.ASCII)


def parse_duration(value: Any) -> float:
    """Seconds from `"1m30s"`-like text or from a plain number of seconds.

    Raises:
        ValueError: not a duration, negative or not finite.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str):
        text, seconds, position = value.strip(), 0.0, 0
        while position < len(text) and (match := _PART.match(text, position)):
            seconds += float(match[1]) * _SECONDS[match[2]]
            position = match.end()
        if not text or position < len(text):
            raise ValueError(f"{value!r} is not a duration; write for example 400ms, 5s, 2m, 1h or 1m30s")
    else:
        raise ValueError(f"{value!r} is not a duration; write for example 400ms, 5s, 2m or 1h")
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{value!r} is not a duration that can pass; it must be zero or more and finite")
    return seconds


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=0.0),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^(\s*([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*(ms|s|m|h|d)\s*)+$"},
                {"type": "number", "minimum": 0},
            ],
            "description": "a duration such as 400ms, 5s, 2m or 1h; a plain number is seconds",
        }
    ),
]
"""A field that takes `5s` or `5` and holds seconds."""
