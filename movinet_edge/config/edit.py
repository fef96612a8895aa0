"""Puts values into the text of a YAML file and leaves everything else, comments and order, as it stands."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import yaml

from movinet_edge.api import ConfigurationError
from movinet_edge.config.problems import KeyPath, format_key_path
from movinet_edge.config.yaml_reader import parse_yaml

Value: TypeAlias = float | int | Mapping[str, str | float]


def with_values(text: str, values: Mapping[KeyPath, Value]) -> str:
    """The text with values put in, where their key stands already or in the mapping that it belongs to.

    Args:
        text: a YAML file that has been found right.
        values: by the path to them, for example `("streams", 0, "actions", "fall", "on")`.

    Raises:
        ConfigurationError: the mapping is not in this text (but in another file), or the change would reach further,
            for example because an alias stands there.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edits: list[tuple[int, int, str]] = []
    added: dict[int, str] = {}
    for path, value in values.items():
        mapping = _find(root, path[:-1])
        if not isinstance(mapping, yaml.MappingNode) or not mapping.value:
            raise ConfigurationError(f"{format_key_path(path[:-1])} is not in this file; {_by_hand({path: value})}")
        there = next((node for key, node in mapping.value if key.value == path[-1]), None)
        if there is not None:
            edits.append((there.start_mark.index, there.end_mark.index, _written(value)))
            continue
        at, addition = _addition(mapping, str(path[-1]), value)
        added[at] = added.get(at, "") + addition
    edits += [(at, at, addition) for at, addition in added.items()]
    changed = text
    for start, end, new in sorted(edits, reverse=True):
        changed = changed[:start] + new + changed[end:]
    if _plain(changed) != _expected(text, values):
        raise ConfigurationError(f"the form of this file does not allow it; {_by_hand(values)}")
    return changed


def _addition(mapping: yaml.MappingNode, key: str, value: Value) -> tuple[int, str]:
    """Where a new key goes, and its text: behind the last in `{…}`, elsewhere on a line of its own before the first."""
    first_key, _ = mapping.value[0]
    if mapping.flow_style:
        _, last_value = mapping.value[-1]
        return last_value.end_mark.index, f", {key}: {_written(value)}"
    # Before the first key, since behind the last there may be comments that belong to it.
    indent = " " * first_key.start_mark.column
    return first_key.start_mark.index, f"{key}: {_written(value)}\n{indent}"


def _written(value: Value) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {json.dumps(part)}" for key, part in value.items()) + "}"
    return f"{value:g}"


def _by_hand(values: Mapping[KeyPath, Value]) -> str:
    wanted = ", ".join(f"{format_key_path(path)}: {_written(value)}" for path, value in values.items())
    return f"put in by hand {wanted}"


def _find(node: yaml.Node | None, path: KeyPath) -> yaml.Node | None:
    for part in path:
        if isinstance(part, int):
            items = node.value if isinstance(node, yaml.SequenceNode) else []
            node = items[part] if part < len(items) else None
        else:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            node = next((value for key, value in pairs if key.value == part), None)
    return node


def _plain(text: str) -> Any:
    root, problems = parse_yaml(text.encode(), "")
    return None if problems else root.plain()


def _expected(text: str, values: Mapping[KeyPath, Value]) -> Any:
    tree = _plain(text)
    for path, value in values.items():
        place = tree
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = dict(value) if isinstance(value, Mapping) else float(f"{value:g}")
    return tree
