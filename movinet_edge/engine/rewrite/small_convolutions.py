"""Turns int8 weights of convolutions with few inputs on float values into float weights.

Pattern: CONV_2D with float activations and constant int8 weights, whose sums have at most `FEWEST_INPUTS` terms.
Precondition: the map is larger than one value (those of squeeze-excite read their weights once; there bytes count).
Bit-exact: no, and closer to the float model, whose activations are not rounded to 8 bits here.
"""

from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import ACTIVATIONS, WEIGHTS, Graph, Kind, Operator, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally

FEWEST_INPUTS = 27
"""Up to here it costs more to round the activations than the shorter products save: measured on A0, 0.93 → 0.73 ms for
24, and another 14 % for the first convolution's 3 × 3 pixels of 3 colours. Nothing is won above that."""


def apply(graph: Graph) -> Tally:
    """Store the weights as float32."""
    tally = Tally()
    for operator in graph.of_kind(Kind.CONV_2D):
        weights = operator.input(WEIGHTS)
        hybrid = operator.input(ACTIVATIONS).is_float() and weights.is_int8() and weights.data is not None
        if hybrid and is_small(operator):
            graph.rewire(operator, WEIGHTS, Tensor.constant(weights.name, real_values(weights)))
            tally.changed += 1
    return tally


def is_small(operator: Operator) -> bool:
    """True for a CONV_2D with few inputs on a map."""
    weights, (_, height, width, _) = operator.input(WEIGHTS), operator.output.shape
    return weights.size // weights.shape[0] <= FEWEST_INPUTS and height * width > 1


PASS = Pass("small convolutions", "convolutions with few inputs have float weights", effect="values", apply=apply)
