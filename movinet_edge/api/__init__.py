"""All that a plugin author needs. Plugins import this package and nothing else of movinet-edge."""

from movinet_edge.api.duration import Duration, parse_duration
from movinet_edge.api.errors import (
    ConfigurationError,
    DeliveryError,
    DeliveryRejected,
    ModelError,
    MovinetEdgeError,
    SinkError,
    SourceEnded,
    SourceError,
    SourceRejected,
    SourceUnavailable,
)
from movinet_edge.api.event import SCHEMA_VERSION, ActionEvent, EventType, ModelInfo, StopReason
from movinet_edge.api.frame import Colour, Frame, FrameRequest, Sampler
from movinet_edge.api.plugin import SINK_GROUP, SOURCE_GROUP, PluginSettings, Sink, Source

__all__ = [
    "SCHEMA_VERSION",
    "SINK_GROUP",
    "SOURCE_GROUP",
    "ActionEvent",
    "Colour",
    "ConfigurationError",
    "DeliveryError",
    "DeliveryRejected",
    "Duration",
    "EventType",
    "Frame",
    "FrameRequest",
    "ModelError",
    "ModelInfo",
    "MovinetEdgeError",
    "PluginSettings",
    "Sampler",
    "Sink",
    "SinkError",
    "Source",
    "SourceEnded",
    "SourceError",
    "SourceRejected",
    "SourceUnavailable",
    "StopReason",
    "parse_duration",
]
