"""The keys for evidence: what is kept, how much of it, what is masked, and when nothing is kept."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.config import DailyHours

STREAM = """\
streams:
  - name: porch
    source: {type: file, path: clip.mp4}
    actions:
      waving: {labels: [waving hand]}
"""


def with_line(line):
    return f"{STREAM}    {line}\n"


@pytest.mark.parametrize(
    ("line", "keep"),
    [
        ("", "none"),
        ("snapshot: false", "none"),
        ("snapshot: true", "snapshot"),
        ("snapshot: {width: 320}", "snapshot"),
        ("evidence: clip", "clip"),
        ("{snapshot: true, evidence: none}", "none"),
        ("{snapshot: true, evidence: clip}", "clip"),
    ],
)
def test_what_is_kept_of_a_stream(loaded, line, keep):
    lines = line.strip("{}").split(", ") if line.startswith("{") else [line]
    (stream,) = loaded(STREAM + "".join(f"    {one}\n" for one in lines)).streams
    assert stream.keep == keep
    assert stream.actions["waving"].evidence is None


def test_an_action_may_say_otherwise(loaded):
    (stream,) = loaded(STREAM.replace("[waving hand]}", "[waving hand], evidence: clip}")).streams
    assert (stream.keep, stream.actions["waving"].evidence) == ("none", "clip")


def test_what_holds_when_nothing_is_said(loaded):
    configuration = loaded(STREAM)
    assert configuration.evidence.model_dump() == {
        "max_age_s": 30 * 86_400.0,
        "max_events": 1000,
        "max_size": 500_000_000,
        "keep_free": 500_000_000,
    }
    (stream,) = configuration.streams
    assert stream.clip.model_dump() == {"pre_roll_s": 5.0, "post_roll_s": 5.0, "longest_s": 60.0}
    assert (stream.mask, stream.quiet_hours) == ((), ())


@pytest.mark.parametrize(("written", "size"), [("200MB", 200_000_000), ("2GiB", 2 * 1024**3), ("4096", 4096)])
def test_sizes_have_units(loaded, written, size):
    assert loaded(f"evidence: {{max_size: {written}}}\n{STREAM}").evidence.max_size == size


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (with_line("evidence: video"), "streams[0].evidence: "),
        (with_line("evidence: true"), "streams[0].evidence: "),
        (with_line("clip: {preroll: 5s}"), "streams[0].clip.preroll: unknown key; did you mean 'pre_roll'?"),
        (with_line("clip: {pre_roll: 2m}"), "streams[0].clip.pre_roll: "),
        (with_line("mask: [[[0, 0], [1, 0]]]"), "streams[0].mask[0]: "),
        (with_line("mask: [[[0, 0], [1, 0], [1, 1.5]]]"), "[1, 1.5] lies outside the picture"),
        (with_line("mask: [[[0, 0], [1, 0], [640, 480]]]"), "x and y are fractions of it, from 0 to 1"),
        (with_line("mask: [[[0, 0], [1, 0], 5]]"), "5 is no corner; write [x, y]"),
        (with_line("mask: [[0, 0], [1, 0], [1, 1]]"), "0 is no corner; write [x, y]"),
        (with_line("mask: [[[0, 0], [1, 0], [0, 1], [1, 1]]]"), "the sides of this polygon cross"),
        (with_line("mask: [[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]]"), "these corners lie in a line"),
        (with_line("clip: {pre_roll: 60s}"), "streams[0].clip: a clip of 60 s would end before the action"),
        (with_line("clip: {longest: 5s}"), "streams[0].clip.longest: a clip of 5 s would end before the action"),
        (with_line('quiet_hours: ["22-6"]'), "write for example 22:00-06:00"),
        (with_line('quiet_hours: ["22:00-06:60"]'), "there is no such time of day"),
        (with_line('quiet_hours: ["22:00-25:00"]'), "there is no such time of day"),
        (with_line('quiet_hours: ["8:00-8:00"]'), "all of the day is 00:00-24:00"),
        (with_line('quiet_hours: ["sun-mno 8:00-9:00"]'), "'mno' is no day; there are: mon, tue"),
        (with_line("quiet_hours: [22]"), "22 is no part of a day; write it in quotes"),
        ("evidence: {max_size: plenty}\n" + STREAM, "evidence.max_size: "),
        ("evidence: {max_size: 0}\n" + STREAM, "evidence.max_size: "),
        ("evidence: {max_age: 0s}\n" + STREAM, "evidence.max_age: "),
        ("evidence: {max_sise: 1GB}\n" + STREAM, "did you mean 'max_size'?"),
        (STREAM.replace("hand]}", "hand], evidence: all}"), "streams[0].actions.waving.evidence: "),
    ],
)
def test_what_cannot_be_is_told_with_what_would_be_right(complaints, text, complaint):
    assert any(complaint in one for one in complaints(text))


# Hours. 2026-11-21 is a Saturday.


@pytest.mark.parametrize(
    ("written", "within", "without"),
    [
        ("8:00-17:00", ["21 08:00", "21 16:59", "23 12:00"], ["21 07:59", "21 17:00"]),
        ("22:00-06:00", ["21 22:00", "21 23:59", "22 00:00", "22 05:59"], ["21 21:59", "22 06:00"]),
        ("00:00-24:00", ["21 00:00", "21 23:59"], []),
        ("mon-fri 8:00-17:00", ["20 12:00", "23 12:00"], ["21 12:00", "22 12:00"]),
        ("sat 22:00-06:00", ["21 23:00", "22 05:00"], ["22 23:00", "21 05:00", "20 23:00"]),
        ("Sat-Mon 10:00 - 11:00", ["21 10:30", "22 10:30", "23 10:30"], ["20 10:30", "24 10:30"]),
    ],
)
def test_hours_contain_what_a_person_means(written, within, without):
    hours = DailyHours.parse(written)

    def contained(day_and_time):
        return hours.contain(datetime.strptime(f"2026-11-{day_and_time}", "%Y-%m-%d %H:%M"))  # noqa: DTZ007 (local time)

    assert [one for one in within if not contained(one)] == []
    assert [one for one in without if contained(one)] == []


@given(begin=st.integers(0, 1439), length=st.integers(1, 1439), minute=st.integers(0, 1439))
def test_hours_are_as_long_as_they_say(begin, length, minute):
    def clock(minutes):
        return f"{minutes // 60}:{minutes % 60:02}"

    hours = DailyHours.parse(f"{clock(begin)}-{clock((begin + length) % 1440)}")
    moment = datetime(2026, 11, 21, minute // 60, minute % 60)  # noqa: DTZ001 (local time)
    assert hours.contain(moment) == ((minute - begin) % 1440 < length)
