"""`movinet-edge reload`: the running daemon reads its configuration again."""

import argparse

from movinet_edge.cli import exit_codes
from movinet_edge.cli.control import add_socket_arguments, ask_daemon
from movinet_edge.daemon.control_socket import Reload

HELP = "let the running daemon read its configuration again"
DESCRIPTION = """\
The running daemon reads its configuration again and applies what has changed. Streams and sinks that did not change
go on untouched. If the new configuration is wrong, the old one goes on, and what is wrong is told here."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `reload`."""
    add_socket_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Ask for it, and say what was done."""
    print(ask_daemon(args, Reload()))
    return exit_codes.OK
