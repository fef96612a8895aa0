"""Computes the convolutions of int8 files that have few input channels in float.

Pattern: int8 CONV_2D of at most `MOST_CHANNELS` channels on a map: the first ones, next to the picture.
Precondition: constant weights and bias. For x86 only: its int8 kernels take channels in groups of up to 64, which few
channels fill badly; those of ARM take them in groups of four.
Bit-exact: no: the products keep their fractions, and the picture is not rounded to 8 bits before the first one.
"""

import numpy as np

from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import ACTIVATIONS, WEIGHTS, Graph, Kind, Operator, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.schema import new_operator

MOST_CHANNELS = 8
"""Measured on the official A0 with AVX-512 and AMX: 3 and 8 channels are 2 to 4 times as fast in float, 24 equally."""

_INT8_DEQUANTIZE_VERSION = 2


def apply(graph: Graph) -> Tally:
    """Dequantise, convolve, quantise; where the input is a float that was just quantised, take the float."""
    tally = Tally()
    for convolution in graph.of_kind(Kind.CONV_2D):
        source = convolution.input(ACTIVATIONS)
        _, height, width, channels = source.shape
        if not source.is_int8() or channels > MOST_CHANNELS or height * width == 1:
            continue
        if any(tensor is None or tensor.data is None for tensor in convolution.inputs[WEIGHTS:]):
            tally.left["its weights or bias are no constants"] += 1
            continue
        _in_float(graph, convolution)
        tally.changed += 1
    graph.remove_unused()
    return tally


def _in_float(graph: Graph, convolution: Operator) -> None:
    quantised = convolution.output
    result = Tensor(f"{quantised.name}_float", quantised.shape, np.dtype(np.float32))
    constants = [tensor for tensor in convolution.inputs[WEIGHTS:] if tensor is not None]
    inputs: list[Tensor | None] = [_as_float(graph, convolution.input(ACTIVATIONS), convolution)]
    inputs += [Tensor.constant(tensor.name, real_values(tensor)) for tensor in constants]
    graph.insert_before(
        convolution,
        Operator(Kind.CONV_2D, inputs, [result], convolution.options),
        new_operator(Kind.QUANTIZE, [result], quantised),
    )
    graph.remove([convolution])


def _as_float(graph: Graph, tensor: Tensor, place: Operator) -> Tensor:
    """The values as floats, made in front of `place` unless they are there already."""
    made_by = graph.producer(tensor)
    if made_by is not None and made_by.kind == Kind.QUANTIZE and made_by.input(0).is_float():
        return made_by.input(0)
    result = Tensor(f"{tensor.name}_float", tensor.shape, np.dtype(np.float32))
    if made_by is not None and made_by.kind == Kind.RESHAPE:
        source = _as_float(graph, made_by.input(0), place)
        graph.insert_before(place, Operator(Kind.RESHAPE, [source, *made_by.inputs[1:]], [result], made_by.options))
    else:
        graph.insert_before(place, new_operator(Kind.DEQUANTIZE, [tensor], result, version=_INT8_DEQUANTIZE_VERSION))
    return result


PASS = Pass("few channels", "convolutions next to the picture are computed in float", effect="values", apply=apply)
