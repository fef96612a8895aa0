"""What a person reads at the end of a run: a table of the occurrences and a timeline."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movinet_edge.api import ActionEvent, EventType, StopReason
from movinet_edge.cli.occurrences import Findings
from movinet_edge.cli.timeline import clock, draw_timeline

_REASONS = {
    StopReason.BELOW: "score fell",
    StopReason.MAX_DURATION: "max_duration",
    StopReason.SOURCE_LOST: "source ended",
    StopReason.GAP: "gap",
    StopReason.DISABLED: "disabled",
    StopReason.SHUTDOWN: "daemon stopped",
}


def print_report(console: Console, findings: Findings, title: str) -> None:
    """The table and the timeline of one stream."""
    if not findings.occurrences:
        watched = f"any of {len(findings.actions)} actions" if len(findings.actions) > 1 else findings.actions[0]
        console.print(Text(f"{title}: nothing of {watched} was seen"))
    else:
        console.print(_table(findings, title))
    timeline = draw_timeline(findings, console.width)
    if timeline:
        console.print(Text(timeline, no_wrap=True), soft_wrap=True)


def _table(findings: Findings, title: str) -> Table:
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("action", overflow="fold", min_width=12)
    for column in ("began", "ended", "lasted", "score", "peak"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("stopped because", no_wrap=True)
    for occurrence in findings.occurrences.values():
        start, stop = occurrence.start, occurrence.stop
        table.add_row(
            Text(start.action),
            clock(start.started_s, tenths=True),
            "" if stop is None or stop.ended_s is None else clock(stop.ended_s, tenths=True),
            f"{occurrence.latest.duration_s:.1f} s",
            f"{start.score:.2f}",
            f"{occurrence.latest.peak_score:.2f}",
            _REASONS[stop.reason] if stop and stop.reason else "still on",
        )
    return table


def live_line(event: ActionEvent) -> Text:
    """One line about an event, as it happens."""
    signs = {EventType.START: ("▶", "green"), EventType.STOP: ("■", "red"), EventType.UPDATE: ("…", "blue")}
    sign, colour = signs[event.event_type]
    text = Text(f"{clock(event.time_s, tenths=True):>8}  ")
    text.append(f"{sign} {event.action} {event.event_type.value}", style=colour)
    text.append(f"  score {event.score:.2f}" if event.event_type is EventType.START else f"  {event.duration_s:.1f} s")
    return text


def print_events(console: Console, events: Sequence[ActionEvent]) -> None:
    """A table of stored events, one row each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("seq", "when (UTC)", "stream", "action", "event"):
        table.add_column(column, no_wrap=column != "action")
    for column in ("score", "peak", "lasted"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("reason")
    for event in events:
        when = event.ended_at if event.event_type is EventType.STOP and event.ended_at else event.started_at
        table.add_row(
            str(event.seq or ""),
            f"{when:%Y-%m-%d %H:%M:%S}",
            Text(event.stream),
            Text(event.action),
            event.event_type.value,
            f"{event.score:.2f}",
            f"{event.peak_score:.2f}",
            f"{event.duration_s:.1f} s",
            event.reason.value if event.reason else "",
        )
    console.print(table)
