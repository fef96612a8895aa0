"""The names of a model's classes: from a text file, from beside the model, or packed into the model itself."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from movinet_edge.api import ModelError

# A label file is a few kilobytes; anything larger is not one, and is not read into memory.
_LARGEST_BYTES = 1 << 20


def read_labels(path: Path) -> tuple[str, ...]:
    """One label per line, line i for class i; blank lines at the end do not count.

    Raises:
        ModelError: the file cannot be read, is not UTF-8 text, or holds a blank or repeated label.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ModelError(f"{path}: too large for a list of labels (over {_LARGEST_BYTES >> 20} MiB)")
        return parse_labels(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise ModelError(f"{path}: cannot read the labels: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: the labels are not UTF-8 text ({error.reason} at byte {error.start})") from error


def parse_labels(text: str, origin: str) -> tuple[str, ...]:
    """Labels from the text of a label file; `origin` names it in errors."""
    labels = tuple(line.strip() for line in text.rstrip().splitlines())
    seen: dict[str, int] = {}
    for number, label in enumerate(labels, start=1):
        if not label:
            raise ModelError(f"{origin}:{number}: a blank line where a label should be")
        if label in seen:
            raise ModelError(f"{origin}:{number}: label {label!r} stands on line {seen[label]} too")
        seen[label] = number
    return labels


def packed_labels(model: Path) -> tuple[str, ...] | None:
    """The label file packed into the model's TFLite metadata (a zip archive at the file's end), if there is one.

    Source: TFLite metadata, "associated files", https://ai.google.dev/edge/litert/conversion/tensorflow/metadata
    """
    if not zipfile.is_zipfile(model):
        return None
    try:
        with zipfile.ZipFile(model) as archive:
            texts = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".txt")]
            preferred = [entry for entry in texts if "label" in entry.filename.lower()] or texts
            if not preferred:
                return None
            name = preferred[0].filename
            if preferred[0].file_size > _LARGEST_BYTES:
                raise ModelError(f"{model}: the packed {name} is too large for a list of labels")
            text = archive.read(preferred[0]).decode("utf-8-sig")
    # RuntimeError: encrypted; NotImplementedError, a kind of it: compressed in a way that zipfile does not know.
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError, OSError, RuntimeError) as error:
        raise ModelError(f"{model}: the labels packed into it cannot be read: {error}") from error
    return parse_labels(text, f"{model}({name})")


def labels_beside(model: Path) -> Path | None:
    """`model.txt`, `model_labels.txt`, `model.labels.txt` or `labels.txt` in the folder of `model.tflite`."""
    stem = model.with_suffix("").name
    for name in (f"{stem}.txt", f"{stem}_labels.txt", f"{stem}.labels.txt", "labels.txt"):
        candidate = model.with_name(name)
        if candidate.is_file():
            return candidate
    return None


def check_count(labels: Sequence[str], classes: int, model: Path, origin: str) -> tuple[str, ...]:
    """The labels, if there is one for each class.

    Raises:
        ModelError: their number differs; a shifted list would name every action wrongly.
    """
    if len(labels) != classes:
        raise ModelError(
            f"{model.name} tells {classes} classes apart, but {origin} holds {len(labels)} labels; "
            f"give the list that belongs to this model, one label per line in the order of the logits"
        )
    return tuple(labels)


def find_labels(model: Path, classes: int) -> tuple[str, ...]:
    """The labels that come with the file: packed into it, else beside it.

    Raises:
        ModelError: there are none (the text names files nearby that would fit), or their number is wrong.
    """
    packed = packed_labels(model)
    if packed is not None:
        return check_count(packed, classes, model, "the list packed into it")
    beside = labels_beside(model)
    if beside is not None:
        return check_count(read_labels(beside), classes, model, str(beside))
    fitting = [path for path in sorted(model.parent.glob("*.txt")) if _fits(path, classes)]
    hint = f"; {', '.join(map(str, fitting))} would fit" if fitting else ""
    raise ModelError(
        f"{model.name}: no labels for its {classes} classes: none are packed into the file and "
        f"{model.with_suffix('.txt').name} is not beside it; name a list with `labels:` or `--labels`{hint}"
    )


def _fits(path: Path, classes: int) -> bool:
    try:
        return len(read_labels(path)) == classes
    except ModelError:
        return False
