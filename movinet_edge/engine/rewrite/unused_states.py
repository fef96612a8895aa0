"""Removes states that the graph hands through and never looks at.

Pattern: an input that no operator reads and that is its own output, as the squeeze-excite pools of official int8 files.
Precondition: none.
Bit-exact: yes.
"""

from movinet_edge.engine.rewrite.graph import Graph
from movinet_edge.engine.rewrite.passes import Pass, Tally


def apply(graph: Graph) -> Tally:
    """Drop them from the signature."""
    unused = [
        key for key, tensor in graph.inputs.items() if graph.outputs.get(key) is tensor and not graph.consumers(tensor)
    ]
    for key in unused:
        del graph.inputs[key], graph.outputs[key]
    return Tally(len(unused))


PASS = Pass("unused states", "states that nothing reads are gone", effect="none", apply=apply)
