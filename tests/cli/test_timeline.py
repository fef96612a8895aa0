"""The timeline in the terminal: any width, any names, any length, and never a line too long."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from movinet_edge.api import EventType
from movinet_edge.cli.occurrences import Findings
from movinet_edge.cli.timeline import clock, draw_timeline
from movinet_edge.testing.sinks import example_event

WIDTHS = [40, 80, 200]


def findings_of(scores, *, period_s=0.2, spans=()):
    """Findings with these scores by action, and occurrences as (action, start, end or None)."""
    findings = Findings(tuple(scores))
    for index, values in enumerate(zip(*scores.values(), strict=True)):
        findings.add_scores(index * period_s, np.array(values, np.float32))
    for number, (action, started_s, ended_s) in enumerate(spans):
        findings.add(example_event(number=number, action=action, started_s=started_s))
        if ended_s is not None:
            findings.add(example_event(EventType.STOP, number=number, action=action, ended_s=ended_s))
    return findings


def step(frames, first, last):
    """Scores of 1 from one frame to another, else 0."""
    return [1.0 if first <= n <= last else 0.0 for n in range(frames)]


def test_a_picture():
    findings = findings_of({"waving": step(100, 25, 49)}, spans=[("waving", 5.0, 9.8)])
    assert draw_timeline(findings, 49).splitlines() == [
        "waving  ··········██████████····················",
        "                  ╰────────╯",
        "        ┬─────────┬─────────┬─────────┬─────────",
        "        0:00      0:05      0:10      0:15",
    ]


def test_heights_follow_the_scores():
    findings = findings_of({"waving": [n / 40 for n in range(41)]}, period_s=1.0)
    bars = draw_timeline(findings, 49).splitlines()[0].split("  ")[1]
    assert sorted(bars, key="·▁▂▃▄▅▆▇█".index) == list(bars)
    assert bars[-1] == "█"


@pytest.mark.parametrize("width", WIDTHS)
def test_bars_and_spans_stand_over_their_time(width):
    findings = findings_of({"waving": step(500, 250, 374)}, spans=[("waving", 50.0, 74.8)])
    bars, span, axis, _ = draw_timeline(findings, width).splitlines()
    assert (
        bars.index("█")
        == span.index("╰")
        == pytest.approx(axis.index("┬") + 0.5 * (len(axis) - axis.index("┬")), abs=1)
    )
    assert bars.rindex("█") == span.index("╯")
    assert len(axis) == width - 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("hours", [0.01, 1, 10, 24, 100, 1000])
def test_hours(width, hours):
    frames = 200
    findings = findings_of({"waving": step(frames, 50, 99)}, period_s=hours * 3600 / frames)
    *_, axis, numbers = draw_timeline(findings, width).splitlines()
    told = numbers.split()
    assert told[0] == "0:00"
    assert len(told) == len(set(told))
    assert all(part.replace(":", "").isdigit() for part in told)
    assert len(axis) < width
    assert len(numbers) < width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["a", "swinging baseball bat", "a name as long as the name of an action may become"])
def test_long_names_leave_room_for_what_happened(width, name):
    bars = draw_timeline(findings_of({name: step(100, 0, 99)}), width).splitlines()[0]
    assert len(bars) < width
    assert bars.count("█") >= width // 2 - 2
    shown = bars.split("█")[0].strip()
    assert shown == name or (shown.endswith("…") and name.startswith(shown[:-1]))


def test_wide_characters_count_twice():
    findings = findings_of({"挥手": step(100, 0, 99), "waving": step(100, 0, 99)})
    wide, narrow, *_ = draw_timeline(findings, 80).splitlines()
    assert cell_len(wide) == cell_len(narrow) == 79


def test_nothing_to_show():
    assert draw_timeline(Findings(("waving",)), 80) == ""
    many = {f"action {n}": [0.5] for n in range(9)}  # of a long list only what was seen is shown
    assert draw_timeline(findings_of(many), 80) == ""


def test_of_a_long_list_only_what_was_seen_is_shown_in_its_order():
    scores = {f"action {n}": step(50, 10, 20) for n in range(20)}
    findings = findings_of(scores, spans=[("action 7", 4.0, 6.0), ("action 3", 5.0, 7.0), ("action 7", 8.0, 9.0)])
    names = [line.split("  ")[0] for line in draw_timeline(findings, 80).splitlines()]
    assert [name for name in names if name] == ["action 7", "action 3"]


def test_one_frame():
    findings = findings_of({"waving": [1.0]}, spans=[("waving", 0.0, 0.0)])
    bars, span, axis, numbers = draw_timeline(findings, 80).splitlines()
    assert "█" in bars
    assert span.strip() in ("┴", "╰╯")
    assert axis.count("┬") == 1
    assert numbers.split() == ["0:00"]


def test_what_has_not_ended_reaches_the_end():
    findings = findings_of({"waving": step(100, 50, 99)}, spans=[("waving", 10.0, None)])
    bars, span, *_ = draw_timeline(findings, 80).splitlines()
    assert len(span) == len(bars)


@given(
    scores=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60),
    period_s=st.floats(0.01, 10_000.0),
    width=st.integers(20, 250),
    name=st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=64),
)
def test_no_line_is_wider_than_the_terminal(scores, period_s, width, name):
    end_s = (len(scores) - 1) * period_s
    findings = findings_of({name: scores}, period_s=period_s, spans=[(name, end_s / 3, end_s / 2), (name, end_s, None)])
    for line in draw_timeline(findings, width).splitlines():
        assert cell_len(line) <= width


CLOCKS = [
    (0.0, "0:00", "0:00.0"),
    (9.99, "0:09", "0:09.9"),
    (59.96, "0:59", "0:59.9"),
    (75.25, "1:15", "1:15.2"),
    (3599.99, "59:59", "59:59.9"),
    (3600.0, "1:00:00", "1:00:00.0"),
    (90_061.5, "25:01:01", "25:01:01.5"),
]


@pytest.mark.parametrize(("time_s", "whole", "tenths"), CLOCKS)
def test_clock(time_s, whole, tenths):
    assert clock(time_s) == whole
    assert clock(time_s, tenths=True) == tenths
