"""`movinet-edge set`: changes the threshold of an action of the running daemon."""

import argparse
import math

from movinet_edge.cli import exit_codes
from movinet_edge.cli.control import add_socket_arguments, ask_daemon
from movinet_edge.daemon.control_socket import SetThreshold

HELP = "set the threshold of an action of the running daemon"
DESCRIPTION = """\
Set the score over which an action begins, for example `movinet-edge set porch.waving.on=0.6`. Its `off` keeps the
proportion that the configuration gives it. It stays so over restarts, until `on:` is changed in the configuration."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `set`."""
    parser.add_argument(
        "change", type=_change, metavar="STREAM.ACTION.on=SCORE", help="quote it if the name has spaces"
    )
    add_socket_arguments(parser)


def execute(args: argparse.Namespace) -> int:
    """Ask for it."""
    stream, action, on = args.change
    ask_daemon(args, SetThreshold(stream=stream, action=action, on=on))
    print(f"{action} of {stream} begins at {on:g}")
    return exit_codes.OK


def _change(text: str) -> tuple[str, str, float]:
    key, equals, value = text.rpartition("=")
    stream, _, rest = key.partition(".")  # a stream's name has no dot, an action's may have
    action, _, setting = rest.rpartition(".")
    if not (equals and stream and action and setting == "on"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form STREAM.ACTION.on=SCORE, such as porch.waving.on=0.6"
        )
    try:
        on = float(value)
    except ValueError:
        on = math.nan
    if not 0.0 < on <= 1.0:
        raise argparse.ArgumentTypeError(f"{value!r} is not a score; write a number over 0 and at most 1")
    return stream, action, on
