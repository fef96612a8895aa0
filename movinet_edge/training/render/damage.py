"""Whatever a damaged file of the assets leads to, or another file in its place, is one line that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def told(path: Path, what: str) -> Iterator[None]:
    """Makes one error of all that reading can end in, such as `a.glb is no binary glTF file: it lacks 'nodes'`.

    Raises:
        ValueError: the file is `what`; the text says why.
    """
    try:
        yield
    except Exception as error:  # a damaged file ends in two dozen kinds, some of zipfile, zlib and struct
        bare = isinstance(error, KeyError) and " " not in str(error)  # a key alone; that of a zip file is a sentence
        why = f"it lacks {error}" if bare else str(error)
        raise ValueError(f"{path} is {what}: {why}") from error
