"""Takes past frames in one by one and gives back the newest alone: the host turns its buffers round.

Pattern: CONCATENATION of a state of T stacked frames and the newest one, and a slice of it, without the oldest frame,
that goes out as the state.
Precondition: nothing else happens to the state, its slice or the newest frame's place in it, and T + 1 parts are no
more than XNNPACK joins at once.
Bit-exact: yes. No frame is copied from an old place to a new one any more.
"""

from movinet_edge.engine.rewrite.graph import Graph, Kind, Operator, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.shapes import slice_ranges

_MOST_PARTS = 5
"""XNNPACK joins two to five tensors; a longer CONCATENATION would leave the fast path."""


def frame_key(state: str, age: int) -> str:
    """Key of the input for a past frame; 1 is the last frame before this one."""
    return f"{state}_ago{age}"


def newest_key(state: str) -> str:
    """Key of the output that holds what this frame leaves."""
    return f"{state}_newest"


def apply(graph: Graph) -> Tally:
    """Split every state that can be."""
    tally = Tally()
    removed = []
    for join in graph.of_kind(Kind.CONCATENATION):
        key = next((key for key, tensor in graph.inputs.items() if tensor is join.inputs[0]), None)
        if key is None or key not in graph.outputs or len(join.inputs) != 2 or join.options.axis != 1:
            continue
        newest, state = join.input(1), join.input(0)
        cut = graph.producer(graph.outputs[key])
        frames, rest = divmod(state.shape[1], newest.shape[1])
        if cut is None or not _drops_oldest(graph, join, cut) or rest:
            tally.left["the state is more than the last frames"] += 1
        elif frames + 1 > _MOST_PARTS:
            tally.left["too many frames to be joined at once"] += 1
        elif state.quantization is not None and not state.quantization.same_as(newest.quantization):
            tally.left["old and new frames are quantised differently"] += 1
        else:
            _split(graph, key, join, frames)
            removed.append(cut)
            tally.changed += 1
    graph.remove(removed)
    return tally


def _drops_oldest(graph: Graph, join: Operator, cut: Operator) -> bool:
    if cut.kind not in {Kind.SLICE, Kind.STRIDED_SLICE} or cut.input(0) is not join.output:
        return False
    if graph.only_consumer(join.input(0)) is not join or graph.consumers(cut.output):
        return False
    shape, height = join.output.shape, join.input(1).shape[1]
    whole = [(0, length, 1) for length in shape]
    whole[1] = (height, shape[1], 1)
    return slice_ranges(cut) == whole


def _split(graph: Graph, key: str, join: Operator, frames: int) -> None:
    state, newest = join.input(0), join.input(1)
    past = [
        Tensor(frame_key(key, age), newest.shape, state.dtype, None, state.quantization) for age in range(frames, 0, -1)
    ]
    del graph.inputs[key], graph.outputs[key]
    graph.inputs |= {tensor.name: tensor for tensor in past}
    graph.outputs[newest_key(key)] = newest
    join.inputs = [*past, newest]
    graph.rewire(join, frames, newest)


PASS = Pass(
    "one-frame states", "each frame leaves one frame, and the host turns buffers round", effect="none", apply=apply
)
