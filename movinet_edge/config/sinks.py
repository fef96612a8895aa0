"""A sink: where events go, and which of them it wants."""

import fnmatch
from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from movinet_edge.api import EventType
from movinet_edge.config.document import Document
from movinet_edge.config.problems import KeyPath, Problem, nearest
from movinet_edge.config.section import Fraction, Name, Section, Text, without_default
from movinet_edge.config.streams import PluginSection

_EVERYTHING = ("*",)


class Only(Section):
    """Which events a sink gets; one that fits all four keys is wanted."""

    streams: tuple[Text, ...] = Field(
        default=_EVERYTHING, min_length=1, description="names of streams, or patterns such as 'garden-*'"
    )
    actions: tuple[Text, ...] = Field(
        default=_EVERYTHING, min_length=1, description="names of actions, or patterns such as 'playing *'"
    )
    event_types: tuple[EventType, ...] = Field(
        default=tuple(EventType), min_length=1, description="of start, update and stop"
    )
    min_score: Fraction = Field(
        default=0.0,
        description="score that an occurrence has to have at its start; its updates and its stop follow its start",
    )


class SinkSection(PluginSection):
    """Where events go; further keys belong to the plugin."""

    name: Name = Field(
        default=None,  # filled in below
        validate_default=True,
        description="unique; the place in the outbox is kept under it; by default the type",
        json_schema_extra=without_default,
    )
    only: Only = Field(default=Only(), description="the events that this sink gets, when it does not want all of them")

    @field_validator("name", mode="before")
    @classmethod
    def _named_after_type(cls, name: Any, info: ValidationInfo) -> Any:
        return info.data.get("type", "unnamed") if name is None else name


def vain_filters(document: Document) -> Iterator[Problem]:
    """Patterns under a sink's `only` that fit no stream or no action there is, so that the sink would wait in vain.

    Checked on the raw tree, so that they are found together with the errors that keep the sections from being built.
    Where that is not whole enough to know the names, nothing is said: what is wrong there is told anyway.
    """
    actions_by_stream = _actions_by_stream(document.tree.get("streams"))
    sinks = document.tree.get("sinks")
    for index, sink in enumerate(sinks if isinstance(sinks, list) else ()):
        only = sink.get("only") if isinstance(sink, dict) else None
        if actions_by_stream is None or not isinstance(only, dict):
            continue
        path: KeyPath = ("sinks", index, "only")
        patterns = _texts(only.get("streams", _EVERYTHING))
        yield from _unmatched(document, (*path, "streams"), patterns, actions_by_stream, "stream")
        reached = {name: known for name, known in actions_by_stream.items() if any(_fits(name, p) for p in patterns)}
        if reached and None not in reached.values():
            actions = {action for known in reached.values() for action in known or ()}
            yield from _unmatched(document, (*path, "actions"), _texts(only.get("actions")), actions, "action")


def _fits(name: str, pattern: str) -> bool:
    """True when the pattern is the name itself, which may hold brackets, or a glob for it."""
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _actions_by_stream(streams: Any) -> dict[str, set[str] | None] | None:
    """By name each stream's actions, None for those that only the model knows; None when a name is not known."""
    found: dict[str, set[str] | None] = {}
    for stream in streams if isinstance(streams, list) else ():
        if not isinstance(stream, dict) or not isinstance(stream.get("name"), str):
            return None
        actions = stream.get("actions")
        found[stream["name"]] = {str(action) for action in actions} if actions and isinstance(actions, dict) else None
    return found or None


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def _unmatched(
    document: Document, path: KeyPath, patterns: list[str], names: dict[str, Any] | set[str], what: str
) -> Iterator[Problem]:
    for index, pattern in enumerate(patterns):
        if not any(_fits(name, pattern) for name in names):
            place = (*path, index)
            suggestion = nearest(pattern, names)
            known = "" if suggestion else f"; there are: {', '.join(sorted(names))}"
            yield document.origin(place).problem(place, f"{pattern!r} fits no {what}{known}", suggestion)
