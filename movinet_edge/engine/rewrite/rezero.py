"""Folds ReZero's factor into the convolution in front of it.

Pattern: MUL of a convolution's result by a constant that is the same for every pixel (exporters write it out for the
whole map: H × W × C values that are read again each frame).
Precondition: nothing else reads the convolution's result, and no activation is fused into either.
Bit-exact: no; float results differ in the last bit, int8 ones lose one rounding.
"""

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.rewrite.constants import INT8_LIMIT, per_output, real_values
from movinet_edge.engine.rewrite.graph import BIAS, WEIGHTS, Graph, Kind, Operator, Quantization, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally

# A smaller factor is 0: its branch adds nothing that a float32 sum would keep, and XNNPACK refuses scales near 0.
_NOTHING = 1e-7


def apply(graph: Graph) -> Tally:
    """Scale weights and bias instead of the result."""
    tally = Tally()
    for product in graph.of_kind(Kind.MUL):
        for position in (0, 1):
            constant, other = product.input(position), product.input(1 - position)
            convolution = graph.producer(other)
            if constant.data is None or convolution is None or convolution.kind != Kind.CONV_2D:
                continue
            if convolution.activation():  # a gate's own scale, not ReZero's
                break
            factor = _factor(constant, other.shape[-1])
            if factor is None or other.shape != product.output.shape:
                tally.left["the factor differs from pixel to pixel"] += 1
            elif product.activation() or graph.only_consumer(other) is not product:
                tally.left["an activation or another reader in between"] += 1
            else:
                graph.remove([product])
                _fold(graph, convolution, factor)
                convolution.outputs = [product.output]
                graph.replace(other, product.output)
                tally.changed += 1
            break
    return tally


def _factor(constant: Tensor, channels: int) -> NDArray[np.float64] | None:
    """One factor per channel: float64 `[channels]`; None when they differ from pixel to pixel."""
    values = real_values(constant).astype(np.float64)
    rows = values.reshape(-1, values.shape[-1] if values.ndim else 1)
    if (rows != rows[0]).any():
        return None
    return per_output(rows[0], channels).copy()


def _fold(graph: Graph, convolution: Operator, factor: NDArray[np.float64]) -> None:
    for position in (WEIGHTS, BIAS):
        tensor = convolution.inputs[position] if position < len(convolution.inputs) else None
        if tensor is not None:
            graph.rewire(convolution, position, _scaled(tensor, factor))


def _scaled(tensor: Tensor, factor: NDArray[np.float64]) -> Tensor:
    """The constant times one factor per output, which is the first dimension. Integers keep their size, not sign."""
    column = factor.reshape(-1, *(1,) * (len(tensor.shape) - 1))
    if tensor.data is None:
        raise ValueError(f"the weights {tensor.name!r} are no constant")
    if tensor.quantization is None:
        return Tensor.constant(tensor.name, (tensor.data * column).astype(np.float32))
    scale = per_output(tensor.quantization.scale, factor.size)
    # A scale must be positive: the sign goes into the integers, and a factor of 0 makes them 0.
    stored = tensor.data * np.where(np.abs(factor) < _NOTHING, 0, np.sign(factor)).reshape(column.shape)
    scaled = np.where(np.abs(factor) < _NOTHING, scale, scale * np.abs(factor))
    if tensor.dtype == np.int8:
        stored = np.clip(stored, -INT8_LIMIT, INT8_LIMIT)
    return Tensor.constant(tensor.name, stored.astype(tensor.dtype), Quantization.symmetric(scaled))


PASS = Pass(
    "ReZero", "the factor of each residual branch is part of its last convolution", effect="rounding", apply=apply
)
