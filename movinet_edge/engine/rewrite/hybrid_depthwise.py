"""Turns int8 weights of depthwise convolutions on float values into float weights.

Pattern: DEPTHWISE_CONV_2D with float activations and constant int8 weights. XNNPACK has no such kernel, so the
operator splits the graph and runs on LiteRT's slow one; the weights are few.
Precondition: none.
Bit-exact: no, and closer to the float model: the plain kernel rounds the activations to 8 bits, this one does not.
"""

from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import ACTIVATIONS, WEIGHTS, Graph, Kind, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally


def apply(graph: Graph) -> Tally:
    """Store the weights as float32."""
    tally = Tally()
    for operator in graph.of_kind(Kind.DEPTHWISE_CONV_2D):
        weights = operator.input(WEIGHTS)
        if operator.input(ACTIVATIONS).is_float() and weights.is_int8() and weights.data is not None:
            graph.rewire(operator, WEIGHTS, Tensor.constant(weights.name, real_values(weights)))
            tally.changed += 1
    return tally


PASS = Pass(
    "depthwise weights", "depthwise convolutions on float values have float weights", effect="values", apply=apply
)
