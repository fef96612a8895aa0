"""What pydantic found wrong, in words for the person who wrote the file."""

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from movinet_edge.config.document import HIDDEN, Document
from movinet_edge.config.known_keys import known_keys
from movinet_edge.config.problems import KeyPath, Problem, nearest
from movinet_edge.config.tree import Node

_QUOTED = re.compile(r"'([^']*)'")
# Enough to recognise a value by.
_LONGEST_SHOWN = 60

_EXPECTED: dict[str, str] = {
    "string_type": "text (put it in quotes)",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "path_type": "a path",
    "list_type": "a list such as [one, two]",
    "tuple_type": "a list such as [one, two]",
    "dict_type": "a section of keys (key: value)",
    "model_type": "a section of keys (key: value)",
    "model_attributes_type": "a section of keys (key: value)",
}
"""By pydantic's type of error: what would have been right."""

_LIMITS: dict[str, tuple[str, str]] = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}

_CHOICE_ERRORS = ("literal_error", "enum", "union_tag_invalid")
_TAG_ERRORS = ("union_tag_invalid", "union_tag_not_found")


def problems_from(
    error: ValidationError,
    document: Document,
    prefix: KeyPath = (),
    *,
    model: type[BaseModel] | None = None,
) -> list[Problem]:
    """Everything that pydantic found, each with its place in the document.

    Args:
        error: from validating the part of the document at `prefix`.
        document: where the values came from.
        prefix: path of that part, for example `("streams", 0, "source")`.
        model: the model it was validated with; an unknown key is then answered with the nearest valid one.
    """
    found: dict[KeyPath, Problem] = {}
    for detail in error.errors(include_url=False):
        path = _document_path(detail, document, prefix)
        if detail["type"] == "too_short" and _is_long_enough(detail, document.node(path)):
            continue
        if detail["type"] == "extra_forbidden":
            reason, suggestion = _unknown_key(path, document, prefix, model)
        else:
            reason, suggestion = _explain(detail, hidden=document.is_secret(path))
        reason = document.redact(reason, path)
        if path in found and reason not in found[path].reason:
            # A value that fits none of several types is one problem and not one for each type.
            reason = f"{found[path].reason}; or: {reason}"
        found[path] = document.origin(path).problem(path, reason, suggestion)
    return list(found.values())


def _document_path(detail: ErrorDetails, document: Document, prefix: KeyPath) -> KeyPath:
    """pydantic's location without what is not in the document, such as the tag of the alternative that was chosen."""
    path, node = prefix, document.node(prefix)
    for step in detail["loc"]:
        child = node.child(step) if node else None
        if child is not None:
            path, node = (*path, step), child
    if detail["type"] == "missing" and path[-1:] != detail["loc"][-1:]:  # the same: an empty key counted as unwritten
        return (*path, detail["loc"][-1])
    if detail["type"] in _TAG_ERRORS:
        return (*path, detail["ctx"]["discriminator"].strip("'"))
    return path


def _is_long_enough(detail: ErrorDetails, node: Node | None) -> bool:
    """True when a list is only called too short because pydantic did not count the entries that have errors."""
    return node is not None and isinstance(node.value, list) and len(node.value) >= detail["ctx"]["min_length"]


def _unknown_key(
    path: KeyPath, document: Document, prefix: KeyPath, model: type[BaseModel] | None
) -> tuple[str, str | None]:
    if model is None:
        return "unknown key", None
    start, section = document.node(prefix), document.node(path[:-1])
    keys = known_keys(model, start.plain() if start else None, path[len(prefix) : -1])
    unused = {key for key in keys if not (section and section.child(key))}
    suggestion = nearest(str(path[-1]), unused)
    if suggestion is None and keys:
        return f"unknown key; known here: {', '.join(sorted(keys))}", None
    return "unknown key", suggestion


def _explain(detail: ErrorDetails, *, hidden: bool) -> tuple[str, str | None]:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _CHOICE_ERRORS:
        return _wrong_choice(context.get("tag", detail["input"]), context, hidden=hidden)
    shown = HIDDEN if hidden else _shown(detail["input"])
    if kind in _EXPECTED:
        reason = f"{shown} is not {_EXPECTED[kind]}"
    elif kind in _LIMITS:
        words, key = _LIMITS[kind]
        reason = f"{shown} is not {words} {context[key]:g}"
    elif kind in ("missing", "union_tag_not_found"):
        reason = "is missing"
    elif kind == "string_too_short" and context["min_length"] == 1:
        reason = "is empty"
    elif kind == "too_short":
        reason = f"has too few entries; at least {context['min_length']} needed"
    elif kind in ("value_error", "assertion_error"):
        reason = str(context["error"])
    else:
        reason = detail["msg"][:1].lower() + detail["msg"][1:]
    return reason, None


def _wrong_choice(given: Any, context: dict[str, Any], *, hidden: bool) -> tuple[str, str | None]:
    choices = str(context.get("expected") or context.get("expected_tags"))
    if hidden:
        return f"{HIDDEN} is not one of {choices}", None
    return f"{_shown(given)} is not one of {choices}", nearest(str(given), _QUOTED.findall(choices))


def _shown(value: Any) -> str:
    """The value as a person would write it, short."""
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a section"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
