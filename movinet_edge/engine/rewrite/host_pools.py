"""Gives the sums of the pools to the host: the graph takes a sum in and says what this frame adds to it.

Pattern: a float state that is added to one tensor, and whose sum goes out and is divided by the frame count.
Precondition: nothing but that ADD reads the state, and the tensor added has the state's shape.
Bit-exact: yes, as the host adds in float32 too. The host can forget old frames exactly, because it gets each frame's
part as it is and not as the difference of two sums.
"""

from movinet_edge.engine.rewrite.graph import Graph, Kind
from movinet_edge.engine.rewrite.passes import Pass, Tally

POOL = "_pool_buffer"
"""How the name of a pool's sum ends."""


def contribution_key(state: str) -> str:
    """Key of the output that says what the frame adds to the sum that went in as `state`."""
    return f"{state}_contribution"


def apply(graph: Graph) -> Tally:
    """Hand out what is added in the place of the sum."""
    tally = Tally()
    for key in [key for key in graph.inputs if key.endswith(POOL) and key in graph.outputs]:
        state = graph.inputs[key]
        addition = graph.only_consumer(state)
        if addition is None or addition.kind != Kind.ADD or addition.activation() or not state.is_float():
            tally.left["the sum is used in another way"] += 1
            continue
        parts = [tensor for tensor in addition.inputs if tensor is not state]
        if len(parts) != 1 or parts[0] is None or parts[0].shape != state.shape or parts[0].data is not None:
            tally.left["what is added has another shape"] += 1
        elif graph.outputs[key] is not addition.output:
            tally.left["the sum is changed before it goes out"] += 1
        else:
            del graph.outputs[key]
            graph.outputs[contribution_key(key)] = parts[0]
            tally.changed += 1
    return tally


PASS = Pass("pools", "the host keeps the pools' sums, the graph says what a frame adds", effect="none", apply=apply)
