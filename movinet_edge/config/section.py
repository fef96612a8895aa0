"""What every section of the settings tree is made of."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic.config import JsonDict

from movinet_edge.api import Duration

_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
# MQTT topics, file names and tables carry the name; it stays free text within what these can hold and show.
_LONGEST_ACTION_NAME = 64


def _plain_name(name: str) -> str:
    if not re.fullmatch(_NAME_PATTERN, name):
        raise ValueError(
            f"{name!r} cannot be a name; use 1 to 64 of a-z, A-Z, 0-9, - and _, and begin with a letter or a digit"
        )
    return name


def _action_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_ACTION_NAME:
        raise ValueError(
            f"{name!r} cannot be the name of an action; use 1 to {_LONGEST_ACTION_NAME} printable characters "
            "without spaces around them"
        )
    return name


def not_boolean(value: Any) -> Any:
    """Keeps pydantic from reading `on: true` as a threshold of 1, which is never reached."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a number")
    return value


def without_default(schema: JsonDict) -> None:
    """For a field whose default depends on another field: the JSON Schema must not name one."""
    schema.pop("default", None)


Text = Annotated[str, StringConstraints(min_length=1)]
"""Text that is not empty."""

Name = Annotated[str, AfterValidator(_plain_name), WithJsonSchema({"type": "string", "pattern": _NAME_PATTERN})]
"""The name of a stream or a sink: it becomes part of topics, file names and variables."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0), BeforeValidator(not_boolean)]

Count = Annotated[int, Field(ge=1), BeforeValidator(not_boolean)]

ActionName = Annotated[str, AfterValidator(_action_name)]

PositiveDuration = Annotated[Duration, Field(gt=0.0)]


class Section(BaseModel):
    """What all sections share: unknown keys are errors, and nothing changes after it was read.

    A key of the file may differ from the attribute: `cooldown: 5s` is read as `cooldown_s`, in seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
