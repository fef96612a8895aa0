"""How the verbs that speak with a running daemon find its control socket."""

import argparse
from pathlib import Path
from typing import Any

from movinet_edge.api import ConfigurationError
from movinet_edge.cli.configured import DEFAULT_PATH
from movinet_edge.config import load
from movinet_edge.daemon.control_socket import NoDaemon, Request, ask

SYSTEM_SOCKET = Path("/run/movinet-edge/control.sock")
"""Where the daemon listens that systemd started."""


def add_socket_arguments(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--socket`."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"the configuration that the daemon runs with ({DEFAULT_PATH})"
    )
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="its control socket, if the configuration is not at hand"
    )


def ask_daemon(args: argparse.Namespace, request: Request) -> Any:
    """The running daemon's answer.

    Raises:
        NoDaemon: none answers where it should be.
        CommandRefused: the daemon's own words.
        ConfigurationError: the configuration that was named is wrong.
    """
    reasons = []
    for place in _places(args):
        try:
            return ask(place, request)
        except NoDaemon as error:
            reasons.append(str(error))
    raise NoDaemon("\n".join(reasons))


def _places(args: argparse.Namespace) -> tuple[Path, ...]:
    if args.socket is not None:
        return (args.socket,)
    try:
        configured = load(args.config or DEFAULT_PATH)
    except ConfigurationError as error:
        if args.config is not None:
            raise ConfigurationError(
                f"{error}\nSo it does not say where the daemon listens. One that runs goes on with what it has read;"
                " --socket PATH reaches it."
            ) from error
        # A user who may not read the system's configuration may still be allowed to use the socket.
        return (SYSTEM_SOCKET,)
    if not configured.control.enabled:
        raise NoDaemon("the configuration switches the control socket off (`control: enabled: false`)")
    own = configured.control_sockets
    # With systemd the socket is in its runtime directory, which nobody else is told of.
    return own if configured.control.socket is not None else (*system_sockets(args.config), *own)


def system_sockets(config: Path | None) -> tuple[Path, ...]:
    """Where the daemon listens that systemd started with this file, if it is one of systemd's."""
    if config is None or config.absolute() == DEFAULT_PATH:
        return (SYSTEM_SOCKET,)
    if config.absolute().parent == DEFAULT_PATH.parent:
        return (Path(f"/run/movinet-edge@{config.stem}/control.sock"),)
    return ()
