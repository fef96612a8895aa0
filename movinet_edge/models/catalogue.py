"""The catalogue: what is known of each official model file, and the label lists that come with the package."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from movinet_edge.api import ModelError

BUNDLED_FOLDER = Path(__file__).resolve().parent
"""Where the package keeps its catalogue, label lists and own model."""
_LABELS_FOLDER = BUNDLED_FOLDER / "labels"

HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S*$")]


class ModelCard(BaseModel):
    """What is known of one model file before it is opened."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # The name becomes a file name in the cache.
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", description="name in the catalogue, as in movinet-a0-int8")
    family: str = Field(description="architecture, as in MoViNet-A0-Stream")
    quantisation: Literal["int8", "float16"]
    version: int = Field(ge=1, description="the publisher's version of this file")
    urls: tuple[HttpUrl, ...] = Field(description="addresses, tried in order; a .tflite file or a tar.gz with one")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    size_bytes: int | None = Field(default=None, gt=0)
    git_blob: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$", description="git's id of the content")
    bundled: bool = Field(default=False, description="the file comes with the package, and needs no download")
    labels: str = Field(description="label list, for bundled_labels()")
    input_px: int = Field(gt=0, description="width and height of the model's picture")
    fps: float = Field(gt=0, description="frames per second that the model was trained on")
    top1_percent: float | None = Field(default=None, ge=0, le=100, description="published top-1 on Kinetics-600")
    pixel4_ms: float | None = Field(default=None, gt=0, description="published time per frame on a Pixel 4's CPU")
    licence: str
    notes: str = ""

    @property
    def has_checksum(self) -> bool:
        """True when the content can be recognised from this card alone."""
        return self.sha256 is not None or self.git_blob is not None

    @property
    def labels_file(self) -> Path:
        """The label list, one a line."""
        return _LABELS_FOLDER / f"{self.labels}.txt"

    @property
    def document(self) -> Path | None:
        """Where more is said of a model that comes with the package: what it was made from, how often it is right."""
        path = BUNDLED_FOLDER / f"{self.name}.md"
        return path if path.is_file() else None


@cache
def _cards() -> tuple[ModelCard, ...]:
    text = BUNDLED_FOLDER.joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[ModelCard, ...]).validate_python(yaml.safe_load(text))


def catalogue() -> dict[str, ModelCard]:
    """The cards by name, in the catalogue's order (int8 before float16, small before large)."""
    return {card.name: card for card in _cards()}


def full_name(name: str) -> str:
    """The catalogue's name that a short one stands for: `a0` is `movinet-a0-int8`."""
    return f"movinet-{name}-int8" if name in ("a0", "a1", "a2") else name


def recommended(machine: str) -> str:
    """The model for a processor, as `platform.machine()` names it: the most accurate that any such one can run.

    Rewritten, float16 files take little longer than int8 ones; rewriting needs LiteRT, and that 64 bits. See ADR 10.
    """
    return "movinet-a0-float16" if machine in {"x86_64", "aarch64"} else "movinet-a0-int8"


@cache
def bundled_labels(name: str = "kinetics-600") -> tuple[str, ...]:
    """The labels of a list that comes with the package; label i belongs to score i.

    Raises:
        ModelError: there is no such list.
    """
    lists = {entry.name.removesuffix(".txt"): entry for entry in sorted(_LABELS_FOLDER.iterdir())}
    if name not in lists:
        raise ModelError(f"no label list is called {name!r}; {nearest(name, lists)}")
    return tuple(lists[name].read_text(encoding="utf-8").splitlines())


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error's sentence: the names most like `name`, or all of them when none is."""
    names = list(known)
    close = get_close_matches(name.lower().replace("_", "-"), names, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names) or 'none'}"
