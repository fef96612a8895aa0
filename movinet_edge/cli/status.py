"""`movinet-edge status`: how the running daemon stands, as a table or as JSON."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movinet_edge.api import DaemonStatus, SinkStatus, StreamHealth, StreamState, StreamStatus
from movinet_edge.cli import exit_codes
from movinet_edge.cli.consoles import stdout_console
from movinet_edge.cli.control import add_socket_arguments, ask_daemon
from movinet_edge.daemon.control_socket import Status

HELP = "how the running daemon stands"
DESCRIPTION = """\
Show every stream of the running daemon (its state, the frames per second that arrive and that are scored, the age of
the newest frame, drops, reconnects, the model's time per frame), every sink with what waits for it, and what would
help where something is not as it should be."""
EPILOG = """\
Rates and percentiles are of the last half minute, counts since the start. A narrow terminal shows fewer of them, and
`--json` has all.

exit codes: 0 a daemon answered, 69 none did."""

_ALL_COLUMNS = 120  # the width of a terminal that has room for all of them

_COLOURS = {
    StreamState.LIVE: "green",
    StreamState.CONNECTING: "yellow",
    StreamState.STALLED: "red",
    StreamState.BACKING_OFF: "red",
    StreamState.ENDED: "yellow",
    StreamState.DISABLED: "dim",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `status`."""
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    add_socket_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Ask and show."""
    answer = ask_daemon(args, Status())
    if args.json:
        print(json.dumps(answer, indent=2))
        return exit_codes.OK
    status = DaemonStatus.model_validate(answer)
    console = stdout_console(fold_in_pipes=False)
    up = _ago((datetime.now(UTC) - status.started_at).total_seconds())
    console.print(Text(f"movinet-edge {status.version}, up for {up}"))
    _print_streams(console, status.streams)
    if status.sinks:
        _print_sinks(console, status.sinks)
    for model in status.models:
        reason = f"; it runs as it is: {model.reason}" if model.reason else ""
        console.print(Text(f"model {model.name}: {model.runtime}{reason}", style="red" if model.refused else ""))
    if status.lost_events:
        console.print(Text(f"events lost because they could not be stored: {status.lost_events}", style="red"))
    return exit_codes.OK


def _print_streams(console: Console, streams: tuple[StreamStatus, ...]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    narrow = console.width < _ALL_COLUMNS
    columns = [column for column in _COLUMNS if not (narrow and column.is_detail)]
    for column in columns:
        table.add_column(column.title, no_wrap=column.title != _LAST, justify=column.justify, overflow="fold")
    notes = []
    for stream in streams:
        table.add_row(*(column.cell(stream) for column in columns))
        notes += [f"{stream.name}: {text}" for text in _notes(stream)]
    console.print(table)
    for note in notes:
        console.print(Text(note))


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cell: Callable[[StreamStatus], str | Text]
    justify: Literal["left", "right"] = "right"
    is_detail: bool = False
    """Left out on a narrow terminal."""


_LAST = "going on"

_COLUMNS = (
    _Column("stream", lambda stream: Text(stream.name), "left"),
    _Column("state", lambda stream: Text(stream.state, style=_COLOURS[stream.state]), "left"),
    _Column("for", lambda stream: _ago((datetime.now(UTC) - stream.since).total_seconds()), is_detail=True),
    _Column("fps in", lambda stream: _number(stream.health.fps_in)),
    _Column("fps scored", lambda stream: _of(stream.health)),
    _Column("frame age", lambda stream: _age(stream.health)),
    _Column("dropped", lambda stream: str(sum(stream.health.dropped.values())), is_detail=True),
    _Column("reconnects", lambda stream: str(stream.health.reconnects), is_detail=True),
    _Column("model p50/p95", lambda stream: _model(stream.health), is_detail=True),
    _Column(_LAST, lambda stream: Text(", ".join(action.name for action in stream.actions if action.active)), "left"),
)


def _notes(stream: StreamStatus) -> list[str]:
    notes = [stream.reason] if stream.reason else []
    if stream.health.abandoned:
        notes.append(
            f"readers that hung and were left behind: {stream.health.abandoned}, still {stream.health.hanging}"
        )
    return [*notes, *stream.advice]


def _print_sinks(console: Console, sinks: tuple[SinkStatus, ...]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("sink", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("delivered", "waiting", "rejected", "dropped"):
        table.add_column(column, no_wrap=True, justify="right")
    for sink in sinks:
        counts = (sink.delivered, sink.pending, sink.rejected, sink.dropped)
        table.add_row(sink.name, sink.state, *map(str, counts))
    console.print(table)
    for sink in sinks:
        if sink.last_error:
            console.print(Text(f"{sink.name}: last error: {sink.last_error}"))


def _of(health: StreamHealth) -> str:
    wanted = "" if health.fps_wanted is None else f" of {health.fps_wanted:g}"
    return _number(health.fps_scored) + wanted


def _age(health: StreamHealth) -> str:
    return "–" if health.frame_age_s is None else _ago(health.frame_age_s)


def _model(health: StreamHealth) -> str:
    if health.inference_p50_ms is None:
        return "–"
    return f"{health.inference_p50_ms:.1f}/{health.inference_p95_ms:.1f} ms"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _ago(seconds: float) -> str:
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
