"""Head files: one JSON document with the card and the numbers, which can carry no code and is checked when read."""

import base64
import binascii
import difflib
import hashlib
import json
import math
import os
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from movinet_edge.api import ModelError
from movinet_edge.heads.card import HeadCard
from movinet_edge.heads.head import Head

SUFFIX = ".head.json"
_FORMAT = "movinet-edge head"
_VERSION = 1
# 64 classes of the largest model with three windows come to 4 MiB in base64; anything larger is no head.
_LARGEST_BYTES = 16 << 20
_PARTS = ("pool", "logits", "bias")


def load_head(name_or_path: str | Path) -> Head:
    """A head that comes with the package, by name, or one from a file: with a folder or `.json` in its name.

    Raises:
        ModelError: there is none, or it cannot be used; the text says why.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or text.endswith(".json"):
        return read_head(Path(text).expanduser())
    shipped = shipped_heads()
    if text in shipped:
        return read_head(shipped[text])
    for file in (text, text + SUFFIX):
        if Path(file).is_file():
            raise ModelError(f"no head that comes with the package is called {text!r}; for the file give ./{file}")
    near = difflib.get_close_matches(text, shipped, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(shipped) or 'none'}."
    raise ModelError(f"no head is called {text!r}; {hint} A head of your own is given by its path (./NAME{SUFFIX})")


@cache
def shipped_heads() -> dict[str, Path]:
    """The heads that come with the package, by name."""
    folder = Path(str(files("movinet_edge.heads")))
    return {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def read_head(path: Path) -> Head:
    """Read a head file and check all that is in it.

    Raises:
        ModelError: it cannot be read or is no head; the text says what is wrong with it.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ModelError(f"{path}: too large for a head (over {_LARGEST_BYTES >> 20} MiB)")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot read the head: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a head file, which is JSON: {error}") from error
    try:
        return _parsed(document)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def write_head(head: Head, path: Path) -> None:
    """Write a head file: the whole of it or nothing.

    Raises:
        OSError: it cannot be written.
    """
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=SUFFIX)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_text(head))
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _text(head: Head) -> str:
    numbers = {name: _packed(getattr(head, name)) for name in _PARTS}
    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "card": head.card.model_dump(mode="json"),
        "sha256": _digest(numbers),
        "numbers": numbers,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _parsed(document: Any) -> Head:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ModelError(f"not a head file (it does not say format: {_FORMAT!r})")
    if document.get("version") != _VERSION:
        raise ModelError(
            f"made for another version of movinet-edge: this one reads version {_VERSION} of the format, "
            f"the file has {document.get('version')!r}"
        )
    try:
        card = HeadCard.model_validate(document.get("card"))
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"card: {'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from error
    numbers = document.get("numbers")
    if not isinstance(numbers, dict) or set(numbers) != set(_PARTS):
        raise ModelError(f"numbers must hold {', '.join(_PARTS)}")
    parts = {name: _unpacked(name, numbers[name]) for name in _PARTS}
    if document.get("sha256") != _digest(numbers):
        raise ModelError("its numbers are damaged: they do not have the checksum that the file says")
    return Head(card, parts["pool"], parts["logits"], parts["bias"])


def _packed(numbers: NDArray[np.float32]) -> dict[str, Any]:
    content = np.ascontiguousarray(numbers, "<f4").tobytes()
    return {"shape": list(numbers.shape), "float32": base64.b64encode(content).decode("ascii")}


def _unpacked(name: str, packed: Any) -> NDArray[np.float32]:
    shape = packed.get("shape") if isinstance(packed, dict) else None
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ModelError(f"numbers: {name} needs a shape, a list of sizes")
    try:
        content = base64.b64decode(packed.get("float32"), validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise ModelError(f"numbers: {name} is not base64") from error
    if len(content) != 4 * math.prod(shape):
        raise ModelError(f"numbers: {name} holds {len(content)} bytes, but its shape {shape} needs 4 for each number")
    return np.frombuffer(content, "<f4").astype(np.float32).reshape(shape)


def _digest(numbers: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()
