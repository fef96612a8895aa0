"""The classes for TFLite's tables that come with LiteRT's wheel, and new operators made of them."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from movinet_edge.engine.rewrite.graph import Kind, Operator, Tensor
from movinet_edge.engine.rewrite.refused import RewriteRefused

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every TFLite file."""

_DTYPES = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "INT32": np.int32,
    "INT64": np.int64,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "BOOL": np.bool_,
}


def schema() -> ModuleType:
    """LiteRT's classes for the tables of a TFLite file; 0.1 s to import, so only where a file is rewritten."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise RewriteRefused(f"the classes for TFLite files come with LiteRT, which is not there ({error})") from error
    module: ModuleType = schema_py_generated
    return module


def dtypes() -> dict[int, np.dtype[Any]]:
    """The types of values that passes know, by their number in the schema."""
    names = schema().TensorType
    return {getattr(names, name): np.dtype(dtype) for name, dtype in _DTYPES.items()}


def new_operator(kind: Kind, inputs: Iterable[Tensor], output: Tensor, *, version: int = 1) -> Operator:
    """An operator with the schema's default options."""
    return Operator(kind, list(inputs), [output], _new_options(kind), version)


_OPTIONS = {
    Kind.ADD: "AddOptions",
    Kind.DEQUANTIZE: "DequantizeOptions",
    Kind.QUANTIZE: "QuantizeOptions",
}


def _new_options(kind: Kind) -> Any:
    return getattr(schema(), f"{_OPTIONS[kind]}T")()
