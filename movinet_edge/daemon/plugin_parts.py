"""Turns a configuration's sources and sinks into plugins ready to be made, with every error at its place."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from movinet_edge.api import ConfigurationError
from movinet_edge.config import Document, KeyPath, Problem, SinkSection, SourceSection, format_key_path, problems_from
from movinet_edge.daemon.plugins import Kind, Plugins


class PluginParts:
    """Validates plugin settings against a document and collects what is wrong."""

    def __init__(self, document: Document, plugins: Plugins) -> None:
        self.document, self.plugins = document, plugins
        self.problems: list[Problem] = []

    def maker(self, kind: Kind, name: str, options: dict[str, Any], path: KeyPath) -> Callable[[], Any] | None:
        """What makes the plugin `name` with these settings; None, and problems, when it cannot be made."""
        try:
            plugin = self.plugins.find(kind, name).plugin_class()
        except ConfigurationError as error:
            self.add_problem((*path, "type"), str(error))
            return None
        try:
            settings = plugin.Settings.model_validate(options)
        except ValidationError as error:
            self.problems += problems_from(error, self.document, path, model=plugin.Settings)
            return None
        except Exception as error:  # noqa: BLE001  # a plugin's own validators may raise anything
            self.add_problem(path, f"the plugin cannot judge its settings: {type(error).__name__}: {error}")
            return None
        settings = resolve_paths(settings, self.document.folder)
        return lambda: plugin(settings)

    def check_raw(self) -> None:
        """Validate every source and sink of a document that is wrong elsewhere, so that all errors come at once."""
        for kind, path, section in _raw_sections(self.document.tree):
            if isinstance(section, dict) and isinstance(name := section.get("type"), str):
                own = set((SourceSection if kind == "source" else SinkSection).model_fields)
                self.maker(kind, name, {key: value for key, value in section.items() if key not in own}, path)

    def add_problem(self, path: KeyPath, reason: str) -> None:
        """Note what is wrong at a place in the document."""
        where = self.document.locate(path)
        self.problems.append(Problem(*where, format_key_path(path), self.document.redact(reason, path)))


def raw_plugin_dirs(document: Document) -> list[Path]:
    """The plugin folders of a document that is wrong elsewhere, so that their plugins are not called unknown."""
    folders = document.tree.get("plugin_dirs")
    named = [folder for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []
    return [_whole(Path(folder), document.folder) for folder in named]


def _raw_sections(tree: dict[str, Any]) -> Iterator[tuple[Kind, KeyPath, Any]]:
    streams, sinks = tree.get("streams"), tree.get("sinks")
    for index, stream in enumerate(streams if isinstance(streams, list) else []):
        if isinstance(stream, dict):
            yield "source", ("streams", index, "source"), stream.get("source")
    for index, sink in enumerate(sinks if isinstance(sinks, list) else []):
        yield "sink", ("sinks", index), sink


def resolve_paths(settings: BaseModel, folder: Path) -> BaseModel:
    """The same settings with relative paths made absolute from `folder`, one level deep and in lists."""
    changed: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            changed[name] = _whole(value, folder)
        elif isinstance(value, list | tuple) and any(isinstance(item, Path) for item in value):
            changed[name] = type(value)(_whole(v, folder) if isinstance(v, Path) else v for v in value)
    return settings.model_copy(update=changed)


def _whole(path: Path, folder: Path) -> Path:
    return folder / os.path.expanduser(path)  # noqa: PTH111 the method of Path raises for a user that does not exist
