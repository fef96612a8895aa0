"""Draws scores and occurrences over time as text, one row of bars per action."""

import math
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

from movinet_edge.cli.occurrences import Findings, Occurrence

_BARS = " ▁▂▃▄▅▆▇█"
_NICE_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 604800)
_LONGEST_NAME = 24
_GAP = 2


def draw_timeline(findings: Findings, width: int) -> str:
    """Lines of text, at most `width` columns wide; empty when there is nothing to show."""
    actions = findings.shown_actions
    if not actions or not findings.times_s:
        return ""
    # Half the width at most: what happened matters more than the end of a long name.
    longest = max(1, min(_LONGEST_NAME, width // 2 - _GAP))
    margin = min(longest, max(cell_len(action) for action in actions)) + _GAP
    columns = max(1, width - margin - 1)
    end_s = max(findings.times_s[-1], 1e-3)
    scale = columns / end_s
    lines = []
    for action in actions:
        name = action if cell_len(action) <= longest else set_cell_size(action, longest - 1) + "…"
        lines.append(f"{set_cell_size(name, margin)}{_bars(findings, action, columns, scale)}".rstrip())
        spans = [o for o in findings.occurrences.values() if o.start.action == action]
        if spans:
            lines.append(" " * margin + _spans(spans, columns, scale, end_s))
    lines.extend(" " * margin + line for line in _axis(columns, scale, end_s))
    return "\n".join(lines)


def _bars(findings: Findings, action: str, columns: int, scale: float) -> str:
    highest = [0.0] * columns
    for time_s, score in zip(findings.times_s, findings.series(action), strict=True):
        column = min(columns - 1, int(time_s * scale))
        highest[column] = max(highest[column], float(score))
    last = 0.0
    text = ""
    filled = {min(columns - 1, int(time_s * scale)) for time_s in findings.times_s}
    for column, score in enumerate(highest):
        last = score if column in filled else last  # a short clip has fewer frames than columns
        text += _BARS[min(len(_BARS) - 1, math.ceil(last * (len(_BARS) - 1) - 0.2))] if last > 0.02 else "·"
    return text


def _spans(spans: list[Occurrence], columns: int, scale: float, end_s: float) -> str:
    cells = [" "] * columns
    for occurrence in spans:
        first = min(columns - 1, int(occurrence.start.started_s * scale))
        ended_s = occurrence.stop.ended_s if occurrence.stop else None
        last = max(first, min(columns - 1, int((end_s if ended_s is None else ended_s) * scale)))
        for column in range(first, last + 1):
            cells[column] = "─"
        cells[first] = "╰"
        cells[last] = "╯" if last > first else "┴"
    return "".join(cells).rstrip()


def _axis(columns: int, scale: float, end_s: float) -> Iterator[str]:
    step_s = next((s for s in _NICE_STEPS_S if s * scale >= 8), _NICE_STEPS_S[-1])
    marks, numbers = ["─"] * columns, [" "] * columns
    tick = 0
    while tick * step_s <= end_s:
        column = min(columns - 1, int(tick * step_s * scale))
        marks[column] = "┬"
        text = clock(tick * step_s)
        if column + len(text) <= columns:
            numbers[column : column + len(text)] = text
        tick += 1
    yield "".join(marks)
    yield "".join(numbers).rstrip()


def clock(time_s: float, *, tenths: bool = False) -> str:
    """`75.25` → `1:15` or `1:15.2`; hours where there are any."""
    whole = math.floor(time_s * 10) / 10 if tenths else math.floor(time_s)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(int(minutes), 60)
    second = f"{seconds:04.1f}" if tenths else f"{int(seconds):02d}"
    return f"{hours}:{minutes:02d}:{second}" if hours else f"{minutes}:{second}"
