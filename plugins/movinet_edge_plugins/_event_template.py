"""Texts with the fields of an event in braces, such as `{action} at {stream} ({score:.0%})`, and nothing more.

A field is a name and at most a simple format; nothing in it is looked up, called or evaluated.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, get_args

from movinet_edge.api import ActionEvent, ModelInfo

_Kind: TypeAlias = Literal["number", "time", "text"]

# In JSON a brace is followed by white space, a quote or its closing brace, so that JSON can be written as it is.
_FIELD = re.compile(r"\{(?![\s\"}])([^{}]*)(\}?)")

# No widths: they add nothing to a message, and a slip there can fill the memory.
_FORMATS: dict[_Kind, tuple[re.Pattern[str], str]] = {
    "number": (re.compile(r"(?:\.\d)?[efg%]"), "for example .2f or .0%"),
    "time": (re.compile(r"(?:%[aAbBdfHIjmMpSyYzZ]|[^%])+"), "for example %H:%M:%S or %d.%m.%Y"),
    "text": (re.compile(r"(?!)"), ""),
}


def _kind(annotation: Any) -> _Kind:
    types = {annotation, *get_args(annotation)}
    return "time" if datetime in types else "number" if types & {int, float} else "text"


_KINDS: dict[str, _Kind] = {
    field.alias or name: _kind(field.annotation) for name, field in ActionEvent.model_fields.items()
}
_ATTRIBUTES: dict[str, str] = {field.alias or name: name for name, field in ActionEvent.model_fields.items()}


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    format: str
    place: Literal["text", "json string", "json value"]

    def filled(self, event: ActionEvent) -> str:
        value = getattr(event, _ATTRIBUTES[self.name])
        if self.place == "json value" and not (self.format and value is not None):
            return json.dumps(event.model_dump(mode="json", by_alias=True)[self.name], ensure_ascii=False)
        text = _as_text(value, self.format)
        if self.place == "text" or (self.place == "json value" and _KINDS[self.name] == "number"):
            return text
        quoted = json.dumps(text, ensure_ascii=False)
        return quoted if self.place == "json value" else quoted[1:-1]


class EventTemplate:
    """A text to fill in with events.

    With `is_json` it is JSON afterwards, whatever the event says: within quotes a field is escaped, elsewhere it is a
    JSON value (a number, a list, `null`…).
    """

    __slots__ = ("_pieces",)

    def __init__(self, text: str, *, is_json: bool = False) -> None:
        """Raises ValueError for an unknown field, a wrong format, a stray brace, or what cannot become JSON."""
        self._pieces = tuple(_pieces(text, is_json=is_json))
        if is_json:
            stand_ins = {"json string": "x", "json value": "0"}
            sample = "".join(p if isinstance(p, str) else stand_ins[p.place] for p in self._pieces)
            try:
                json.loads(sample)
            except ValueError as error:
                what = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)
                raise ValueError(f"is not JSON once the fields are filled in: {what}") from None

    def fill(self, event: ActionEvent) -> str:
        """The text for this event."""
        return "".join(piece if isinstance(piece, str) else piece.filled(event) for piece in self._pieces)


def _pieces(text: str, *, is_json: bool) -> Iterator[str | _Field]:
    position, in_string = 0, False
    for match in _FIELD.finditer(text):
        literal = text[position : match.start()]
        position = match.end()
        in_string = _ends_in_string(literal, in_string)
        yield literal
        content, closing = match.groups()
        if not closing:
            raise ValueError(
                "has a { that begins no field; write a field as {action} or {score:.2f}, and other braces as in JSON"
            )
        name, _, spec = content.partition(":")
        field = _Field(name, spec, "text" if not is_json else "json string" if in_string else "json value")
        _check(field)
        yield field
    yield text[position:]


def _ends_in_string(literal: str, in_string: bool) -> bool:
    escaped = False
    for character in literal:
        if character == '"' and not escaped:
            in_string = not in_string
        escaped = character == "\\" and not escaped
    return in_string


def _check(field: _Field) -> None:
    shown = f"{{{field.name}}}"
    if field.name not in _KINDS:
        near = get_close_matches(field.name, _KINDS, n=1)
        hint = f"did you mean {{{near[0]}}}?" if near else f"there are: {', '.join(_KINDS)}"
        raise ValueError(f"{shown} is no field of an event; {hint}")
    if not field.format:
        return
    allowed, example = _FORMATS[_KINDS[field.name]]
    if not example:
        raise ValueError(f"{shown} is text and takes no format, so leave {':' + field.format!r} out")
    if not allowed.fullmatch(field.format):
        raise ValueError(f"{field.format!r} is no format for {shown}; write {example}")
    if field.place == "json value" and field.format.endswith("%") and _KINDS[field.name] == "number":
        raise ValueError(f"{shown} with a percent sign is no JSON number; put it in quotes")


def _as_text(value: Any, spec: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            # A format is for people, who think in their own time; without one it is the time of the event's JSON.
            return value.astimezone().strftime(spec) if spec else value.isoformat().replace("+00:00", "Z")
        case tuple():
            return ", ".join(value)
        case ModelInfo():
            return value.name
        case _:
            return format(value, spec)
