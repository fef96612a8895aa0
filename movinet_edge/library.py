"""The library's door: a model by catalogue name or path, found or pulled, with its labels, ready to step."""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from movinet_edge.api import ModelError
from movinet_edge.engine import Model, RuntimeChoice, find_labels, load_model, read_labels
from movinet_edge.engine.runtime import open_session
from movinet_edge.models import DownloadError, FoundModel, ModelStore, bundled_labels

DEFAULT_MODEL = "movinet-a0-int8"
"""The smallest and fastest of the official files."""
BUILTIN_MODEL = "builtin"
"""Comes with the package: 18 classes, for first steps, tests and closed networks."""
BUILTIN_WINDOW = 16
"""Frames to remember with it: what its figures were measured with. Source: its card, models/builtin.md."""

_log = structlog.get_logger(__name__)

Progress = Callable[[int, int | None], None]


def load(
    name_or_path: str | Path | None = None,
    *,
    labels: Sequence[str] | str | Path | None = None,
    runtime: RuntimeChoice = "auto",
    threads: int = 1,
    fast: bool = True,
    pull: bool = True,
    store: ModelStore | None = None,
    progress: Progress | None = None,
) -> Model:
    """Load a streaming MoViNet.

    Args:
        name_or_path: a name of the catalogue (`movinet-edge models list`) or a `.tflite` file. None takes
            `movinet-a0-int8`, or, with a warning, the package's own model where that one cannot be fetched.
        labels: one name per class, the name of a bundled list (`kinetics-600`), or a text file; None takes what
            belongs to the model.
        runtime: `auto`, `litert` or `tflite`.
        threads: for one inference.
        fast: run the file rewritten for speed, where that is possible; False runs it as it is.
        pull: download a catalogue model that is not on this machine.
        store: where to look; the default follows MOVINET_EDGE_MODEL_PATH and the cache folder.
        progress: called with bytes so far and in all while something is downloaded.

    Raises:
        ModelError: the text says what is wrong and what to do.
    """
    store = store or ModelStore()
    found = _find(store, name_or_path, pull=pull, progress=progress, may_stand_in=labels is None)
    names = resolve_labels(labels, found)
    try:
        return load_model(
            found.path,
            name=found.name,
            labels=names,
            runtime=runtime,
            threads=threads,
            fast=fast,
            cache=store.rewritten,
        )
    except ModelError as error:
        raise _with_bundled_hint(error, found) from error


def _find(
    store: ModelStore, name_or_path: str | Path | None, *, pull: bool, progress: Progress | None, may_stand_in: bool
) -> FoundModel:
    name = str(name_or_path or DEFAULT_MODEL)
    try:
        return store.get(name, pull=pull, progress=progress, check=check_interface)
    except ModelError as error:  # no address answered, or the cache cannot be written
        chosen = name_or_path is not None or not may_stand_in
        if not pull or (chosen and not isinstance(error, DownloadError)):
            raise
        if chosen:
            raise DownloadError(
                f"{error}\nThe package's own model needs no download, but knows only "
                f"{', '.join(bundled_labels(BUILTIN_MODEL))}: name it {BUILTIN_MODEL}."
            ) from error
        stand_in = _stand_in(store, error)
        _log.warning(
            "no model was chosen and the default one cannot be fetched; the package's own is used, which is for first "
            "steps, tests and closed networks",
            model=BUILTIN_MODEL,
            classes=len(bundled_labels(BUILTIN_MODEL)),
            default=DEFAULT_MODEL,
            reason=_reason(error),
            for_600_classes="movinet-edge models pull a0",
        )
        return stand_in


def _stand_in(store: ModelStore, failure: ModelError) -> FoundModel:
    """The package's own model; where that is not whole, the failure stays what it was: one that may pass."""
    try:
        return store.get(BUILTIN_MODEL, pull=False)
    except ModelError as error:
        raise type(failure)(f"{failure}\nThe package's own model cannot stand in: {error}") from failure


def _reason(error: ModelError) -> str:
    """What failed, and of the addresses the first with its cause; the log has told of each by then."""
    return " ".join(line.strip().removeprefix("- ") for line in str(error).splitlines()[:3])


def resolve_labels(labels: Sequence[str] | str | Path | None, found: FoundModel) -> Sequence[str] | None:
    """The list meant by `labels`; None when the engine should look into and beside the file."""
    if labels is None:
        return bundled_labels(found.card.labels) if found.card else None
    if not isinstance(labels, str | Path):
        return labels
    path = Path(labels)
    if isinstance(labels, Path) or path.suffix or path.exists() or "/" in labels:
        return read_labels(path)
    return bundled_labels(labels)


def check_interface(path: Path) -> None:
    """Raise ModelError unless the file is a streaming model that this machine can run."""
    open_session(path)


def _with_bundled_hint(error: ModelError, found: FoundModel) -> ModelError:
    if found.card is None and "no labels for its 600 classes" in str(error):
        return ModelError(f"{error}; for a Kinetics-600 model give kinetics-600")
    return error


__all__ = [
    "BUILTIN_MODEL",
    "BUILTIN_WINDOW",
    "DEFAULT_MODEL",
    "Model",
    "check_interface",
    "find_labels",
    "load",
    "resolve_labels",
]
