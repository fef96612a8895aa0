"""`movinet-edge mqtt`: what Home Assistant is told of this daemon, and how to make it forget."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from movinet_edge import __version__
from movinet_edge.api import ConfigurationError, DaemonStatus, MovinetEdgeError, StreamState, StreamStatus
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_config_argument, read_config
from movinet_edge.config import Configuration, Document

if TYPE_CHECKING:
    from movinet_edge.daemon.assembly import Assembly

HELP = "show or remove what Home Assistant is told over MQTT"
DESCRIPTION = """\
`discovery` prints every message that the configuration's mqtt sinks would keep on their brokers, and sends nothing.
`cleanup` removes all messages of this node from the brokers, so that Home Assistant forgets it: for when the daemon
moves or goes for good. Stop the daemon first, or it publishes them again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mqtt`."""
    parser.add_argument("what", choices=("discovery", "cleanup"))
    parser.add_argument("--sink", metavar="NAME", help="only this sink")
    add_config_argument(parser)


def execute(args: argparse.Namespace) -> int:
    """Show or remove."""
    document = read_config(args)
    if args.what == "discovery":
        _show(document, args.sink)
    else:
        _clean_up(document, args.sink)
    return exit_codes.OK


def _show(document: Document, only: str | None) -> None:
    from movinet_edge.daemon.assembly import assemble

    assembly = assemble(document, pull=False)
    for name in _names(assembly.configuration, only):
        sink: Any = assembly.sinks[name].make_sink()
        for topic, payload in sink.preview(_status(assembly)):
            print(f"{topic} {_readable(payload)}")


def _clean_up(document: Document, only: str | None) -> None:
    from movinet_edge.daemon.assembly import make_sinks

    configuration, sinks = make_sinks(document)
    names = _names(configuration, only)
    _refuse_beside_a_daemon(configuration)
    for name in names:
        sink: Any = sinks[name].make_sink()
        topics = sink.cleanup()
        print(f"{name}: {len(topics)} topics cleared", *(f"  {topic}" for topic in topics), sep="\n")


def _names(configuration: Configuration, only: str | None) -> list[str]:
    names = [sink.name for sink in configuration.sinks if sink.type == "mqtt"]
    if not names:
        raise ConfigurationError("the configuration has no sink of type mqtt")
    if only is not None and only not in names:
        raise MovinetEdgeError(f"there is no mqtt sink {only!r}; there are: {', '.join(names)}")
    return names if only is None else [only]


def _refuse_beside_a_daemon(configuration: Configuration) -> None:
    from movinet_edge.daemon.state_lock import StateInUse, locked_state

    try:
        with locked_state(configuration.state_dir):
            return
    except StateInUse as error:
        raise MovinetEdgeError(f"{error}, or it publishes everything again") from error
    except MovinetEdgeError:
        return  # the folder is another user's, whose daemon cannot be told from here


def _status(assembly: "Assembly") -> DaemonStatus:
    """As right after the start, before any camera has answered."""
    from movinet_edge.daemon.status import action_statuses

    now = datetime.now(UTC)
    streams = tuple(
        StreamStatus(
            name=name,
            state=StreamState.CONNECTING,
            since=now,
            actions=action_statuses(parts.pipeline),
            snapshots=parts.pipeline.evidence is not None,
        )
        for name, parts in assembly.streams.items()
    )
    return DaemonStatus(version=__version__, started_at=now, streams=streams, sinks=())


def _readable(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload
