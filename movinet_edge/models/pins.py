"""Pins: the checksum first seen of a model for which nobody has published one, kept beside the files."""

import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from movinet_edge.api import ModelError


class Pin(BaseModel):
    """One model's first-seen content, where it came from and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    url: str
    first_seen: datetime = Field(default_factory=lambda: datetime.now(UTC))


_PINS = TypeAdapter(dict[str, Pin])


def read_pins(path: Path) -> dict[str, Pin]:
    """The pins by model name; empty where the file does not exist.

    Raises:
        ModelError: the file cannot be read. It is not taken for empty, since that would trust any content.
    """
    try:
        return _PINS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise ModelError(
            f"{path} cannot be read, so downloaded models cannot be checked: {error}. "
            "Repair it, or delete it to trust the next download of each model."
        ) from error


def write_pins(path: Path, pins: dict[str, Pin]) -> None:
    """Replace the file in one step, so that a power cut leaves the old or the new one.

    Raises:
        OSError: the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(_PINS.dump_json(pins, indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
