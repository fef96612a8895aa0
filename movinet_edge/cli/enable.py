"""`movinet-edge enable`: switches a stream of the running daemon on."""

import argparse

from movinet_edge.cli import exit_codes
from movinet_edge.cli.control import add_socket_arguments, ask_daemon
from movinet_edge.daemon.control_socket import Switch

HELP = "switch a stream of the running daemon on"
DESCRIPTION = """\
Switch a stream of the running daemon on. A stream that has ended begins anew. It stays so over restarts,
until `enabled:` is changed in the configuration."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `enable`."""
    parser.add_argument("stream", metavar="STREAM", help="the stream's name")
    add_socket_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Ask for it."""
    ask_daemon(args, Switch(stream=args.stream, on=True))
    print(f"{args.stream} is switched on")
    return exit_codes.OK
