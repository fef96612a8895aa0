"""`movinet-edge web`: what the page needs to be reached from other machines: a password, and a certificate."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path

from movinet_edge.api import ConfigurationError, MovinetEdgeError
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import DEFAULT_PATH
from movinet_edge.config import Configuration, WebSettings, load

HELP = "a password and a certificate for the live page"
DESCRIPTION = """\
`password` asks for a password and prints its hash, for `web: control_password:` (or view_password) in the configuration
or, better, in a credential. `cert` makes a certificate for this machine's names and addresses, says what to write into
the configuration, and shows the page's address as a QR code: a phone's camera works over HTTPS alone."""
EPILOG = """\
examples:
  movinet-edge web password
  movinet-edge web cert --out /etc/movinet-edge/tls
  movinet-edge web cert --name porch.example.net --name 192.168.1.20"""

_SHORTEST = 8
"""Guessing is slow (5 tries a minute), so this is for passwords that everybody tries first."""

_DEFAULT_FOLDER = Path("tls")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `web`."""
    parser.add_argument("what", choices=("password", "cert"))
    parser.add_argument(
        "--name",
        action="append",
        dest="names",
        metavar="NAME",
        help="cert: name or address by which browsers reach this machine; several times for several; default: its own",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help=f"cert: where to put it ({_DEFAULT_FOLDER}, beside the configuration)",
    )
    parser.add_argument("--force", action="store_true", help="cert: replace the one that is there")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"the configuration, for the page's port ({DEFAULT_PATH})"
    )


def execute(args: argparse.Namespace) -> int:
    """Make it."""
    try:
        if args.what == "password":
            return _password()
        return _certificate(args)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the page needs more packages ({error.name}); install them with: pip install 'movinet-edge[web]'"
        ) from error


def _password() -> int:
    from movinet_edge.web.passwords import LONGEST_PASSWORD, hash_password

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise MovinetEdgeError("these were two different passwords")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not _SHORTEST <= len(password) <= LONGEST_PASSWORD:
        raise MovinetEdgeError(f"a password has {_SHORTEST} to {LONGEST_PASSWORD} characters")
    print(hash_password(password))
    if sys.stdin.isatty():
        print(
            "\nPut it into the configuration, in single quotes:\n  web:\n    control_password: '$argon2id$…'\n"
            "or into a credential named movinet_edge__web__control_password.",
            file=sys.stderr,
        )
    return exit_codes.OK


def _certificate(args: argparse.Namespace) -> int:
    import segno

    from movinet_edge.web.certificate import VALID, make_certificate, own_names

    configuration = _configuration(args.config)
    names = args.names or own_names()
    folder = args.out or (args.config or DEFAULT_PATH).parent / _DEFAULT_FOLDER
    if (folder / "server.key").exists() and not args.force:
        raise MovinetEdgeError(f"{folder} holds a certificate already; --force makes a new one")
    try:
        files = make_certificate(folder, names)
    except ValueError as error:
        raise MovinetEdgeError(f"one of these cannot be a name: {', '.join(names)} ({error})") from error
    print(f"valid for {VALID.days} days and for: {', '.join(names)}\n")
    print("Write into the configuration, and start the daemon anew:\n")
    print(f"  web:\n    enabled: true\n    host: 0.0.0.0\n    certificate: {files.certificate}\n    key: {files.key}")
    if configuration is None or not configuration.web.has_password:
        print("    control_password: '…'    # made by movinet-edge web password")
    print("\nThe user who runs the daemon must be able to read the key.")
    port = configuration.web.port if configuration else WebSettings().port
    url = f"https://{_bracketed(names)}:{port}/camera"
    print(f"\nThe phone as a camera: {url}\n")
    segno.make(url, error="m").terminal(compact=True)
    print(
        f"\nThe browser warns until the phone trusts {files.authority}: bring that file to it and install it there\n"
        "(it can vouch for these names alone). On Android it is enough to go on in spite of the warning."
    )
    return exit_codes.OK


def _configuration(path: Path | None) -> Configuration | None:
    """The configuration, as far as it helps."""
    try:
        return load(path or DEFAULT_PATH)
    except ConfigurationError:
        return None


def _bracketed(names: Sequence[str]) -> str:
    return f"[{names[0]}]" if ":" in names[0] else names[0]
