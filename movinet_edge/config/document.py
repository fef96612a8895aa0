"""The raw configuration: the file, the fragments beside it and the overrides, in one tree that knows its origins."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from movinet_edge.config.folders import list_folder
from movinet_edge.config.overrides import apply, credential_overrides, environment_overrides
from movinet_edge.config.problems import ConfigurationProblems, KeyPath, Problem
from movinet_edge.config.tree import Node, Origin, merged
from movinet_edge.config.yaml_reader import MAX_BYTES, parse_yaml

FRAGMENTS = "conf.d"
"""The folder beside the configuration file; its `*.yaml` files are read after it, in the order of their names."""

_SECRET_KEY = re.compile(r"password|passwd|passphrase|secret|token|api_?key|credential", re.IGNORECASE)
_USER_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]*@")
# Shorter secrets are hidden where they stand, but not looked for in other texts, of which they would leave little.
_SHORTEST_SOUGHT = 4

HIDDEN = "***"


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """What was read, before it is known to make sense.

    Attributes:
        file: the configuration file as it was named.
        root: the merged tree.
        environ: the environment it was read with.
    """

    file: Path
    root: Node
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The configuration file's folder, absolute; relative paths begin here."""
        return self.file.absolute().parent

    @property
    def tree(self) -> dict[str, Any]:
        """The merged tree in dicts, lists and scalars."""
        plain = self.root.plain()
        return plain if isinstance(plain, dict) else {}

    def node(self, path: KeyPath) -> Node | None:
        """The node at a path, if there is one."""
        node: Node | None = self.root
        for key in path:
            node = node.child(key) if node else None
        return node

    def origin(self, path: KeyPath) -> Origin:
        """Where the value at a path was written; for what is not there, where the nearest section around it was."""
        node = self.root
        for key in path:
            child = node.child(key)
            if child is None:
                break
            node = child
        return node.origin

    def locate(self, path: KeyPath) -> tuple[str | None, int | None, int | None]:
        """File, line and column of a key; for an override its name in words, without line and column."""
        origin = self.origin(path)
        return origin.source, origin.line, origin.column

    def is_secret(self, path: KeyPath) -> bool:
        """True when the value at a path is not to be shown to anyone."""
        named = any(isinstance(key, str) and _SECRET_KEY.search(key) for key in path)
        return named or self.origin(path).secret

    def redact(self, text: str, path: KeyPath = ()) -> str:
        """The text without the secrets of this document, and without user names and passwords in addresses."""
        for secret_path, node in self.root.scalars():
            secret = "" if node.value is None else str(node.value)
            own = secret_path[: len(path)] == path and bool(path)
            if (len(secret) >= _SHORTEST_SOUGHT or (own and secret)) and self.is_secret(secret_path):
                for written in {secret, repr(secret)[1:-1]}:
                    text = text.replace(written, HIDDEN)
        return _USER_IN_ADDRESS.sub(f"{HIDDEN}@", text)


def read_document(file: Path, *, environ: Mapping[str, str] = os.environ) -> Document:
    """Read a configuration file, the fragments in `conf.d` beside it, the environment and the credentials.

    Later ones stand above earlier ones: mappings merge key by key, lists of two files append (a fragment adds streams
    and sinks), and an override replaces exactly the value that its name spells.

    Raises:
        ConfigurationProblems: something cannot be read or is not YAML; all such problems at once.
    """
    root, problems = _read_file(file)
    fragments, more = list_folder(file.parent / FRAGMENTS)
    problems += more
    for fragment in fragments:
        if fragment.suffix == ".yaml" and not fragment.name.startswith("."):
            tree, more = _read_file(fragment)
            problems += more
            root = merged(root, tree)
    credentials, more = credential_overrides(environ)
    problems += more
    for override in [*environment_overrides(environ), *credentials]:
        problem = apply(override, root)
        if problem:
            problems.append(problem)
    if problems:
        raise ConfigurationProblems(problems)
    return Document(file, root, environ)


def read_single(file: Path) -> Document:
    """Read one YAML file and nothing else.

    Raises:
        ConfigurationProblems: it cannot be read or is not YAML.
    """
    root, problems = _read_file(file)
    if problems:
        raise ConfigurationProblems(problems)
    return Document(file, root)


def _read_file(file: Path) -> tuple[Node, list[Problem]]:
    top = Origin(str(file))
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        reason = "there is no such file"
    except IsADirectoryError:
        reason = "is a folder; name the YAML file in it"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    else:
        tree, problems = parse_yaml(data, str(file))
        if not problems and not isinstance(tree.value, dict | None):
            problems.append(top.problem((), "must hold keys with values (key: value) at its top level"))
        return Node(top, tree.value if isinstance(tree.value, dict) else {}), problems
    return Node(top, {}), [top.problem((), reason)]
