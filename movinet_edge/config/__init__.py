"""The configuration: what may be written, how it is read, and how errors in it are told.

`load` reads a YAML file, the fragments in `conf.d` beside it, `MOVINET_EDGE__…` variables and systemd's credentials,
each above the one before, and gives a `Configuration` or `ConfigurationProblems` with all errors at once.
"""

from movinet_edge.config.document import Document, read_document
from movinet_edge.config.evidence import ClipSettings, DailyHours, EvidenceSettings, Keep
from movinet_edge.config.explain import problems_from
from movinet_edge.config.load import json_schema, load, load_actions, validate
from movinet_edge.config.problems import ConfigurationProblems, KeyPath, Problem, format_key_path
from movinet_edge.config.settings import Configuration, LogSettings, OutboxSettings
from movinet_edge.config.sinks import Only, SinkSection
from movinet_edge.config.streams import (
    EmaSmoothing,
    MeanSmoothing,
    MedianSmoothing,
    NoSmoothing,
    PluginSection,
    Smoothing,
    SnapshotSettings,
    SourceSection,
    StreamSettings,
)
from movinet_edge.config.thresholds import ActionSettings, Thresholds
from movinet_edge.config.web import WebSettings, is_loopback

__all__ = [
    "ActionSettings",
    "ClipSettings",
    "Configuration",
    "ConfigurationProblems",
    "DailyHours",
    "Document",
    "EmaSmoothing",
    "EvidenceSettings",
    "Keep",
    "KeyPath",
    "LogSettings",
    "MeanSmoothing",
    "MedianSmoothing",
    "NoSmoothing",
    "Only",
    "OutboxSettings",
    "PluginSection",
    "Problem",
    "SinkSection",
    "Smoothing",
    "SnapshotSettings",
    "SourceSection",
    "StreamSettings",
    "Thresholds",
    "WebSettings",
    "format_key_path",
    "is_loopback",
    "json_schema",
    "load",
    "load_actions",
    "problems_from",
    "read_document",
    "validate",
]
