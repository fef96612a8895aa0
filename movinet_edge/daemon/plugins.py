"""Finds sources and sinks: entry points of installed packages, and single files in the user's own folders."""

import importlib.util
import os
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from movinet_edge.api import SINK_GROUP, SOURCE_GROUP, ConfigurationError

Kind: TypeAlias = Literal["source", "sink"]

_GROUPS: dict[Kind, str] = {"source": SOURCE_GROUP, "sink": SINK_GROUP}
_METHODS: dict[Kind, tuple[str, ...]] = {"source": ("frames", "close"), "sink": ("open", "deliver", "close")}
_TABLES: dict[Kind, str] = {"source": "SOURCES", "sink": "SINKS"}
_OWN = "movinet-edge"


class PluginUnknown(ConfigurationError):
    """No plugin of that kind has that name."""


class PluginBroken(ConfigurationError):
    """The plugin is there but cannot be used."""


@dataclass(slots=True)
class Plugin:
    """One plugin that was found. It is loaded when somebody asks for its class."""

    kind: Kind
    name: str
    origin: str
    load: Callable[[], Any]
    _class: Any = field(default=None, repr=False)

    def plugin_class(self) -> Any:
        """The class.

        Raises:
            PluginBroken: it cannot be imported, or it is not a source or a sink.
        """
        if self._class is None:
            try:
                loaded = self.load()
            except PluginBroken:
                raise
            except (Exception, SystemExit) as error:
                raise PluginBroken(f"{self} cannot be loaded: {type(error).__name__}: {error}") from error
            self._check(loaded)
            self._class = loaded
        return self._class

    def problem(self) -> str | None:
        """Why it cannot be used, or None."""
        try:
            self.plugin_class()
        except PluginBroken as error:
            return str(error)
        return None

    def _check(self, loaded: Any) -> None:
        settings = getattr(loaded, "Settings", None)
        if not isinstance(loaded, type):
            raise PluginBroken(f"{self} is not a class but {type(loaded).__name__}")
        if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
            raise PluginBroken(f"{self} has no `Settings`, a pydantic model")
        missing = [name for name in _METHODS[self.kind] if not callable(getattr(loaded, name, None))]
        if missing:
            raise PluginBroken(f"{self} lacks the method(s) {', '.join(missing)}")

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of {self.origin}"


@dataclass(slots=True)
class Plugins:
    """All plugins by kind and name, and what was found but refused (with the reason)."""

    found: dict[tuple[Kind, str], Plugin]
    refused: list[tuple[str, str]]

    def find(self, kind: Kind, name: str) -> Plugin:
        """The plugin.

        Raises:
            PluginUnknown: there is none; the text names the nearest, or what there is.
        """
        if (kind, name) in self.found:
            return self.found[kind, name]
        names = sorted(n for k, n in self.found if k == kind)
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        # What the user meant may be in a file that was refused.
        refused = "".join(f"; refused: {origin} ({reason})" for origin, reason in self.refused)
        raise PluginUnknown(f"no {kind} plugin is called {name!r}; {hint}{refused}")


def discover_plugins(folders: Iterable[Path] = ()) -> Plugins:
    """Find everything; nothing is imported but the files in `folders`."""
    plugins = Plugins({}, [])
    for kind, group in _GROUPS.items():
        # Our own first: a plugin from elsewhere can add to them, not silently take their place.
        for entry in sorted(set(entry_points(group=group)), key=lambda e: (_origin(e) != _OWN, e.name, e.value)):
            _add(plugins, Plugin(kind, entry.name, _origin(entry), entry.load))
    for folder in folders:
        _add_folder(plugins, folder)
    return plugins


def _origin(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


def _add(plugins: Plugins, plugin: Plugin) -> None:
    taken = plugins.found.get((plugin.kind, plugin.name))
    if taken is None:
        plugins.found[plugin.kind, plugin.name] = plugin
    elif taken.origin != plugin.origin:
        plugins.refused.append((str(plugin), f"{taken.origin} has a {plugin.kind} of that name already"))


def _add_folder(plugins: Plugins, folder: Path) -> None:
    try:
        _refuse_writable(folder)
        files = sorted(file for file in folder.iterdir() if file.suffix == ".py")
    except OSError as error:
        plugins.refused.append((str(folder), f"cannot be read: {error.strerror}"))
        return
    except PluginBroken as error:
        plugins.refused.append((str(folder), str(error)))
        return
    for file in files:
        try:
            _refuse_writable(file)
            module = _import(file)
        except PluginBroken as error:
            plugins.refused.append((str(file), str(error)))
            continue
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's file may raise anything
            plugins.refused.append((str(file), f"{type(error).__name__}: {error}"))
            continue
        _add_tables(plugins, file, module)


def _add_tables(plugins: Plugins, file: Path, module: Any) -> None:
    tables = {kind: getattr(module, table) for kind, table in _TABLES.items() if hasattr(module, table)}
    if not tables or not all(isinstance(table, dict) for table in tables.values()):
        plugins.refused.append(
            (str(file), "names no plugin; end the file with SOURCES = {'name': Class} or SINKS = {'name': Class}")
        )
        return
    for kind, table in tables.items():
        for name, loaded in table.items():
            _add(plugins, Plugin(kind, str(name), str(file), partial(_already, loaded)))


def _already(loaded: Any) -> Any:
    return loaded


def _refuse_writable(path: Path) -> None:
    status = path.stat()
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PluginBroken(f"group or others can write it, so anybody's code could run; chmod go-w {path}")
    if status.st_uid not in (0, os.getuid()):
        raise PluginBroken("it belongs to another user, so that user's code would run")


def _import(file: Path) -> Any:
    name = f"movinet_edge_drop_in_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginBroken("it cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks annotations up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
