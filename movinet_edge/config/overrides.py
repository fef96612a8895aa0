"""What stands above the files: `MOVINET_EDGE__…` environment variables, and above these the systemd credentials.

pydantic-settings has sources for both, which turn `STREAMS__0__NAME` into a mapping with the key "0", pass over names
that fit no setting, and forget where a value came from. Here a number is a place in a list, and nothing is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from movinet_edge.config.folders import list_folder
from movinet_edge.config.problems import Problem
from movinet_edge.config.tree import Node, Origin
from movinet_edge.config.yaml_reader import parse_yaml

PREFIX = "MOVINET_EDGE__"
SEPARATOR = "__"


@dataclass(frozen=True, slots=True)
class Override:
    """One value from outside the files and the setting that its name spells."""

    parts: tuple[str, ...]
    node: Node

    @property
    def order(self) -> tuple[tuple[bool, int, str], ...]:
        """Sorts `STREAMS__2` before `STREAMS__10`, and a section before what is in it."""
        return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in self.parts)


def environment_overrides(environ: Mapping[str, str]) -> list[Override]:
    """One override for each `MOVINET_EDGE__…` variable; `[…]` and `{…}` are read as YAML, all else is text."""
    found = []
    for name, text in environ.items():
        if name.upper().startswith(PREFIX):
            origin = Origin(f"environment variable {name}")
            found.append(Override(_parts(name), _environment_value(text, origin)))
    return sorted(found, key=lambda override: override.order)


def credential_overrides(environ: Mapping[str, str]) -> tuple[list[Override], list[Problem]]:
    """One override for each file `movinet_edge__…` in the folder `$CREDENTIALS_DIRECTORY`; its content is text."""
    found: list[Override] = []
    folder = environ.get("CREDENTIALS_DIRECTORY")
    files, problems = list_folder(Path(folder)) if folder else ([], [])
    for file in files:
        if not file.name.upper().startswith(PREFIX):
            continue  # credentials of other programs of the unit
        origin = Origin(f"credential {file.name}", secret=True)
        try:
            # `echo secret > file` and editors end the line; the line's end is no part of the secret.
            text = file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            problems.append(origin.problem((), "is not UTF-8 text"))
        except OSError as error:
            problems.append(origin.problem((), f"cannot be read: {error.strerror}"))
        else:
            found.append(Override(_parts(file.name), Node(origin, text)))
    return sorted(found, key=lambda override: override.order), problems


def apply(override: Override, root: Node) -> Problem | None:
    """Put the value into the tree, making the sections on the way; a name that cannot be followed is a problem."""
    origin, node, path = override.node.origin, root, tuple[str | int, ...]()
    if not all(override.parts):
        return origin.problem((), f"names no setting; write for example {PREFIX}LOG__LEVEL")
    for position, part in enumerate(override.parts):
        if node.value is None:
            node.value = [] if part.isdecimal() else {}
        key = _key(node, part)
        if key is None:
            return origin.problem(path, _dead_end(node, part))
        path = (*path, key)
        if position == len(override.parts) - 1:
            _put(node, key, override.node)
        else:
            child = node.child(key)
            if child is None:
                child = _put(node, key, Node(origin))
            node = child
    return None


def _parts(name: str) -> tuple[str, ...]:
    return tuple(name[len(PREFIX) :].split(SEPARATOR))


def _environment_value(text: str, origin: Origin) -> Node:
    if text.lstrip()[:1] in ("[", "{"):
        tree, problems = parse_yaml(text.encode(errors="replace"), origin.source)
        if not problems:
            return _placed(tree, origin)
    return Node(origin, text)  # a password may begin with a bracket


def _placed(tree: Node, origin: Origin) -> Node:
    if isinstance(tree.value, dict):
        return Node(origin, {key: _placed(child, origin) for key, child in tree.value.items()})
    if isinstance(tree.value, list):
        return Node(origin, [_placed(child, origin) for child in tree.value])
    return Node(origin, tree.value)


def _key(node: Node, part: str) -> str | int | None:
    """The key or list position that a part of a name means in this node; keys are found whatever their case."""
    if isinstance(node.value, dict):
        return next((key for key in node.value if key.casefold() == part.casefold()), part.lower())
    if isinstance(node.value, list) and part.isdecimal() and int(part) <= len(node.value):
        return int(part)
    return None


def _put(node: Node, key: str | int, child: Node) -> Node:
    if isinstance(node.value, dict) and isinstance(key, str):
        node.value[key] = child
    elif isinstance(node.value, list) and isinstance(key, int):
        node.value[key : key + 1] = [child]
    return child


def _dead_end(node: Node, part: str) -> str:
    if not isinstance(node.value, list):
        return f"is a single value, so there is no {part!r} in it"
    if part.isdecimal():
        return f"has no position {part}; the next new one is {len(node.value)}"
    return f"is a list, so a position such as 0 is needed in the name, not {part!r}"
