"""A tree of settings in which every value knows where it was written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from movinet_edge.config.problems import KeyPath, Problem, format_key_path

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written.

    Attributes:
        source: a file's name, or in words an environment variable or a credential.
        line, column: counted from 1; None where there are no lines.
        secret: the value came from the credentials folder and must not be shown.
    """

    source: str
    line: int | None = None
    column: int | None = None
    secret: bool = False

    def problem(self, path: KeyPath, reason: str, suggestion: str | None = None) -> Problem:
        """A problem at this place."""
        return Problem(self.source, self.line, self.column, format_key_path(path), reason, suggestion)


@dataclass(slots=True, repr=False)
class Node:
    """A mapping, a list or a scalar, and the place of its key (of itself, in a list). No repr: it may hold secrets."""

    origin: Origin
    value: "dict[str, Node] | list[Node] | Scalar" = field(default=None)

    def plain(self) -> Any:
        """The same tree in dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, key: str | int) -> "Node | None":
        """The node under a key or at a list position, if there is one."""
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None

    def scalars(self, path: KeyPath = ()) -> "Iterator[tuple[KeyPath, Node]]":
        """Every scalar with the path to it."""
        if isinstance(self.value, dict):
            for key, child in self.value.items():
                yield from child.scalars((*path, key))
        elif isinstance(self.value, list):
            for index, child in enumerate(self.value):
                yield from child.scalars((*path, index))
        else:
            yield path, self


def merged(first: Node, second: Node) -> Node:
    """Both trees in one: mappings merge key by key, lists append, of two other values the second stands.

    A key without a value (`sinks:`) takes nothing away from what the other tree says.
    """
    if second.value is None:
        return first
    if isinstance(first.value, dict) and isinstance(second.value, dict):
        entries = dict(first.value)
        for key, child in second.value.items():
            entries[key] = merged(entries[key], child) if key in entries else child
        return Node(first.origin, entries)
    if isinstance(first.value, list) and isinstance(second.value, list):
        return Node(first.origin, [*first.value, *second.value])
    return second
