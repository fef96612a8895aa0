"""Lets int8 states go out and come in as they are inside the graph.

Pattern: a float state that is quantised as it comes in and dequantised as it goes out.
Precondition: both say the same scale and zero point, so that the two undo each other; nothing else reads the state.
Bit-exact: yes. A state begins as its zero point, where it began as 0.0.
"""

from movinet_edge.engine.rewrite.graph import Graph, Kind
from movinet_edge.engine.rewrite.passes import Pass, Tally


def apply(graph: Graph) -> Tally:
    """Move the border inwards."""
    tally = Tally()
    removed = []
    for key in [key for key in graph.inputs if key in graph.outputs]:
        entry, leaving = graph.only_consumer(graph.inputs[key]), graph.producer(graph.outputs[key])
        if entry is None or entry.kind != Kind.QUANTIZE or leaving is None or leaving.kind != Kind.DEQUANTIZE:
            continue
        inside, came = entry.output, leaving.input(0)
        if (
            inside.quantization is None
            or inside.dtype != came.dtype
            or not inside.quantization.same_as(came.quantization)
        ):
            tally.left["it goes out in other steps than it comes in"] += 1
            continue
        removed.append(entry)
        if not graph.consumers(graph.outputs[key]):
            removed.append(leaving)
        graph.inputs[key], graph.outputs[key] = inside, came
        tally.changed += 1
    graph.remove(removed)
    return tally


PASS = Pass("int8 states", "int8 states are kept as they are, not as floats", effect="none", apply=apply)
