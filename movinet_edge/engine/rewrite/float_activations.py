"""Turns a fully quantised graph into a dynamic-range one: float values between the operators, int8 weights.

Pattern: int8 activations.
Precondition: every operator on them means the same for floats (below); else nothing is changed.
Bit-exact: no. For files with hard swish and squeeze-excite gates it is 9 times as fast, since XNNPACK has no int8
kernels for these, and its scores are closer to the float model's.
"""

import numpy as np

from movinet_edge.engine.rewrite.constants import per_output, real_values
from movinet_edge.engine.rewrite.graph import (
    ARITHMETIC,
    BIAS,
    CONVOLUTIONS,
    ELEMENTWISE,
    WEIGHTS,
    Graph,
    Kind,
    Operator,
    Quantization,
    Tensor,
)
from movinet_edge.engine.rewrite.int8_weights import HYBRID_VERSION
from movinet_edge.engine.rewrite.passes import Pass, Tally

_SAME_FOR_FLOATS = (
    ARITHMETIC
    | ELEMENTWISE
    | CONVOLUTIONS
    | {Kind.AVERAGE_POOL_2D, Kind.BROADCAST_TO, Kind.CONCATENATION, Kind.MEAN, Kind.SUM}
    | {Kind.RESHAPE, Kind.SLICE, Kind.STRIDED_SLICE}
)
_BORDERS = {Kind.QUANTIZE, Kind.DEQUANTIZE}


def apply(graph: Graph) -> Tally:
    """Make every activation a float and drop what converts between the two."""
    tally = Tally()
    activations = [tensor for tensor in graph.tensors() if tensor.is_int8() and tensor.data is None]
    unfit = [o for o in graph.operators if o.kind not in _SAME_FOR_FLOATS and _has_int8(o)]
    if unfit or any(graph.is_input(tensor) or graph.is_output(tensor) for tensor in activations):
        tally.left["an operator that is not known for floats, or an int8 input or output"] += len(activations)
        return tally
    for operator in graph.operators:
        if operator.kind not in _BORDERS and _has_int8(operator):
            _float_constants(graph, operator)
    for tensor in activations:
        tensor.dtype, tensor.quantization = np.dtype(np.float32), None
    removed = []
    for operator in graph.of_kind(Kind.QUANTIZE, Kind.DEQUANTIZE):
        if operator.input(0).is_float():
            graph.replace(operator.output, operator.input(0))
            removed.append(operator)
    graph.remove(removed)
    tally.changed = len(activations)
    return tally


def _has_int8(operator: Operator) -> bool:
    return any(t is not None and t.is_int8() and t.data is None for t in (*operator.inputs, *operator.outputs))


def _float_constants(graph: Graph, operator: Operator) -> None:
    for position, tensor in enumerate(operator.inputs):
        if tensor is None or tensor.data is None or tensor.quantization is None:
            continue
        if operator.kind in CONVOLUTIONS and position == WEIGHTS:
            if operator.kind == Kind.CONV_2D:
                operator.version = max(operator.version, HYBRID_VERSION)
            graph.rewire(operator, position, _scale_per_output(tensor))
        elif tensor.dtype == np.int8 or position == BIAS:
            graph.rewire(operator, position, Tensor.constant(tensor.name, real_values(tensor)))


def _scale_per_output(weights: Tensor) -> Tensor:
    """The same weights with one scale for each output, which is what kernels for float activations ask for."""
    quantization = weights.quantization
    if quantization is None or quantization.scale.size > 1 or quantization.zero_point.any():
        return weights
    scale = per_output(quantization.scale, weights.shape[0])
    return Tensor.constant(weights.name, np.asarray(weights.data), Quantization.symmetric(scale))


PASS = Pass("float activations", "values between operators are floats, weights stay int8", effect="values", apply=apply)
