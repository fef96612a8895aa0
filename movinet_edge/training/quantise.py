"""Turns the float graph into an int8 one: weights with a scale per channel, activations by the ranges seen on clips.

The running sum of the head stays float32, so it never saturates however long a stream runs; the official int8 file's
does after half a minute.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from movinet_edge.engine.rewrite.constants import INT8_LIMIT, along, real_values
from movinet_edge.engine.rewrite.graph import (
    ACTIVATIONS,
    BIAS,
    CONVOLUTIONS,
    IMAGE,
    WEIGHTS,
    Graph,
    Kind,
    Operator,
    Quantization,
    Tensor,
)
from movinet_edge.engine.rewrite.schema import new_operator
from movinet_edge.training.architecture import RELU6_TOP
from movinet_edge.training.errors import InputError

Ranges: TypeAlias = Mapping[str, tuple[float, float]]
"""Lowest and highest value of each activation, by its place in the network."""

# One step for each of the 256 values that a camera has, as in the official files.
_IMAGE_QUANTIZATION = Quantization(np.array([1 / 255], np.float32), np.array([-128], np.int64))
_STEPS, _LOWEST = 255, -128
# Above what float32 loses when it is multiplied by an activation's scale.
_SMALLEST_SCALE = 1e-20
# A channel without weights has a bias still, which must fit into 32 bits with room for the sum that it starts.
_BIAS_LIMIT = 1 << 29
# Their results have the steps of their input: the kernels give out what came in, moved or averaged.
_KEEP_STEPS = frozenset({Kind.RESHAPE, Kind.SLICE, Kind.AVERAGE_POOL_2D, Kind.CONCATENATION})
# The first version of each operator's kernel that takes int8. Source: tflite/tools/versioning/op_version.cc.
_INT8_VERSIONS = {
    Kind.ADD: 2,
    Kind.AVERAGE_POOL_2D: 2,
    Kind.CONCATENATION: 2,
    Kind.CONV_2D: 3,
    Kind.DEPTHWISE_CONV_2D: 3,
    Kind.RESHAPE: 1,
    Kind.SLICE: 2,
}
_DEQUANTIZE_VERSION = 2


class RangesError(InputError):
    """The ranges are not those of this network's activations; the text says what is wrong."""


def read_ranges(file: Path) -> Ranges:
    """What calibration has written.

    Raises:
        RangesError: the file has another form.
    """
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        ranges = {name: (float(lowest), float(highest)) for name, (lowest, highest) in kept.items()}
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise RangesError(f"{file}: {error}; it has to be a ranges.json of movinet_edge.training.calibrate") from error
    for name, (lowest, highest) in ranges.items():
        if not -math.inf < lowest <= highest < math.inf:
            raise RangesError(f"{file}: {name!r} from {lowest} to {highest} is no range")
    return ranges


def steps_for(lowest: float, highest: float) -> Quantization:
    """256 steps from `lowest` to `highest`, with 0 hit exactly: padding and fresh states are 0."""
    lowest, highest = min(lowest, 0.0), max(highest, 0.0, lowest + 1e-6)
    scale = np.float32((highest - lowest) / _STEPS)
    zero_point = int(np.clip(round(_LOWEST - lowest / float(scale)), _LOWEST, _LOWEST + _STEPS))
    return Quantization(np.array([scale]), np.array([zero_point], np.int64))


def quantise(graph: Graph, ranges: Ranges) -> Graph:
    """The int8 graph of a float one, with float32 inputs and outputs as before.

    What has no range stays float32: the head's sum over time and what is computed from it before the dense layers.

    Raises:
        RangesError: the result of a convolution has no range.
    """
    return _Quantiser(graph, ranges).run()


@dataclass(slots=True)
class _Form:
    """The two forms in which a value of the graph may be there."""

    real: Tensor | None = None
    stored: Tensor | None = None


class _Quantiser:
    def __init__(self, graph: Graph, ranges: Ranges) -> None:
        self._graph, self._ranges = graph, ranges
        self._forms: dict[Tensor, _Form] = {tensor: _Form(real=tensor) for tensor in graph.inputs.values()}
        self._operators: list[Operator] = []

    def run(self) -> Graph:
        self._store(self._graph.inputs[IMAGE], _IMAGE_QUANTIZATION)
        for operator in self._graph.operators:
            steps = self._steps_of(operator)
            if steps is None or not all(self._may_be_stored(tensor, steps) for tensor in _activations(operator)):
                self._as_it_is(operator)
            else:
                self._in_int8(operator, steps)
        outputs = {key: self._real(tensor) for key, tensor in self._graph.outputs.items()}
        return Graph(dict(self._graph.inputs), outputs, self._operators)

    def _steps_of(self, operator: Operator) -> Quantization | None:
        """The steps of an operator's result; None where it stays float."""
        if operator.kind in _KEEP_STEPS:
            newest = _activations(operator)[-1]  # of joined frames the newest one; the older ones come as states
            stored = self._forms[newest].stored
            return None if stored is None else stored.quantization
        name = operator.output.name
        if name in self._ranges:
            lowest, highest = self._ranges[name]
            # The clamp is part of the operator here, while calibration may have looked in front of it.
            return steps_for(0.0, min(highest, RELU6_TOP)) if operator.activation() else steps_for(lowest, highest)
        if operator.kind in CONVOLUTIONS:
            raise RangesError(f"calibration saw no values of {name!r}: its ranges are of another network")
        return None

    def _may_be_stored(self, tensor: Tensor, steps: Quantization) -> bool:
        form = self._forms[tensor]
        if form.stored is None and self._graph.is_input(tensor) and tensor.is_float():
            self._store(tensor, steps)
        return form.stored is not None

    def _as_it_is(self, operator: Operator) -> None:
        operator.inputs = [
            tensor if tensor is None or tensor.data is not None else self._real(tensor) for tensor in operator.inputs
        ]
        self._operators.append(operator)
        self._forms[operator.output] = _Form(real=operator.output)
        if operator.output.name in self._ranges:
            self._store(operator.output, steps_for(*self._ranges[operator.output.name]))

    def _in_int8(self, operator: Operator, steps: Quantization) -> None:
        result = Tensor(operator.output.name, operator.output.shape, np.dtype(np.int8), None, steps)
        inputs = [
            tensor if tensor is None or tensor.data is not None else self._forms[tensor].stored
            for tensor in operator.inputs
        ]
        if operator.kind in CONVOLUTIONS:
            inputs[WEIGHTS], inputs[BIAS] = _stored_weights(operator, inputs[ACTIVATIONS])
        version = _INT8_VERSIONS[Kind(operator.kind)]
        self._operators.append(Operator(operator.kind, inputs, [result], operator.options, version))
        self._forms[operator.output] = _Form(stored=result)

    def _store(self, tensor: Tensor, steps: Quantization) -> None:
        stored = Tensor(f"{tensor.name}_int8", tensor.shape, np.dtype(np.int8), None, steps)
        self._operators.append(new_operator(Kind.QUANTIZE, [tensor], stored))
        self._forms[tensor].stored = stored

    def _stored(self, tensor: Tensor) -> Tensor:
        stored = self._forms[tensor].stored
        if stored is None:
            raise ValueError(f"{tensor.name!r} was not made yet")
        return stored

    def _real(self, tensor: Tensor) -> Tensor:
        form = self._forms[tensor]
        if form.real is None:
            form.real = Tensor(f"{tensor.name}_float", tensor.shape, np.dtype(np.float32))
            self._operators.append(
                new_operator(Kind.DEQUANTIZE, [self._stored(tensor)], form.real, version=_DEQUANTIZE_VERSION)
            )
        return form.real


def _activations(operator: Operator) -> list[Tensor]:
    return [tensor for tensor in operator.inputs if tensor is not None and tensor.data is None]


def _stored_weights(operator: Operator, source: Tensor | None) -> Iterable[Tensor]:
    """Weights int8 with a scale per channel, and the bias int32 in steps of both scales' product."""
    axis = 3 if operator.kind == Kind.DEPTHWISE_CONV_2D else 0
    weights, bias = real_values(operator.input(WEIGHTS)), real_values(operator.input(BIAS))
    if source is None or source.quantization is None:
        raise ValueError(f"{operator.output.name}: what comes in is not quantised")
    input_scale = float(source.quantization.scale[0])
    largest = np.abs(weights).max(tuple(i for i in range(weights.ndim) if i != axis)).astype(np.float64)
    scale = np.maximum(largest / INT8_LIMIT, np.abs(bias) / (input_scale * _BIAS_LIMIT))
    scale = np.maximum(scale, _SMALLEST_SCALE).astype(np.float32)
    stored = np.rint(weights / along(scale, axis, weights.ndim)).clip(-INT8_LIMIT, INT8_LIMIT).astype(np.int8)
    bias_scale = scale * np.float32(input_scale)
    stored_bias = np.rint(bias / bias_scale.astype(np.float64)).astype(np.int32)
    return (
        Tensor.constant(operator.input(WEIGHTS).name, stored, Quantization.symmetric(scale, axis)),
        Tensor.constant(operator.input(BIAS).name, stored_bias, Quantization.symmetric(bias_scale)),
    )
