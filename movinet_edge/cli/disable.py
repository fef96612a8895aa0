"""`movinet-edge disable`: switches a stream of the running daemon off."""

import argparse

from movinet_edge.cli import exit_codes
from movinet_edge.cli.control import add_socket_arguments, ask_daemon
from movinet_edge.daemon.control_socket import Switch

HELP = "switch a stream of the running daemon off"
DESCRIPTION = """\
Switch a stream of the running daemon off. Its open actions are closed with the reason `disabled`. It stays so over
restarts, until `enabled:` is changed in the configuration."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `disable`."""
    parser.add_argument("stream", metavar="STREAM", help="the stream's name")
    add_socket_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Ask for it."""
    ask_daemon(args, Switch(stream=args.stream, on=False))
    print(f"{args.stream} is switched off")
    return exit_codes.OK
