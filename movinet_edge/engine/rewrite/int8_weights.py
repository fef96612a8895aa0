"""Turns float weights of convolutions into int8 ones with a scale per output: the dynamic-range form.

Pattern: CONV_2D with float activations and constant float weights.
Precondition: it is worth it: not a convolution with few inputs on a map (see `small_convolutions`).
Bit-exact: no. It is what a converter does for a dynamic-range file.
"""

from movinet_edge.engine.rewrite.constants import int8_weights
from movinet_edge.engine.rewrite.graph import ACTIVATIONS, WEIGHTS, Graph, Kind
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.small_convolutions import is_small

HYBRID_VERSION = 5
"""The first version of CONV_2D that takes float activations with int8 weights per output."""


def apply(graph: Graph) -> Tally:
    """Quantise the weights."""
    tally = Tally()
    for operator in graph.of_kind(Kind.CONV_2D):
        weights = operator.input(WEIGHTS)
        if not operator.input(ACTIVATIONS).is_float() or not weights.is_float() or weights.data is None:
            continue
        if is_small(operator):
            tally.left["few inputs: float is faster"] += 1
            continue
        graph.rewire(operator, WEIGHTS, int8_weights(weights.name, weights.data))
        operator.version = max(operator.version, HYBRID_VERSION)
        tally.changed += 1
    return tally


PASS = Pass("int8 weights", "float weights of convolutions are stored in 8 bits", effect="values", apply=apply)
