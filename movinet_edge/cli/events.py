"""`movinet-edge events`: what happened, from the daemon's own store; also while it runs."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from movinet_edge.api import ConfigurationError, EventType, parse_duration
from movinet_edge.cli import exit_codes
from movinet_edge.cli.argument_types import positive_int
from movinet_edge.cli.configured import add_config_argument, read_config

HELP = "list stored events"
DESCRIPTION = "List the events in the daemon's store, oldest first. The daemon may be running."
EPILOG = """\
examples:
  movinet-edge events --since 1h
  movinet-edge events --since 2026-01-31T18:00 --action waving --format jsonl"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `events`."""
    add_config_argument(parser)
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="the store's folder, instead of --config")
    parser.add_argument("--since", type=_moment, metavar="WHEN", help="a time (2026-01-31T18:00) or an age (90m, 2d)")
    parser.add_argument("--until", type=_moment, metavar="WHEN", help="likewise")
    parser.add_argument("--stream", metavar="NAME")
    parser.add_argument("--action", metavar="NAME")
    parser.add_argument("--type", choices=("start", "update", "stop"), dest="event_type")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only the newest N")
    parser.add_argument("--format", choices=("table", "jsonl"), help="table on a terminal, else jsonl")


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
    """List the events."""
    from movinet_edge.delivery import EventHistory

    path = _state_dir(args) / "outbox.db"
    if not path.exists():
        raise ConfigurationError(f"there is no store {path}; has the daemon run with this configuration?")
    with EventHistory(path) as history:
        found = history.query(
            since=args.since,
            until=args.until,
            stream=args.stream,
            action=args.action,
            event_type=None if args.event_type is None else EventType(args.event_type),
            limit=args.limit,
        )
    if args.format == "jsonl" or (args.format is None and not sys.stdout.isatty()):
        for event in found:
            sys.stdout.write(event.to_json() + "\n")
        return exit_codes.OK
    from movinet_edge.cli.consoles import stdout_console
    from movinet_edge.cli.report import print_events

    if found:
        print_events(stdout_console(fold_in_pipes=False), found)
    print(f"{len(found)} event{'s' if len(found) != 1 else ''}")
    return exit_codes.OK


def _state_dir(args: argparse.Namespace) -> Path:
    if args.state_dir is not None:
        return Path(args.state_dir)
    document = read_config(args)
    from movinet_edge.config import ConfigurationProblems, validate

    configuration, problems = validate(document)
    if configuration is None:
        raise ConfigurationProblems(problems)
    return configuration.state_dir
