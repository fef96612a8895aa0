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


def read_config(args: argparse.Namespace) -> Document:
    """The document that `--config` names, with its fragments, the environment and the credentials."""
    return read_document(args.config)
