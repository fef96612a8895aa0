"""What is kept of the actions: pictures and clips, how much of them, and what nobody may see."""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, ValidationInfo, WithJsonSchema, field_validator

from movinet_edge.api import Duration
from movinet_edge.config.section import Count, PositiveDuration, Section, not_boolean

Keep: TypeAlias = Literal["none", "snapshot", "clip"]
"""What is kept of an action; each holds what those before it hold."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HOURS = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))? +)?(\d\d?):(\d\d) *- *(\d\d?):(\d\d)")


@dataclass(frozen=True, slots=True)
class DailyHours:
    """A part of the day, on some days of the week (0 is Monday); in minutes since midnight, `until` may be next day."""

    days: frozenset[int]
    from_min: int
    until_min: int

    @classmethod
    def parse(cls, text: str) -> "DailyHours":
        """Read `22:00-06:00` or `mon-fri 8:00-17:00`; raises ValueError with what would be right."""
        found = _HOURS.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(f"{text!r} is no part of a day; write for example 22:00-06:00 or mon-fri 8:00-17:00")
        first, last, *clock = found.groups()
        days = _days(first, last)
        from_min, until_min = (60 * int(hour) + int(minute) for hour, minute in (clock[:2], clock[2:]))
        if max(from_min, until_min) > 24 * 60 or max(int(clock[1]), int(clock[3])) > 59:
            raise ValueError(f"{text!r}: there is no such time of day; they go from 00:00 to 24:00")
        if from_min == until_min:
            raise ValueError(f"{text!r} ends when it begins; all of the day is 00:00-24:00")
        return cls(days, from_min, until_min)

    def contain(self, moment: datetime) -> bool:
        """True for a local time within these hours; those after midnight belong to the day on which they began."""
        minute, today = 60 * moment.hour + moment.minute, moment.weekday()
        if self.from_min < self.until_min:
            return today in self.days and self.from_min <= minute < self.until_min
        return (today in self.days and minute >= self.from_min) or (
            (today - 1) % 7 in self.days and minute < self.until_min
        )


def _days(first: str | None, last: str | None) -> frozenset[int]:
    for name in (first, last):
        if name is not None and name not in _DAYS:
            raise ValueError(f"{name!r} is no day; there are: {', '.join(_DAYS)}")
    if first is None:
        return frozenset(range(7))
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return frozenset((begin + day) % 7 for day in range((end - begin) % 7 + 1))


def _hours(value: Any) -> Any:
    if isinstance(value, DailyHours):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no part of a day; write it in quotes, for example '22:00-06:00'")
    return DailyHours.parse(value)


QuietHours = Annotated[DailyHours, BeforeValidator(_hours), WithJsonSchema({"type": "string"})]
"""A part of the day in local time, with the days of the week before it or without."""


# Corners in a line such as (0.1, 0.1), (0.2, 0.2), (0.3, 0.3) may enclose this much by rounding.
_ROUNDING = 1e-12


def _corner(value: Any) -> Any:
    corner = list(value) if isinstance(value, list | tuple) else []
    if len(corner) != 2 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in corner):
        raise ValueError(f"{value!r} is no corner; write [x, y] as fractions of the picture, for example [0.25, 1]")
    if not all(0 <= n <= 1 for n in corner):
        raise ValueError(f"{corner} lies outside the picture; x and y are fractions of it, from 0 to 1")
    return value


Corner = Annotated[tuple[float, float], BeforeValidator(_corner)]


def _with_an_inside(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
    if _crossed(sides):
        raise ValueError("the sides of this polygon cross, so parts would not be masked; go round it corner by corner")
    if abs(sum(_turn(corners[0], *side) for side in sides)) < _ROUNDING:
        raise ValueError("these corners lie in a line, so nothing lies between them")
    return corners


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Twice the area of a triangle; above 0 if its corners go round one way, below if the other."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _crossed(sides: list[tuple[tuple[float, float], tuple[float, float]]]) -> bool:
    return any(
        _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0
        for (a, b), (c, d) in combinations(sides, 2)
    )


Polygon = Annotated[tuple[Corner, ...], Field(min_length=3), AfterValidator(_with_an_inside)]
"""Corners `(x, y)` as fractions 0 to 1 of the picture's width and height."""


class ClipSettings(Section):
    """How much of the video around an action is kept."""

    pre_roll_s: Duration = Field(default=5.0, alias="pre_roll", le=60, description="before the action's start")
    post_roll_s: Duration = Field(default=5.0, alias="post_roll", le=60, description="after the action's end")
    longest_s: PositiveDuration = Field(
        default=60.0,
        alias="longest",
        validate_default=True,
        le=600,
        description="a clip is cut off after so long, from its beginning; more than pre_roll",
    )

    @field_validator("longest_s")
    @classmethod
    def _longer_than_pre_roll(cls, longest_s: float, info: ValidationInfo) -> float:
        pre_roll_s = info.data.get("pre_roll_s", 0.0)
        if longest_s <= pre_roll_s:
            raise ValueError(
                f"a clip of {longest_s:g} s would end before the action, after a pre_roll of {pre_roll_s:g} s"
            )
        return longest_s


Size = Annotated[ByteSize, BeforeValidator(not_boolean), Field(ge=0)]
"""A number of bytes, such as `500MB` or `2GiB`."""


class EvidenceSettings(Section):
    """How much evidence is kept; beyond it the oldest is deleted, as is that of events that are no longer stored."""

    max_age_s: PositiveDuration = Field(default=30 * 86_400.0, alias="max_age")
    max_events: Count = Field(default=1000, description="events of a stream that have evidence")
    max_size: Size = Field(default=ByteSize(500_000_000), gt=0, description="of the evidence of a stream")
    keep_free: Size = Field(default=ByteSize(500_000_000), description="room on the disk that is left to others")
