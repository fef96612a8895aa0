"""The configuration file on the command line: `--config`, read and assembled the same way by every verb."""

import argparse
from pathlib import Path

from movinet_edge.config import Document, read_document

DEFAULT_PATH = Path("/etc/movinet-edge/config.yaml")


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """`--config`."""
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_PATH, metavar="FILE", help="the configuration (%(default)s)"
    )


def add_store_arguments(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """`--config` and `--state-dir`, which say whose events are meant.

    `again`: the parser stands below one that has them already, so a default would stand above what was given there.
    """
    absent = argparse.SUPPRESS if again else None
    parser.add_argument(
        "--config",
        type=Path,
        default=argparse.SUPPRESS if again else DEFAULT_PATH,
        metavar="FILE",
        help=f"the configuration ({DEFAULT_PATH})",
    )
    parser.add_argument(
        "--state-dir", type=Path, default=absent, metavar="DIR", help="the store's folder, instead of --config"
    )


def read_config(args: argparse.Namespace) -> Document:
    """The document that `--config` names, with its fragments, the environment and the credentials."""
    return read_document(args.config)
