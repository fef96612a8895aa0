"""Checks a graph before it reaches the runtime, where a wrong shape would end the process and not raise."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from movinet_edge.engine.rewrite.graph import (
    ACTIVATIONS,
    ARITHMETIC,
    ELEMENTWISE,
    WEIGHTS,
    Graph,
    Kind,
    Operator,
    Shape,
    Tensor,
)
from movinet_edge.engine.rewrite.refused import RewriteRefused

VALID = 1
"""`padding` of the schema: none. 0 is SAME."""


def check_graph(graph: Graph) -> None:
    """Every operator finds its inputs made, and its output has the shape and dtype that they lead to.

    Raises:
        RewriteRefused: it does not hold; the text names the operator.
    """
    made = set(graph.inputs.values())
    for number, operator in enumerate(graph.operators):
        where = f"operator {number} ({_name(operator)})"
        for tensor in operator.inputs:
            if tensor is not None and tensor.data is None and tensor not in made:
                raise RewriteRefused(f"{where} reads {tensor.name!r} before it is made")
        _check_constants(operator, where)
        try:
            expected = output_shape(operator)
        except (ValueError, IndexError, AttributeError) as error:
            raise RewriteRefused(f"{where} does not fit its inputs: {error}") from error
        if expected is not None and expected != operator.output.shape:
            raise RewriteRefused(f"{where} gives {list(expected)}, not {list(operator.output.shape)} as the graph says")
        if not _dtypes_agree(operator):
            raise RewriteRefused(f"{where} mixes types of values")
        made.update(operator.outputs)
    for key, tensor in graph.outputs.items():
        if tensor not in made:
            raise RewriteRefused(f"output {key!r} is never made")


def output_shape(operator: Operator) -> Shape | None:
    """The shape that the operator's inputs lead to; None for a kind that no pass touches."""
    if operator.kind in ARITHMETIC:
        return np.broadcast_shapes(operator.input(0).shape, operator.input(1).shape)
    if operator.kind in ELEMENTWISE or operator.kind == Kind.CAST:
        return operator.input(0).shape
    rule = _RULES.get(operator.kind)
    return None if rule is None else rule(operator)


def constant_ints(tensor: Tensor) -> tuple[int, ...]:
    """The values of an integer constant, such as axes.

    Raises:
        ValueError: it is no constant.
    """
    if tensor.data is None:
        raise ValueError(f"{tensor.name!r} is no constant")
    return tuple(int(n) for n in tensor.data.reshape(-1))


def _convolution(operator: Operator) -> Shape:
    batch, height, width, channels = operator.input(ACTIVATIONS).shape
    outputs, down, across, inputs = operator.input(WEIGHTS).shape
    if operator.kind == Kind.DEPTHWISE_CONV_2D:
        outputs, inputs = inputs, channels
        if operator.input(WEIGHTS).shape[-1] != channels * operator.options.depthMultiplier:
            raise ValueError("one kernel per channel is not there")
    if inputs != channels:
        raise ValueError(f"{channels} channels come, the weights are for {inputs}")
    options = operator.options
    return (
        batch,
        _window(height, down, options.strideH, options.dilationHFactor, options.padding),
        _window(width, across, options.strideW, options.dilationWFactor, options.padding),
        outputs,
    )


def _average(operator: Operator) -> Shape:
    batch, height, width, channels = operator.input(0).shape
    options = operator.options
    return (
        batch,
        _window(height, options.filterHeight, options.strideH, 1, options.padding),
        _window(width, options.filterWidth, options.strideW, 1, options.padding),
        channels,
    )


def _window(length: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    if padding == VALID:
        length -= (kernel - 1) * dilation
    if length < 1:
        raise ValueError("the kernel is larger than what it looks at")
    return -(-length // stride)


def _concatenation(operator: Operator) -> Shape:
    shapes = [operator.input(i).shape for i in range(len(operator.inputs))]
    axis = operator.options.axis % len(shapes[0])
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) != 1:
        raise ValueError("the parts differ in more than the length that they are joined along")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _reshape(operator: Operator) -> Shape:
    wanted = constant_ints(operator.input(1)) if len(operator.inputs) > 1 else tuple(operator.options.newShape)
    size = operator.input(0).size
    if -1 in wanted:
        rest = -int(np.prod(wanted))
        wanted = tuple(size // rest if n == -1 else n for n in wanted)
    if int(np.prod(wanted)) != size:
        raise ValueError(f"{size} values do not fill {list(wanted)}")
    return wanted


def _reduction(operator: Operator) -> Shape:
    shape = operator.input(0).shape
    axes = {axis % len(shape) for axis in constant_ints(operator.input(1))}
    if operator.options.keepDims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _strided_slice(operator: Operator) -> Shape:
    return tuple(len(range(*part)) for part in slice_ranges(operator))


def slice_ranges(operator: Operator) -> list[tuple[int, int, int]]:
    """Begin, end and step along each dimension of a SLICE or STRIDED_SLICE.

    Raises:
        ValueError: the slice adds or drops dimensions.
    """
    shape = operator.input(0).shape
    begin, end = constant_ints(operator.input(1)), constant_ints(operator.input(2))
    if operator.kind == Kind.SLICE:
        return [(b, n if e == -1 else b + e, 1) for b, e, n in zip(begin, end, shape, strict=True)]
    options, steps = operator.options, constant_ints(operator.input(3))
    if options.ellipsisMask or options.newAxisMask or options.shrinkAxisMask or min(steps) < 1:
        raise ValueError("the slice does more than leave values out")
    ranges = []
    for i, (length, step) in enumerate(zip(shape, steps, strict=True)):
        first = None if options.beginMask >> i & 1 else begin[i]
        past = None if options.endMask >> i & 1 else end[i]
        ranges.append(slice(first, past, step).indices(length))
    return ranges


def _broadcast(operator: Operator) -> Shape:
    wanted = constant_ints(operator.input(1))
    return np.broadcast_shapes(operator.input(0).shape, wanted)


_RULES: Mapping[int, Callable[[Operator], Shape]] = {
    Kind.AVERAGE_POOL_2D: _average,
    Kind.BROADCAST_TO: _broadcast,
    Kind.CONCATENATION: _concatenation,
    Kind.CONV_2D: _convolution,
    Kind.DEPTHWISE_CONV_2D: _convolution,
    Kind.MEAN: _reduction,
    Kind.RESHAPE: _reshape,
    Kind.SLICE: _strided_slice,
    Kind.STRIDED_SLICE: _strided_slice,
    Kind.SUM: _reduction,
}

_KEEPS_DTYPE = (ARITHMETIC | ELEMENTWISE | {Kind.CONCATENATION}) - {Kind.QUANTIZE, Kind.DEQUANTIZE}


def _dtypes_agree(operator: Operator) -> bool:
    if operator.kind not in _KEEPS_DTYPE:
        return True
    return {tensor.dtype for tensor in operator.inputs if tensor is not None} == {operator.output.dtype}


def _check_constants(operator: Operator, where: str) -> None:
    for tensor in operator.inputs:
        if tensor is not None and tensor.data is not None:
            stored: Any = tensor.data
            if stored.shape != tensor.shape or stored.dtype != tensor.dtype:
                raise RewriteRefused(f"{where} reads the constant {tensor.name!r}, which is not what it says it is")


def _name(operator: Operator) -> str:
    return Kind(operator.kind).name if operator.kind in set(Kind) else f"kind {operator.kind}"
