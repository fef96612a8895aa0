"""`movinet-edge status`: how the running daemon stands, as a table or as JSON."""

import argparse
import json
from datetime import UTC, datetime

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
Rates and percentiles are of the last half minute, counts since the start. `--json` has all figures.

exit codes: 0 a daemon answered, 69 none did."""

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
    if status.lost_events:
        console.print(Text(f"events lost because they could not be stored: {status.lost_events}", style="red"))
    return exit_codes.OK


def _print_streams(console: Console, streams: tuple[StreamStatus, ...]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("stream", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("for", "fps in", "fps scored", "frame age", "dropped", "reconnects", "model p50/p95"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("going on", overflow="fold")
    notes = []
    for stream in streams:
        health = stream.health
        table.add_row(
            stream.name,
            Text(stream.state, style=_COLOURS[stream.state]),
            _ago((datetime.now(UTC) - stream.since).total_seconds()),
            _number(health.fps_in),
            _of(health),
            "–" if health.frame_age_s is None else _ago(health.frame_age_s),
            str(sum(health.dropped.values())),
            str(health.reconnects),
            "–"
            if health.inference_p50_ms is None
            else f"{health.inference_p50_ms:.1f}/{health.inference_p95_ms:.1f} ms",
            ", ".join(action.name for action in stream.actions if action.active),
        )
        notes += [f"{stream.name}: {text}" for text in _notes(stream)]
    console.print(table)
    for note in notes:
        console.print(Text(note))


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
    table.add_column("last error", overflow="fold")
    for sink in sinks:
        counts = (sink.delivered, sink.pending, sink.rejected, sink.dropped)
        table.add_row(sink.name, sink.state, *map(str, counts), Text(sink.last_error or ""))
    console.print(table)


def _of(health: StreamHealth) -> str:
    wanted = "" if health.fps_wanted is None else f" of {health.fps_wanted:g}"
    return _number(health.fps_scored) + wanted


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _ago(seconds: float) -> str:
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
