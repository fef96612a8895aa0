"""`movinet-edge calibrate`: watches ordinary life, and sets thresholds that it seldom reaches."""

import argparse
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from movinet_edge.api import ConfigurationError
from movinet_edge.argument_types import positive_duration, positive_float
from movinet_edge.cli import exit_codes

if TYPE_CHECKING:
    from movinet_edge.cli.watched_stream import WatchedStream
    from movinet_edge.evaluation.calibration import Calibration
    from movinet_edge.evaluation.tracks import Track

HELP = "watch ordinary life, and set thresholds that it seldom reaches"
DESCRIPTION = """\
Look at a stream while nothing of what you watch for happens, and find for every action a threshold that such life
reaches at most so often a day. Half an hour at the liveliest time is a good beginning; more makes it surer."""
EPILOG = """\
examples:
  movinet-edge calibrate porch --for 30m --config config.yaml
  movinet-edge calibrate porch --videos quiet-*.mp4 --config config.yaml --false-per-day 0.2 --write

A threshold is only ever raised. Thresholds for rarer events than were seen are estimated from how fast the highest
scores fall off, and --confidence says how sure that has to be. Actions that do happen meanwhile raise their thresholds
for nothing: then watch again. A camera that only one program can open (USB, CSI) has to be let go by the daemon first:
movinet-edge disable STREAM."""

# With less the estimate is hardly better than a guess.
_SHORT_S = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The argument and the options of `calibrate`."""
    parser.add_argument("stream", nargs="?", metavar="STREAM", help="its name; not needed where there is only one")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the configuration that it is in")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--for",
        dest="seconds_s",
        type=positive_duration,
        default=1800.0,
        metavar="TIME",
        help="how long to watch (30m)",
    )
    where.add_argument("--videos", nargs="+", type=Path, metavar="VIDEO", help="recordings of ordinary life instead")
    parser.add_argument(
        "--false-per-day", type=positive_float, default=1.0, metavar="N", help="false events of an action (%(default)g)"
    )
    parser.add_argument("--confidence", type=_confidence, default=0.9, metavar="C", help="0.5 to 0.99 (%(default)g)")
    parser.add_argument("--write", action="store_true", help="put the thresholds into the configuration")
    parser.add_argument("--json", action="store_true", help="print them for programs")


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value <= 0.99:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0.5 to 0.99")
    return value


def execute(args: argparse.Namespace) -> int:
    """Watch, estimate, print, perhaps write."""
    from movinet_edge.cli.watched_stream import from_configuration
    from movinet_edge.evaluation.calibration import calibrate

    stream = from_configuration(args.config, args.stream)
    if args.write and stream.settings.all_labels is not None:
        raise ConfigurationError("--write needs actions to write to, and this stream watches for all_labels")
    tracks = _recorded(args.videos, stream) if args.videos else [_watched(args, stream)]
    watched_s = sum(track.length_s for track in tracks)
    try:
        results = calibrate(
            tracks,
            stream.watch.rules,
            stream.settings,
            false_per_day=args.false_per_day,
            confidence=args.confidence,
        )
    except ValueError as error:
        raise ConfigurationError(f"stream {stream.settings.name}: {error}") from error
    if args.json:
        print(json.dumps({"watched_s": round(watched_s, 1), "actions": [asdict(r) for r in results]}, indent=2))
    else:
        _print(stream, results, watched_s)
    if args.write:
        _write(stream, results)
    return exit_codes.OK


def _recorded(videos: Sequence[Path], stream: "WatchedStream") -> list["Track"]:
    from movinet_edge.cli.progress import video_progress
    from movinet_edge.cli.video_length import total_length_s
    from movinet_edge.evaluation.tracks import record

    tracks: list[Track] = []
    with video_progress() as progress:
        task = progress.add_task("watching", total=None if progress.disable else total_length_s(list(videos)))
        for video in videos:
            tracks.append(record(video, stream.settings, stream.model, stream.watch))
            progress.advance(task, tracks[-1].length_s)
    return tracks


def _watched(args: argparse.Namespace, stream: "WatchedStream") -> "Track":
    """The stream itself, for the time asked for; Ctrl-C ends that early and goes on with what was seen."""
    from movinet_edge.cli.probe_source import stream_source
    from movinet_edge.cli.progress import video_progress
    from movinet_edge.evaluation.tracks import record_source

    source = stream_source(args.config, stream.settings.name).make()
    began_s = time.monotonic()
    with video_progress() as progress, _ended_after(args.seconds_s, source.close):
        task = progress.add_task(f"watching {stream.settings.name}", total=args.seconds_s)

        def advance(_time_s: float) -> None:
            progress.update(task, completed=time.monotonic() - began_s)

        name = stream.settings.name
        return record_source(name, source, stream.settings, stream.model, stream.watch, on_frame=advance)


@contextlib.contextmanager
def _ended_after(seconds_s: float, close: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds_s, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        close()


def _print(stream: "WatchedStream", results: Sequence["Calibration"], watched_s: float) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from movinet_edge.cli.consoles import stdout_console

    console = stdout_console()
    table = Table(
        title=Text(f"stream {stream.settings.name}, {watched_s / 60:.1f} minutes of ordinary life"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("action", overflow="fold", min_width=12)
    for column in ("highest score", "on was", "on", "off", "events here", "then", "expected a day"):
        table.add_column(column, justify="right")
    rules = {rule.name: rule for rule in stream.watch.rules}
    changed = [result for result in results if result.on != rules[result.action].on or result.events_before]
    for result in results if len(results) <= 12 else changed:
        table.add_row(
            Text(result.action),
            f"{result.highest:.2f}",
            f"{rules[result.action].on:g}",
            f"{result.on:g}",
            f"{result.off:g}",
            str(result.events_before),
            str(result.events_after),
            ("up to " if result.reached else "! up to ") + f"{result.false_per_day:.2g}",
        )
    console.print(table)
    if any(not result.reached for result in results):
        console.print(
            "! more often than wished even with the highest threshold: watch for longer, choose labels that are less"
            " like ordinary life, or teach an action of your own"
        )
    if watched_s < _SHORT_S:
        console.print("this was short: half an hour or more tells much better")


def _write(stream: "WatchedStream", results: Sequence["Calibration"]) -> None:
    from movinet_edge.cli.watched_stream import RELOAD_HINT, put_in

    rules = {rule.name: rule for rule in stream.watch.rules}
    values: dict[Any, Any] = {}
    for result in results:
        if result.on != rules[result.action].on:
            place = (*stream.place, result.action)
            values |= {(*place, "on"): result.on, (*place, "off"): result.off}
    if not values:
        print("movinet-edge: nothing to write: the thresholds are high enough", file=sys.stderr)
        return
    put_in(stream, values)
    print(f"movinet-edge: {stream.file} has the new thresholds{RELOAD_HINT}", file=sys.stderr)
