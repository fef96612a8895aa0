"""What the commands of training have in common: kinds of options, and wrong input told in one line."""

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from movinet_edge.api.errors import MovinetEdgeError
from movinet_edge.training.errors import InputError


@contextmanager
def errors_told(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Wrong input ends the command as a wrong option does: its usage, one line that says what is wrong, status 2."""
    try:
        yield
    except (InputError, MovinetEdgeError, OSError) as error:
        parser.error(" ".join(str(error).split()))


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def existing_file(text: str) -> Path:
    """A file that is there, so that long work does not end at one that is not."""
    file = Path(text)
    if not file.is_file():
        raise argparse.ArgumentTypeError(f"{text}: there is no such file")
    return file


def file_to_write(text: str) -> Path:
    """A file in a folder that is there, so that long work does not end with nowhere to keep its result."""
    file = Path(text)
    if file.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder; a file is to be written")
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: there is no folder {file.parent}")
    return file


def weights_to_write(text: str) -> Path:
    """As `file_to_write`, with a name that shows others what is in it."""
    return _ending(file_to_write(text), ".npz")


def model_to_write(text: str) -> Path:
    """As `file_to_write`, with a name that leaves room for the labels beside it."""
    return _ending(file_to_write(text), ".tflite")


def _ending(file: Path, suffix: str) -> Path:
    if file.suffix != suffix:
        raise argparse.ArgumentTypeError(f"{file}: its name must end in {suffix}")
    return file
