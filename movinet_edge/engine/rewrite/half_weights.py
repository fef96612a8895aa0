"""Turns float16 constants into float32 ones.

Pattern: DEQUANTIZE of a float16 constant, as float16 exports have it before each use.
Precondition: none; every float16 value is a float32 value.
Bit-exact: yes. It makes the weights visible to the passes that fold or quantise them.
"""

import numpy as np

from movinet_edge.engine.rewrite.graph import Graph, Kind, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally


def apply(graph: Graph) -> Tally:
    """Put the float32 constant in the place of operator and float16 constant."""
    removed = []
    for operator in graph.of_kind(Kind.DEQUANTIZE):
        half = operator.input(0)
        if half.data is not None and half.dtype == np.float16 and not graph.is_output(operator.output):
            graph.replace(operator.output, Tensor.constant(half.name, half.data.astype(np.float32)))
            removed.append(operator)
    graph.remove(removed)
    return Tally(len(removed))


PASS = Pass("float16 constants", "float16 weights become float32", effect="none", apply=apply)
