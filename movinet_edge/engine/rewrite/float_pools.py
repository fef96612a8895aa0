"""Keeps the running sums of int8 files as floats, so that they no longer stop growing.

Pattern: a float state that is quantised, added to an int8 tensor, and dequantised again.
Precondition: all that reads the int8 sum dequantises it.
Bit-exact: no, and that is the point: the official file's sum ends at 147 after half a minute while the count goes on.
"""

import numpy as np

from movinet_edge.engine.rewrite.graph import Graph, Kind, Operator, Tensor
from movinet_edge.engine.rewrite.host_pools import POOL
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.schema import new_operator

_INT8_DEQUANTIZE_VERSION = 2


def apply(graph: Graph) -> Tally:
    """Dequantise what is added, and add in float."""
    tally = Tally()
    for key in [key for key in graph.inputs if key.endswith(POOL)]:
        entry = graph.only_consumer(graph.inputs[key])
        if entry is None or entry.kind != Kind.QUANTIZE:
            continue
        addition = graph.only_consumer(entry.output)
        readers = [] if addition is None else graph.consumers(addition.output)
        if addition is None or addition.kind != Kind.ADD or addition.activation():
            tally.left["the sum is used in another way"] += 1
        elif any(reader.kind != Kind.DEQUANTIZE for reader in readers) or graph.is_output(addition.output):
            tally.left["something reads the int8 sum"] += 1
        else:
            _float_sum(graph, graph.inputs[key], entry, addition)
            tally.changed += 1
    return tally


def _float_sum(graph: Graph, total: Tensor, entry: Operator, addition: Operator) -> None:
    added = next(tensor for tensor in addition.inputs if tensor is not None and tensor is not entry.output)
    contribution = Tensor(f"{added.name}_float", added.shape, np.dtype(np.float32))
    result = Tensor(f"{addition.output.name}_float", addition.output.shape, np.dtype(np.float32))
    leaving = list(graph.consumers(addition.output))
    graph.insert_before(
        addition,
        new_operator(Kind.DEQUANTIZE, [added], contribution, version=_INT8_DEQUANTIZE_VERSION),
        new_operator(Kind.ADD, [total, contribution], result),
    )
    for reader in leaving:
        graph.replace(reader.output, result)
    graph.remove([entry, addition, *leaving])


PASS = Pass("float pools", "running sums are floats and never stop growing", effect="values", apply=apply)
