"""The library's door: a model by catalogue name or path, found or pulled, with its labels, ready to step."""

from collections.abc import Callable, Sequence
from pathlib import Path

from movinet_edge.api import ModelError
from movinet_edge.engine import Model, RuntimeChoice, find_labels, load_model, read_labels
from movinet_edge.engine.runtime import open_session
from movinet_edge.models import FoundModel, ModelStore, bundled_labels

DEFAULT_MODEL = "movinet-a0-int8"
"""The smallest and fastest of the official files."""

Progress = Callable[[int, int | None], None]


def load(
    name_or_path: str | Path = DEFAULT_MODEL,
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
        name_or_path: a name of the catalogue (`movinet-edge models list`) or a `.tflite` file.
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
    found = store.get(str(name_or_path), pull=pull, progress=progress, check=check_interface)
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


__all__ = ["DEFAULT_MODEL", "Model", "check_interface", "find_labels", "load", "resolve_labels"]
