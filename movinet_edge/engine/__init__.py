"""The engine: a model file becomes `step(image, state) → scores`. The only package that imports LiteRT or TFLite."""

from movinet_edge.engine.fast import FastPath
from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.labels import find_labels, read_labels
from movinet_edge.engine.model import DEFAULT_WINDOW, Memory, Model, ScoresNotFinite, StreamState, load_model
from movinet_edge.engine.preprocess import Fit, Preprocessor
from movinet_edge.engine.runtime import RuntimeChoice, RuntimeMissing
from movinet_edge.engine.session import RuntimeInfo

__all__ = [
    "DEFAULT_WINDOW",
    "FastPath",
    "Fit",
    "Memory",
    "Model",
    "ModelInterface",
    "Preprocessor",
    "RuntimeChoice",
    "RuntimeInfo",
    "RuntimeMissing",
    "ScoresNotFinite",
    "StreamState",
    "find_labels",
    "load_model",
    "read_labels",
]
