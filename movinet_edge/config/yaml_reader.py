"""YAML text → a tree with line numbers, by the rules of YAML 1.2: `on`, `off`, `yes` and `1:30` are plain text."""

import re
from collections.abc import Callable
from typing import Any

import yaml

from movinet_edge.config.problems import Problem
from movinet_edge.config.tree import Node, Origin, Scalar

# A hundred streams with comments are far below this; the parser needs seconds for a file ten times as large.
MAX_BYTES = 256 * 1024
# Counted with aliases expanded, so that a few lines of nested aliases cannot fill the memory.
MAX_VALUES = 20_000
# The settings tree is eight levels deep; a plugin's own settings may add some.
MAX_DEPTH = 32

_CORE_SCHEMA: list[tuple[str, str, str]] = [
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
]
"""Tag, pattern and possible first characters. Source: YAML 1.2.2, section 10.3.2."""

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """PyYAML's parser without the YAML 1.1 ideas of what a plain word means."""


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in _CORE_SCHEMA:
    # The first characters of the table with "\0" for no character at all, which PyYAML writes as "".
    _characters = [character.strip("\0") for character in _first]
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _characters)


def _to_int(text: str) -> int:
    if text.startswith(("0o", "0x")):
        return int(text, 0)
    return int(text, 10)


def _to_float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Callable[[str], Scalar]] = {
    _TAG + "str": str,
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _to_int,
    _TAG + "float": _to_float,
}


class _Converter:
    """Turns the parser's nodes into ours and notes what is wrong on the way."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._values = 0
        self.problems: list[Problem] = []

    def convert(self, node: yaml.Node, origin: Origin, depth: int = 0) -> Node:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _TooMuchError(origin, f"more than {MAX_VALUES} values once its aliases (*name) are written out")
        if depth > MAX_DEPTH:
            raise _TooMuchError(origin, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return Node(origin, self._mapping(node, depth))
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return Node(origin, [self.convert(item, self._origin(item), depth + 1) for item in node.value])
        return Node(origin, self._scalar(node))

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for key_node, value_node in node.value:
            origin = self._origin(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(origin, "a list or a mapping cannot be a key")
                continue
            key = str(key_node.value)
            if key == "<<":
                self._note(origin, "merge keys (<<) are not supported; give the whole value an alias (key: *name)")
            elif key in entries:
                self._note(origin, f"the key {key!r} is already in line {entries[key].origin.line}; keep one of them")
            else:
                entries[key] = self.convert(value_node, origin, depth + 1)
        return entries

    def _scalar(self, node: yaml.Node) -> Scalar:
        read = _SCALARS.get(node.tag) if isinstance(node, yaml.ScalarNode) else None
        if read is None:
            self._note(
                self._origin(node), f"the tag {node.tag.replace(_TAG, '!!')} is not supported here; leave it out"
            )
            return None
        try:
            return read(node.value)
        except ValueError:
            self._note(self._origin(node), f"the value cannot be read as {node.tag.removeprefix(_TAG)}")
            return None

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._source, node.start_mark.line + 1, node.start_mark.column + 1)

    def _note(self, origin: Origin, reason: str) -> None:
        self.problems.append(origin.problem((), reason))


class _TooMuchError(Exception):
    def __init__(self, origin: Origin, reason: str) -> None:
        super().__init__(reason)
        self.origin = origin


def parse_yaml(data: bytes, source: str) -> tuple[Node, list[Problem]]:
    """The tree of one YAML document (a null for an empty one) and everything that is wrong with its form.

    Aliases are written out. Keys are text, whatever they look like. `source` is the file's name for error messages.
    """
    top = Origin(source)
    if len(data) > MAX_BYTES:
        return Node(top), [top.problem((), f"is larger than {MAX_BYTES // 1024} KiB; this is no configuration file")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Node(top), [Origin(source, line).problem((), "is not UTF-8 text; save the file with UTF-8 encoding")]
    converter = _Converter(source)
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
        tree = Node(top) if root is None else converter.convert(root, top)
    except yaml.YAMLError as error:
        return Node(top), [_syntax_problem(error, text, source)]
    except _TooMuchError as error:
        return Node(top), [error.origin.problem((), str(error))]
    except RecursionError:
        return Node(top), [top.problem((), f"nested more than {MAX_DEPTH} levels deep")]
    return tree, converter.problems


def _syntax_problem(error: yaml.YAMLError, text: str, source: str) -> Problem:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Origin(source, line).problem((), f"holds a character that YAML does not allow (U+{error.character:04X})")
    details: Any = error
    mark = details.problem_mark or details.context_mark
    origin = Origin(source, mark.line + 1, mark.column + 1)
    reason = str(details.problem or details.context)
    if "'\\t'" in reason:
        return origin.problem((), "a tab is used for indentation; YAML wants spaces")
    if reason.startswith("but found another document"):
        return origin.problem((), "a second document (---) begins here; one file holds one configuration")
    context = f" ({details.context})" if details.context else ""
    return origin.problem((), f"is not valid YAML: {reason}{context}")
