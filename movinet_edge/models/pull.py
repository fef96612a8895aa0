"""Pull a model: try its addresses in order, check what arrives, and hand over a file that deserves its name."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import structlog

from movinet_edge.api import ModelError
from movinet_edge.models.archive import extract_model, is_gzip
from movinet_edge.models.catalogue import ModelCard
from movinet_edge.models.checksum import Fingerprint, fingerprint, is_model_file, mismatch
from movinet_edge.models.download import (
    ContentRejected,
    DownloadError,
    Limits,
    Partial,
    Progress,
    TransferInterrupted,
    download,
)

_log = structlog.get_logger(__name__)

Check: TypeAlias = Callable[[Path], None]
"""Opens the file and raises ModelError when it cannot serve as a model."""

# A flaky line gets over a few breaks in one go; after that the next address deserves its turn.
_MAX_RESUMES = 4


@dataclass(frozen=True, slots=True)
class Fetched:
    """A checked file which does not have its final name yet, and the address that gave it."""

    path: Path
    url: str
    fingerprint: Fingerprint


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """One writer in the folder at a time, among threads and processes; waits for its turn.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The lock file stays: deleting it would let two waiters hold locks on two different files.
    with (folder / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("waiting for another download to finish", folder=str(folder))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(
    card: ModelCard, folder: Path, limits: Limits, progress: Progress | None = None, check: Check | None = None
) -> Fetched:
    """Download the card's file into `folder` and check its content, then its interface.

    Raises:
        DownloadError: no address gave the model; the text holds the reason of each.
        OSError: the folder cannot be written. What was downloaded is deleted, since the disk may be full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in card.urls:
        partial = Partial(folder, card.name, url)
        _log.info("downloading model", model=card.name, url=url)
        try:
            _download_with_resumes(url, partial, limits, progress)
            fetched = _accept(card, url, partial, limits, check)
        except DownloadError as error:
            _log.info("model address failed", model=card.name, url=url, reason=str(error))
            reasons.append(f"  - {url}\n    {error}")
        else:
            for other in card.urls:  # which may have broken off before this one served
                Partial(folder, card.name, other).discard()
            return fetched
    raise DownloadError("\n".join([f"{card.name} could not be downloaded:", *reasons]))


def _download_with_resumes(url: str, partial: Partial, limits: Limits, progress: Progress | None) -> None:
    for resumes_left in reversed(range(_MAX_RESUMES + 1)):
        before_bytes, _ = partial.resume_point()
        try:
            download(url, partial, limits, progress)
        except TransferInterrupted:
            after_bytes, _ = partial.resume_point()
            if after_bytes == 0:  # nothing came, or the server cannot resume
                partial.discard()
            if after_bytes <= before_bytes or not resumes_left:
                raise
        except OSError:
            partial.discard()
            raise
        else:
            return


def _accept(card: ModelCard, url: str, partial: Partial, limits: Limits, check: Check | None) -> Fetched:
    candidate = partial.data.with_name(f"{card.name}.tflite")
    try:
        if is_gzip(partial.data):
            extract_model(partial.data, candidate, limits.max_bytes)
        else:
            partial.data.replace(candidate)
        return Fetched(candidate, url, _checked(card, candidate, check))
    except BaseException:
        candidate.unlink(missing_ok=True)
        raise
    finally:
        partial.discard()


def _checked(card: ModelCard, candidate: Path, check: Check | None) -> Fingerprint:
    if not is_model_file(candidate):
        with candidate.open("rb") as file:
            is_page = file.read(256).lstrip().startswith(b"<")
        raise ContentRejected("it sent a web page instead of a model" if is_page else "it sent no TFLite file")
    actual = fingerprint(candidate)
    if reason := mismatch(actual, card):
        raise ContentRejected(f"it sent another file than the catalogue's: {reason}")
    if check is not None:
        try:
            check(candidate)
        except ModelError as error:
            raise ContentRejected(f"the file cannot be used: {error}") from error
    return actual


def install(fetched: Fetched, target: Path) -> None:
    """Give the file its name in one step, safe against a power cut.

    Raises:
        OSError: the target's folder cannot be written.
    """
    with fetched.path.open("rb") as file:
        os.fsync(file.fileno())
    fetched.path.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
