"""What is wrong with the input of training's commands is told in one line, not in a traceback."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from movinet_edge.api.errors import ModelError
from movinet_edge.training.clips import SHARDS, ClipFolder, ShardError
from movinet_edge.training.folding import WeightsError
from movinet_edge.training.quantise import RangesError

_WRONG_INPUT = (WeightsError, ShardError, RangesError, ModelError, OSError)


@contextmanager
def errors_told(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Wrong input ends the command as a wrong option does: its usage, one line that says what is wrong, status 2."""
    try:
        yield
    except _WRONG_INPUT as error:
        parser.error(str(error))


def clips_in(folders: Sequence[Path]) -> ClipFolder:
    """All clips of these folders.

    Raises:
        ShardError: there are none, or a shard is damaged.
    """
    ask_for_shards(folders)
    return ClipFolder(folders)


def whole_number(text: str) -> int:
    """A whole number from 1, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value


def ask_for_shards(folders: Sequence[Path]) -> None:
    """Make sure, without reading them, that there are shards in one of these folders at least.

    Raises:
        ShardError: there are none.
    """
    if not any(next(folder.glob(SHARDS), None) for folder in folders):
        names = ", ".join(map(str, folders))
        raise ShardError(f"{names}: no clips ({SHARDS}) there; python -m movinet_edge.training.render makes them")
