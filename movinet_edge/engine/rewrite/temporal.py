"""Lets temporal convolutions look at the tall picture of past frames itself, with a step of one frame's height.

Pattern: RESHAPE of `[1, T × H, W, C]` to `[1, T, H × W, C]`, a depthwise convolution over T, then elementwise operators
until a RESHAPE. A kernel of k rows with dilation H on `[1, T × H, W, C]` reads the same values.
Precondition: kernel `(k, 1)` without padding, strides or dilation; only the convolution reads the reshaped frames.
Bit-exact: yes.
"""

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
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.shapes import VALID


def apply(graph: Graph) -> Tally:
    """Dilate every temporal convolution that can be, and drop the reshapes around it."""
    tally = Tally()
    for operator in graph.of_kind(Kind.DEPTHWISE_CONV_2D):
        view = graph.producer(operator.input(ACTIVATIONS))
        if view is None or view.kind != Kind.RESHAPE or not _is_frame_view(view):
            continue
        height = view.input(0).shape[1] // view.output.shape[1]
        followers = _followers(graph, operator.output)
        if not _is_temporal(operator) or graph.only_consumer(view.output) is not operator:
            tally.left["not a plain convolution over time"] += 1
        elif followers is None:
            tally.left["followed by something that needs the reshaped form"] += 1
        else:
            _dilate(graph, operator, view, height, followers)
            tally.changed += 1
    return tally


def _is_frame_view(view: Operator) -> bool:
    """`[1, T × H, W, C]` seen as `[1, T, H × W, C]`."""
    if len(view.input(0).shape) != 4 or len(view.output.shape) != 4:
        return False
    (_, rows, width, channels), (_, frames, pixels, same_channels) = view.input(0).shape, view.output.shape
    return channels == same_channels and rows % frames == 0 and pixels == rows // frames * width


def _is_temporal(operator: Operator) -> bool:
    options = operator.options
    plain = options.strideH == options.strideW == options.dilationHFactor == options.dilationWFactor == 1
    return plain and options.padding == VALID and operator.input(WEIGHTS).shape[2] == 1


def _followers(graph: Graph, first: Tensor) -> list[Tensor] | None:
    """All tensors from the convolution's result to the next RESHAPEs; None when one is needed as it is."""
    found, unseen = [first], [first]
    while unseen:
        tensor = unseen.pop()
        if graph.is_output(tensor):
            return None
        for reader in graph.consumers(tensor):
            if reader.kind == Kind.RESHAPE:
                continue
            others = [t for t in reader.inputs if t is not None and t not in found]
            free = reader.kind in ELEMENTWISE or reader.kind in ARITHMETIC
            if not free or not all(_fits_any_map(other) for other in others):
                return None
            if reader.output not in found:
                found.append(reader.output)
                unseen.append(reader.output)
    return found


def _fits_any_map(tensor: Tensor) -> bool:
    return tensor.data is not None and all(n == 1 for n in tensor.shape[:-1])


def _dilate(graph: Graph, operator: Operator, view: Operator, height: int, followers: list[Tensor]) -> None:
    source = view.input(0)
    rows, width = source.shape[1] - (operator.input(WEIGHTS).shape[1] - 1) * height, source.shape[2]
    shape: Shape = (1, rows, width, operator.output.shape[3])
    graph.rewire(operator, ACTIVATIONS, source)
    operator.options.dilationHFactor = height
    for tensor in followers:
        tensor.shape = shape
    removed = [view]
    for tensor in followers:
        for reader in graph.consumers(tensor):
            if reader.kind == Kind.RESHAPE and reader.output.shape == shape:
                graph.replace(reader.output, tensor)
                removed.append(reader)
    graph.remove(removed)


PASS = Pass(
    "temporal convolutions", "convolutions over time read past frames without a reshape", effect="none", apply=apply
)
