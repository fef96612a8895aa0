"""Takes the dimension of time out of every shape: no tensor of rank 5 is left.

Pattern: tensors `[1, T, H, W, C]`. With T = 1 they become `[1, H, W, C]`; past frames become one tall picture,
`[1, T × H, W, C]`. The values stay where they are in memory, so every RESHAPE between the two forms goes, and so do
slices that leave nothing out. XNNPACK's kernels are for rank 4: more of the graph stays in one piece.
Precondition: every operator on such a tensor is one that can be said in rank 4 (below); else nothing is changed.
Bit-exact: yes.
"""

import numpy as np

from movinet_edge.engine.rewrite.graph import ARITHMETIC, ELEMENTWISE, Graph, Kind, Operator, Shape, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.shapes import constant_ints, slice_ranges

_TIME, _HEIGHT, _RANK = 1, 2, 5


class _NotInRankFourError(ValueError):
    """This operator needs the dimension of time."""


def apply(graph: Graph) -> Tally:
    """Change all shapes, or none."""
    tally = Tally()
    try:
        shapes = {tensor: _flat(tensor.shape) for tensor in graph.tensors() if len(tensor.shape) >= _RANK}
        inputs = [(operator, _new_inputs(operator)) for operator in graph.operators if _touches(operator, shapes)]
    except ValueError as error:
        tally.left[str(error)] += 1
        return tally
    for tensor, shape in shapes.items():
        tensor.shape = shape
        if tensor.data is not None:
            tensor.data = tensor.data.reshape(shape)
    for operator, tensors in inputs:
        for position, tensor in tensors.items():
            graph.rewire(operator, position, tensor)
        if operator.kind == Kind.CONCATENATION:
            operator.options.axis = _flat_axis(operator.options.axis)
        elif operator.kind == Kind.STRIDED_SLICE:
            operator.options.beginMask = operator.options.endMask = 0
    _drop_views(graph)
    tally.changed = len(shapes)
    return tally


def _flat(shape: Shape) -> Shape:
    if len(shape) != _RANK or shape[0] != 1:
        raise _NotInRankFourError(f"a tensor is {list(shape)}")
    _, time, height, width, channels = shape
    return 1, time * height, width, channels


def _touches(operator: Operator, shapes: dict[Tensor, Shape]) -> bool:
    return any(tensor in shapes for tensor in (*operator.inputs, *operator.outputs) if tensor is not None)


def _new_inputs(operator: Operator) -> dict[int, Tensor]:
    """The constants that tell the operator its axes, once shapes have rank 4.

    Raises:
        ValueError: the operator cannot be said in rank 4.
    """
    kind = operator.kind
    tall = any(len(t.shape) == _RANK and t.shape[_TIME] > 1 for t in (*operator.inputs, *operator.outputs) if t)
    if kind == Kind.RESHAPE or kind in ELEMENTWISE or kind == Kind.CAST:
        return {}
    if kind in ARITHMETIC and not tall:
        return {}
    if kind == Kind.CONCATENATION:
        axis = operator.options.axis % _RANK
        if axis == 0 or (tall and axis != _TIME):
            raise _NotInRankFourError("past frames are joined along something else than time")
        return {}
    if kind in {Kind.MEAN, Kind.SUM} and not tall and operator.options.keepDims:
        axes = sorted({_flat_axis(axis) for axis in constant_ints(operator.input(1)) if axis % _RANK != _TIME})
        return {1: _ints("axes", axes)}
    if kind in {Kind.SLICE, Kind.STRIDED_SLICE}:
        return _slice_inputs(operator)
    raise _NotInRankFourError(f"operator {Kind(kind).name if kind in set(Kind) else kind} works on time")


def _slice_inputs(operator: Operator) -> dict[int, Tensor]:
    shape, ranges = operator.input(0).shape, slice_ranges(operator)
    if any(part != (0, length, 1) for i, (part, length) in enumerate(zip(ranges, shape, strict=True)) if i != _TIME):
        raise _NotInRankFourError("a slice leaves out something else than frames")
    first, past, step = ranges[_TIME]
    if step != 1:
        raise _NotInRankFourError("a slice leaves out every other frame")
    height = shape[_HEIGHT]
    begin, end = [0, first * height, 0, 0], [1, past * height, *shape[3:]]
    if operator.kind == Kind.SLICE:
        return {1: _ints("begin", begin), 2: _ints("size", np.subtract(end, begin).tolist())}
    return {1: _ints("begin", begin), 2: _ints("end", end), 3: _ints("step", [1, 1, 1, 1])}


def _flat_axis(axis: int) -> int:
    """The axis in rank 4; those of time and height are one."""
    return max(axis % _RANK - 1, 1) if axis % _RANK else 0


def _ints(name: str, values: list[int]) -> Tensor:
    return Tensor.constant(name, np.array(values, np.int32))


def _drop_views(graph: Graph) -> None:
    """Remove each RESHAPE and slice that changes nothing now, and tell the others their new shape."""
    removed = []
    for operator in graph.of_kind(Kind.RESHAPE, Kind.SLICE, Kind.STRIDED_SLICE):
        source, result = operator.input(0), operator.output
        if source.shape == result.shape and not (graph.is_input(source) and graph.is_output(result)):
            graph.replace(result, source)
            removed.append(operator)
        elif operator.kind == Kind.RESHAPE:
            operator.inputs = [source, _ints("shape", list(result.shape))]
            operator.options = None
    graph.remove(removed)


PASS = Pass(
    "rank 4", "no dimension of time: past frames are one tall picture, reshapes are gone", effect="none", apply=apply
)
