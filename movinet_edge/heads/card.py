"""The card of a head: what it is for, what it belongs to, what it was taught with, and how good it was found to be."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

BACKGROUND = "background"
"""What is none of the actions that a head tells; no action may be called so."""

LONGEST_NAME = 64
"""Of an action, in letters."""

MOST_CLASSES = 64
_LONGEST_WINDOW = 1000


def _printable(text: str) -> str:
    if not text.strip() or text != text.strip() or not text.isprintable():
        raise ValueError(f"{text!r} is no name: use printable characters without spaces around them")
    if text.casefold() == BACKGROUND:
        raise ValueError(f"{text!r} is no name of an action: it means none of them")
    return text


ClassName = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_printable)]


class _CardPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Trunk(_CardPart):
    """The model whose outputs the head understands; no other file will do."""

    name: str = Field(description="what the model is called, for people")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the model file")
    classes: int = Field(ge=1, le=100_000, description="number of its labels")
    channels: int = Field(ge=1, le=100_000, description="size of its head pool")


class HeadCard(_CardPart):
    """Everything about a head but its numbers."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    classes: tuple[ClassName, ...] = Field(min_length=1, max_length=MOST_CLASSES, description="actions it tells")
    trunk: Trunk
    windows: tuple[Annotated[int, Field(ge=1, le=_LONGEST_WINDOW)], ...] = Field(
        max_length=8, description="frames over which the head pool is averaged, one part of the features for each"
    )
    fps: float = Field(gt=0, description="frames per second that it was taught with")
    memory_window: int = Field(ge=1, description="the model's own window that it was taught with, in frames")
    description: str = ""
    limits: tuple[str, ...] = Field(default=(), description="what it cannot do, or was never tried on")
    licence: str = Field(default="", description="of the examples, and so of the head")
    notice: str = Field(default="", description="text that has to go with it")
    created: str = Field(default="", description="the day it was taught on")
    data: dict[str, int | float | str] = Field(default={}, description="what it was taught with, in figures")
    figures: dict[str, dict[str, int | float | None]] = Field(
        default={}, description="how good it was on examples that it had not seen, for each class"
    )
    record: dict[str, Any] = Field(default={}, description="all that is needed to teach it again")

    @model_validator(mode="after")
    def _classes_differ(self) -> "HeadCard":
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("two classes have the same name")
        return self
