"""From a configuration to the parts of a daemon, with everything that is wrong in it told at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from movinet_edge.actions import UnknownLabel
from movinet_edge.api import ConfigurationError, ModelError, Sink
from movinet_edge.config import (
    Configuration,
    ConfigurationProblems,
    Document,
    PluginSection,
    Problem,
    StreamSettings,
    format_key_path,
    problems_from,
    validate,
)
from movinet_edge.daemon.pipeline import OnScores
from movinet_edge.daemon.plugins import Kind, Plugins, discover_plugins
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.daemon.supervisor import StreamParts
from movinet_edge.engine import Model
from movinet_edge.library import Progress, load
from movinet_edge.models import DownloadError, ModelStore


@dataclass(frozen=True, slots=True)
class Assembly:
    """A configuration that works, with what it names loaded."""

    configuration: Configuration
    streams: Mapping[str, StreamParts]
    sinks: Mapping[str, Callable[[], Sink]]
    plugins: Plugins

    @property
    def outbox_path(self) -> Path:
        """Where the events are kept."""
        return self.configuration.state_dir / "outbox.db"


def assemble(
    document: Document,
    *,
    pull: bool = True,
    store: ModelStore | None = None,
    progress: Progress | None = None,
    on_scores: OnScores | None = None,
) -> Assembly:
    """Validate the document, its plugins' settings, its models and its labels, and build the parts.

    Raises:
        ConfigurationProblems: everything that is wrong, each with file, line and key.
        DownloadError: the configuration may be right, but a model could not be fetched now.
    """
    configuration, problems = validate(document)
    if configuration is None:
        raise ConfigurationProblems(problems)
    maker = _Maker(document, configuration, problems)

    def load_one(name: str, labels: str | None) -> Model:
        return load(
            name,
            labels=labels,
            runtime=configuration.runtime,
            threads=configuration.threads,
            pull=pull,
            store=store,
            progress=progress,
        )

    models = maker.models(load_one)
    streams = maker.streams(models, on_scores)
    sinks = maker.sinks()
    if maker.problems:
        raise ConfigurationProblems(maker.problems)
    return Assembly(configuration, streams, sinks, maker.plugins)


class _Maker:
    """Collects problems while it builds."""

    def __init__(self, document: Document, configuration: Configuration, problems: list[Problem]) -> None:
        self.document, self.configuration, self.problems = document, configuration, problems
        self.plugins = discover_plugins(configuration.plugin_dirs)
        refused = dict(self.plugins.refused)
        for index, folder in enumerate(configuration.plugin_dirs):
            if str(folder) in refused:
                self._problem(("plugin_dirs", index), f"{folder}: {refused[str(folder)]}")

    def models(self, load_one: Callable[[str, str | None], Model]) -> dict[tuple[str, str | None], Model]:
        """Every model that a stream names, loaded once."""
        models: dict[tuple[str, str | None], Model] = {}
        failed = set()
        for index, stream in enumerate(self.configuration.streams):
            wanted = self.configuration.model_for(stream)
            if wanted in models or wanted in failed:
                continue
            try:
                models[wanted] = load_one(*wanted)
            except DownloadError:
                raise
            except ModelError as error:
                failed.add(wanted)
                self._problem(("streams", index, "model") if stream.model else ("model",), str(error))
        return models

    def streams(
        self, models: Mapping[tuple[str, str | None], Model], on_scores: OnScores | None
    ) -> dict[str, StreamParts]:
        streams = {}
        for index, stream in enumerate(self.configuration.streams):
            make_source = self._plugin("source", stream.source, ("streams", index, "source"))
            model = models.get(self.configuration.model_for(stream))
            watch = self._watch(index, stream, model) if model else None
            if make_source and model and watch:
                pipeline = build_pipeline(stream.name, stream, model, watch, on_scores=on_scores)
                streams[stream.name] = StreamParts(pipeline, make_source)
        return streams

    def _watch(self, index: int, stream: StreamSettings, model: Model) -> Any:
        found = None
        for name, action in stream.actions.items():
            try:
                watch_list({name: action}, None, model.labels)
            except UnknownLabel as error:
                position = action.labels.index(error.pattern) if error.pattern in action.labels else 0
                self._problem(("streams", index, "actions", name, "labels", position), str(error))
                found = error
        return None if found else watch_list(stream.actions, stream.all_labels, model.labels)

    def sinks(self) -> dict[str, Callable[[], Sink]]:
        sinks = {}
        for index, sink in enumerate(self.configuration.sinks):
            make_sink = self._plugin("sink", sink, ("sinks", index))
            if make_sink:
                sinks[sink.name] = make_sink
        return sinks

    def _plugin(self, kind: Kind, section: PluginSection, path: tuple[str | int, ...]) -> Callable[[], Any] | None:
        try:
            plugin = self.plugins.find(kind, section.type).plugin_class()
        except ConfigurationError as error:
            self._problem((*path, "type"), str(error))
            return None
        try:
            settings = plugin.Settings.model_validate(section.options)
        except ValidationError as error:
            self.problems += problems_from(error, self.document, path, model=plugin.Settings)
            return None
        settings = resolve_paths(settings, self.document.folder)
        return lambda: plugin(settings)

    def _problem(self, path: tuple[str | int, ...], reason: str) -> None:
        self.problems.append(
            Problem(*self.document.locate(path), format_key_path(path), self.document.redact(reason, path))
        )


def resolve_paths(settings: BaseModel, folder: Path) -> BaseModel:
    """The same settings with relative paths made absolute from `folder`, one level deep and in lists."""
    changed: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            changed[name] = folder / value.expanduser()
        elif isinstance(value, list | tuple) and any(isinstance(item, Path) for item in value):
            changed[name] = type(value)(folder / v.expanduser() if isinstance(v, Path) else v for v in value)
    return settings.model_copy(update=changed)
