"""Recognise a model file by its content: fingerprints, and how they compare with a card."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from movinet_edge.models.catalogue import ModelCard

_CHUNK_BYTES = 1 << 20

# A FlatBuffers file identifier stands behind the 4-byte root offset.
# Source: https://github.com/google-ai-edge/LiteRT, schema.fbs, file_identifier "TFL3".
_TFLITE_MAGIC = b"TFL3"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one file's content is recognised by; both digests are lower-case hexadecimal."""

    size_bytes: int
    sha256: str
    git_blob: str


def fingerprint(path: Path) -> Fingerprint:
    """Read the file once and take its size and digests.

    Raises:
        OSError: the file cannot be read.
    """
    size_bytes = path.stat().st_size
    sha256 = hashlib.sha256()
    git_blob = hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            git_blob.update(chunk)
    return Fingerprint(size_bytes, sha256.hexdigest(), git_blob.hexdigest())


def mismatch(actual: Fingerprint, card: ModelCard) -> str | None:
    """Why a content is not the card's, or None where nothing known of the card speaks against it.

    The sha256 decides where it is known, else the git blob id; a card with neither is judged by its size, if known.
    """
    if card.sha256 is not None:
        known, found, kind = card.sha256, actual.sha256, "sha256"
    elif card.git_blob is not None:
        known, found, kind = card.git_blob, actual.git_blob, "git blob id"
    elif card.size_bytes is not None:
        known, found, kind = f"{card.size_bytes} bytes", f"{actual.size_bytes} bytes", "size"
    else:
        return None
    return None if known == found else f"its {kind} is {found}, but should be {known}"


def is_model_file(path: Path) -> bool:
    """True for a readable, regular file that says it is a TFLite model. Looks at 8 bytes."""
    try:
        if not path.is_file():  # opening a pipe would wait for a writer
            return False
        with path.open("rb") as file:
            return file.read(8)[4:] == _TFLITE_MAGIC
    except OSError:
        return False


def is_content_of(path: Path, card: ModelCard) -> bool:
    """True when the file is the card's by checksum. Reads the whole file only when its size may be right."""
    try:
        if not card.has_checksum or not is_model_file(path):
            return False
        if card.size_bytes is not None and card.size_bytes != path.stat().st_size:
            return False
        return mismatch(fingerprint(path), card) is None
    except OSError:
        return False
