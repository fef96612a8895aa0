"""`movinet-edge events`: what happened, from the daemon's own store; also while it runs."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from movinet_edge.api import ActionEvent, ConfigurationError, EventType, MovinetEdgeError, parse_duration
from movinet_edge.argument_types import positive_int
from movinet_edge.cli import events_export, events_label, exit_codes
from movinet_edge.cli.configured import add_store_arguments, read_config

HELP = "list stored events"
DESCRIPTION = """\
List the events in the daemon's store, oldest first, or those that a sink refused for good. The daemon may be
running."""
EPILOG = """\
A sink refuses an event when trying again cannot help (a webhook that answers 400, a command that fails). Such events
are kept, 10,000 at most, until they are sent again or are as old as `max_age` of the outbox.

examples:
  movinet-edge events --since 1h
  movinet-edge events --since 2026-01-31T18:00 --action waving --format jsonl
  movinet-edge events --failed
  movinet-edge events --retry --sink webhook
  movinet-edge events export --from 7d --out week.html
  movinet-edge events label ID wrong"""

if TYPE_CHECKING:
    from movinet_edge.delivery import FailedEvent


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `events`."""
    add_store_arguments(parser)
    parser.add_argument("--since", type=_moment, metavar="WHEN", help="a time (2026-01-31T18:00) or an age (90m, 2d)")
    parser.add_argument("--until", type=_moment, metavar="WHEN", help="likewise")
    parser.add_argument("--stream", metavar="NAME")
    parser.add_argument("--action", metavar="NAME")
    parser.add_argument("--type", choices=("start", "update", "stop"), dest="event_type")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only the newest N")
    parser.add_argument("--format", choices=("table", "jsonl"), help="table on a terminal, else jsonl")
    parser.add_argument("--json", action="store_const", const="jsonl", dest="format", help="the same as --format jsonl")
    refused = parser.add_mutually_exclusive_group()
    refused.add_argument("--failed", action="store_true", help="list what sinks refused, with the reasons")
    refused.add_argument("--retry", action="store_true", help="have what sinks refused sent again")
    parser.add_argument("--sink", metavar="NAME", help="with --failed or --retry: of this sink alone")
    parser.set_defaults(refuse=parser.error)
    verbs = parser.add_subparsers(dest="events_verb", metavar="export|label", required=False)
    export = verbs.add_parser(
        "export",
        help=events_export.HELP,
        description=events_export.DESCRIPTION,
        epilog=events_export.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    events_export.add_arguments(export, _moment)
    label = verbs.add_parser(
        "label",
        help=events_label.HELP,
        description=events_label.DESCRIPTION,
        epilog=events_label.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    events_label.add_arguments(label)


def _moment(text: str) -> datetime:
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time such as 2026-01-31T18:00 nor an age such as 90m or 2d"
        ) from None
    return moment.astimezone(UTC)  # a time without a zone is meant as this machine's


def execute(args: argparse.Namespace) -> int:
    """List the events, or have some sent again."""
    _refuse_senseless(args)
    path = _state_dir(args) / "outbox.db"
    if not path.exists():
        raise ConfigurationError(f"there is no store {path}; has the daemon run with this configuration?")
    if args.events_verb == "export":
        return events_export.export(args, path.parent)
    if args.events_verb == "label":
        return events_label.label(args, path.parent)
    if args.retry:
        _retry(path, args.sink)
    elif args.failed:
        _list_failed(path, args)
    else:
        _list(path, args)
    return exit_codes.OK


def _refuse_senseless(args: argparse.Namespace) -> None:
    if args.sink is not None and not (args.failed or args.retry):
        args.refuse("--sink needs --failed or --retry: every sink gets its events from the one store")
    selecting = ("since", "until", "stream", "action", "event_type", "limit")
    given = [name for name in selecting if getattr(args, name) is not None]
    if args.events_verb == "label" and (given or args.failed or args.retry or args.format is not None):
        args.refuse("`events label` takes an id and what it was, and nothing that selects or lists events")
    if args.events_verb == "export":
        selected = set(given) - {"stream"}
        if selected or args.failed or args.retry or args.format is not None:
            args.refuse("`events export` has options of its own, which come after that word: --from, --to, --stream")
        return
    if args.retry and given:
        option = "type" if given[0] == "event_type" else given[0]
        args.refuse(f"--retry cannot be combined with --{option}, only with --sink")


def _list(path: Path, args: argparse.Namespace) -> None:
    from movinet_edge.delivery import EventHistory

    with EventHistory(path) as history:
        found = history.query(
            since=args.since,
            until=args.until,
            stream=args.stream,
            action=args.action,
            event_type=None if args.event_type is None else EventType(args.event_type),
            limit=args.limit,
        )
    if _wants_lines(args):
        for event in found:
            sys.stdout.write(event.to_json() + "\n")
        return
    from movinet_edge.cli.consoles import stdout_console
    from movinet_edge.cli.report import print_events

    if found:
        print_events(stdout_console(fold_in_pipes=False), found)
    print(_count(len(found)))


def _list_failed(path: Path, args: argparse.Namespace) -> None:
    from movinet_edge.delivery import FailedEvents

    found = [failed for failed in FailedEvents(path).query(args.sink) if _is_selected(failed.event, args)]
    if args.limit is not None:
        found = found[-args.limit :]
    if _wants_lines(args):
        for failed in found:
            sys.stdout.write(_failed_line(failed) + "\n")
        return
    if found:
        _print_failed(found)
    print(_count(len(found)) + ("; `movinet-edge events --retry` sends them again" if found else ""))


def _retry(path: Path, sink: str | None) -> None:
    from movinet_edge.delivery import FailedEvents

    failed = FailedEvents(path)
    marked = failed.retry(sink)
    if sink is not None and not marked and (others := sorted({event.sink for event in failed.query()})):
        raise MovinetEdgeError(f"the sink {sink!r} has refused no event; those that have: {', '.join(others)}")
    # The daemon looks once a minute; see DeliveryWorker.
    print(f"{_count(marked)} to be sent again" + (", within a minute when the daemon runs" if marked else ""))


def _is_selected(event: ActionEvent, args: argparse.Namespace) -> bool:
    from movinet_edge.delivery.history import happened_at_s, unix_s

    when_s = happened_at_s(event)
    return (
        (args.since is None or when_s >= unix_s(args.since))
        and (args.until is None or when_s < unix_s(args.until))
        and args.stream in (None, event.stream)
        and args.action in (None, event.action)
        and args.event_type in (None, event.event_type.value)
    )


def _failed_line(failed: "FailedEvent") -> str:
    return json.dumps(
        {
            "sink": failed.sink,
            "reason": failed.reason,
            "failed_at": failed.failed_at.isoformat(),
            "tries": failed.tries,
            "retry": failed.retry,
            "event": json.loads(failed.event.to_json()),
        },
        ensure_ascii=False,
    )


def _print_failed(found: Sequence["FailedEvent"]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from movinet_edge.cli.consoles import stdout_console

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("seq", "sink", "refused (UTC)", "tries", "stream", "action", "event", "reason"):
        table.add_column(column, no_wrap=column not in {"action", "reason"}, overflow="fold")
    for failed in found:
        table.add_row(
            str(failed.event.seq or ""),
            failed.sink,
            f"{failed.failed_at:%Y-%m-%d %H:%M:%S}",
            f"{failed.tries}, again soon" if failed.retry else str(failed.tries),
            Text(failed.event.stream),
            Text(failed.event.action),
            failed.event.event_type.value,
            Text(failed.reason),
        )
    stdout_console(fold_in_pipes=False).print(table)


def _wants_lines(args: argparse.Namespace) -> bool:
    return args.format == "jsonl" or (args.format is None and not sys.stdout.isatty())


def _count(number: int) -> str:
    return f"{number} event{'s' if number != 1 else ''}"


def _state_dir(args: argparse.Namespace) -> Path:
    if args.state_dir is not None:
        return Path(args.state_dir)
    document = read_config(args)
    from movinet_edge.config import ConfigurationProblems, validate

    configuration, problems = validate(document)
    if configuration is None:
        raise ConfigurationProblems(problems)
    return configuration.state_dir
