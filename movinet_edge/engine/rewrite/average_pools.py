"""Averages int8 maps in float, because XNNPACK has no kernel for int8 averages.

Pattern: AVERAGE_POOL_2D of int8 values; each takes a quarter of the official A0's time as it stands.
Precondition: none.
Bit-exact: no: a tie between two steps may round the other way.
"""

import numpy as np

from movinet_edge.engine.rewrite.graph import Graph, Kind, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.schema import new_operator


def apply(graph: Graph) -> Tally:
    """Dequantise, average, quantise."""
    tally = Tally()
    for pool in graph.of_kind(Kind.AVERAGE_POOL_2D):
        source, result = pool.input(0), pool.output
        if not source.is_int8() or not result.is_int8():
            continue
        before, after = (Tensor(f"{t.name}_float", t.shape, np.dtype(np.float32)) for t in (source, result))
        average = type(pool)(Kind.AVERAGE_POOL_2D, [before], [after], pool.options)
        graph.insert_before(
            pool,
            new_operator(Kind.DEQUANTIZE, [source], before, version=2),
            average,
            new_operator(Kind.QUANTIZE, [after], result),
        )
        graph.remove([pool])
        tally.changed += 1
    return tally


PASS = Pass("int8 averages", "average pools of int8 maps are computed in float", effect="values", apply=apply)
