"""From a configuration to the parts of a daemon, with everything that is wrong in it told at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from movinet_edge.actions import UnknownLabel, WatchList
from movinet_edge.api import ModelError, Source
from movinet_edge.config import (
    Configuration,
    ConfigurationProblems,
    Document,
    KeyPath,
    Problem,
    StreamSettings,
    validate,
)
from movinet_edge.daemon.evidence_writer import EvidenceWriter, stored_ids
from movinet_edge.daemon.pipeline import OnScores
from movinet_edge.daemon.plugin_parts import PluginParts, raw_plugin_dirs
from movinet_edge.daemon.plugins import Plugins, discover_plugins
from movinet_edge.daemon.stand_in import may_stand_in, without_fetching
from movinet_edge.daemon.stream_heads import FittedHeads
from movinet_edge.daemon.stream_life import Limits
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.daemon.supervisor import SinkParts, StreamParts
from movinet_edge.delivery import EventFilter
from movinet_edge.engine import Model
from movinet_edge.evidence import EVIDENCE_FOLDER, EvidenceStore, Quota
from movinet_edge.library import DEFAULT_MODEL, Progress, load
from movinet_edge.models import DownloadError, ModelStore


class ModelKey(NamedTuple):
    """All that decides what a model is loaded from and how; no name: it stands in for the one of all streams."""

    name: str | None
    labels: str | None
    runtime: str
    threads: int
    fast: bool


@dataclass(frozen=True, slots=True)
class Assembly:
    """A configuration that works, with what it names loaded."""

    configuration: Configuration
    streams: Mapping[str, StreamParts]
    sinks: Mapping[str, SinkParts]
    plugins: Plugins
    models: Mapping[ModelKey, Model]
    """What was loaded, by all that decides how."""
    evidence: EvidenceWriter
    """Where what shows the events is kept; writes while it is `running`."""

    @property
    def models_of(self) -> dict[str, Model]:
        """The model of each stream, by the stream's name."""
        return {name: parts.pipeline.model for name, parts in self.streams.items()}

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
    loaded: Mapping[ModelKey, Model] | None = None,
    in_use: Iterable[Model] = (),
    evidence: EvidenceWriter | None = None,
) -> Assembly:
    """Validate the document, its plugins' settings, its models and its labels, and build the parts.

    Models in `loaded` are used as they are, and so are those with heads on `in_use`, and `evidence`.

    Raises:
        ConfigurationProblems: everything that is wrong, each with file, line and key.
        DownloadError: the configuration may be right, but a model could not be fetched now.
    """
    configuration, problems = validate(document)
    if configuration is None:
        parts = PluginParts(document, discover_plugins(raw_plugin_dirs(document)))
        parts.check_raw()
        raise _in_reading_order([*problems, *parts.problems])
    maker = _Maker(document, configuration)

    models: dict[ModelKey, Model] = {}

    def load_one(name: str, labels: str | None) -> Model:
        key = ModelKey(name, labels, configuration.runtime, configuration.threads, configuration.fast)
        known = loaded or {}
        if name == configuration.model and may_stand_in(configuration):
            # What stood in is kept apart from what it stands in for, so that a reload never takes one for the other.
            model = known.get(key) or stood_in(known.get(key._replace(name=None)))
            model = model or load_anew(None if pull else without_fetching(store or ModelStore()), labels)
            key = key if model.name == name else key._replace(name=None)
        else:
            model = known.get(key) or load_anew(name, labels)
        models[key] = model
        return model

    def stood_in(model: Model | None) -> Model | None:
        """It goes on, without asking the network again, until the other one is on this machine."""
        return model if model and not (store or ModelStore()).find(DEFAULT_MODEL) else None

    def load_anew(name: str | None, labels: str | None) -> Model:
        return load(
            name,
            labels=labels,
            runtime=configuration.runtime,
            threads=configuration.threads,
            fast=configuration.fast,
            pull=pull,
            store=store,
            progress=progress,
        )

    # Plugins first: what is wrong with them must not wait for a download.
    sources, sinks = maker.sources(), maker.sinks()
    pull = pull and not maker.parts.problems
    evidence = evidence or _evidence_writer(configuration)
    heads = FittedHeads(in_use)
    streams = maker.streams(sources, maker.models(load_one), heads, on_scores, evidence)
    if maker.parts.problems:
        raise _in_reading_order(maker.parts.problems)
    return Assembly(configuration, streams, sinks, maker.parts.plugins, models, evidence)


def make_sinks(document: Document) -> tuple[Configuration, dict[str, SinkParts]]:
    """The sinks alone, for what needs no model; raises ConfigurationProblems as `assemble` does."""
    configuration, problems = validate(document)
    if configuration is None:
        raise _in_reading_order(problems)
    maker = _Maker(document, configuration)
    sinks = maker.sinks()
    if maker.parts.problems:
        raise _in_reading_order(maker.parts.problems)
    return configuration, sinks


def _evidence_writer(configuration: Configuration) -> EvidenceWriter:
    wanted = configuration.evidence
    quota = Quota(wanted.max_age_s, wanted.max_events, wanted.max_size, wanted.keep_free)
    store = EvidenceStore(configuration.state_dir / EVIDENCE_FOLDER, quota)
    return EvidenceWriter(store, partial(stored_ids, configuration.state_dir / "outbox.db"))


def _in_reading_order(problems: Iterable[Problem]) -> ConfigurationProblems:
    return ConfigurationProblems(sorted(problems, key=lambda problem: (problem.file or "", problem.line or 0)))


class _Maker:
    """Collects problems while it builds."""

    def __init__(self, document: Document, configuration: Configuration) -> None:
        self.configuration = configuration
        self.parts = PluginParts(document, discover_plugins(configuration.plugin_dirs))
        refused = dict(self.parts.plugins.refused)
        for index, folder in enumerate(configuration.plugin_dirs):
            if str(folder) in refused:
                self.parts.add_problem(("plugin_dirs", index), f"{folder}: {refused[str(folder)]}")

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
                self.parts.add_problem(("streams", index, "model") if stream.model else ("model",), str(error))
        return models

    def sources(self) -> list[Callable[[], Source] | None]:
        """What makes each stream's source; None where it cannot be made."""
        return [
            self.parts.maker("source", stream.source.type, stream.source.options, ("streams", index, "source"))
            for index, stream in enumerate(self.configuration.streams)
        ]

    def streams(
        self,
        sources: Sequence[Callable[[], Source] | None],
        models: Mapping[tuple[str, str | None], Model],
        heads: FittedHeads,
        on_scores: OnScores | None,
        evidence: EvidenceWriter,
    ) -> dict[str, StreamParts]:
        """The parts of every stream that can be built."""
        streams = {}
        for index, (stream, make_source) in enumerate(zip(self.configuration.streams, sources, strict=True)):
            model = self._with_heads(index, stream, models.get(self.configuration.model_for(stream)), heads)
            watch = self._watch(index, stream, model) if model else None
            if make_source is not None and model is not None and watch is not None:
                pipeline = build_pipeline(stream.name, stream, model, watch, on_scores=on_scores, evidence=evidence)
                limits = Limits(stall_s=stream.stall_after_s)
                make = pipeline.evidence.tapped(make_source) if pipeline.evidence else make_source
                streams[stream.name] = StreamParts(pipeline, make, stream, limits)
        return streams

    def _with_heads(self, index: int, stream: StreamSettings, model: Model | None, heads: FittedHeads) -> Model | None:
        try:
            return None if model is None else heads.on(model, self.configuration.heads_for(stream), stream)
        except ModelError as error:
            path: KeyPath = ("heads",) if stream.heads is None else ("streams", index, "heads")
            self.parts.add_problem(path, str(error))
            return None

    def _watch(self, index: int, stream: StreamSettings, model: Model) -> WatchList | None:
        right = True
        for name, action in stream.actions.items():
            try:
                watch_list({name: action}, None, model.labels)
            except UnknownLabel as error:
                position = action.labels.index(error.pattern) if error.pattern in action.labels else 0
                self.parts.add_problem(("streams", index, "actions", name, "labels", position), str(error))
                right = False
            except ValueError as error:
                self.parts.add_problem(("streams", index, "actions", name), str(error))
                right = False
        if not right:
            return None
        try:
            return watch_list(stream.actions, stream.all_labels, model.labels)
        except ValueError as error:
            self.parts.add_problem(("streams", index, "all_labels"), str(error))
            return None

    def sinks(self) -> dict[str, SinkParts]:
        """The parts of every sink that can be built."""
        sinks = {}
        for index, sink in enumerate(self.configuration.sinks):
            make_sink = self.parts.maker("sink", sink.type, sink.options, ("sinks", index))
            if make_sink is not None:
                only = sink.only
                wanted = EventFilter(only.streams, only.actions, only.event_types, only.min_score)
                sinks[sink.name] = SinkParts(make_sink, wanted)
        return sinks
