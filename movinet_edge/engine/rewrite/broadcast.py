"""Removes BROADCAST_TO in front of arithmetic that broadcasts by itself.

Pattern: BROADCAST_TO of float values, read by ADD, SUB, MUL or DIV alone. Older converters write it for each
squeeze-excite gate; XNNPACK does not take it, and LiteRT's own kernel copies value by value.
Precondition: the reader's result has the same shape without it.
Bit-exact: yes.
"""

from movinet_edge.engine.rewrite.graph import ARITHMETIC, Graph, Kind, Operator, Shape, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally
from movinet_edge.engine.rewrite.shapes import output_shape


def apply(graph: Graph) -> Tally:
    """Let the arithmetic read the small value."""
    tally = Tally()
    removed = []
    for operator in graph.of_kind(Kind.BROADCAST_TO):
        small, large = operator.input(0), operator.output
        if not small.is_float() or graph.is_output(large):
            tally.left["not float, or an output"] += 1
        elif not all(_broadcasts(reader, large, small) for reader in graph.consumers(large)):
            tally.left["read by something that needs the full shape"] += 1
        else:
            graph.replace(large, small)
            removed.append(operator)
    graph.remove(removed)
    tally.changed = len(removed)
    return tally


def _broadcasts(reader: Operator, large: Tensor, small: Tensor) -> bool:
    if reader.kind not in ARITHMETIC:
        return False
    shapes: list[Shape] = [small.shape if t is large else t.shape for t in reader.inputs if t is not None]
    try:
        return (
            output_shape(Operator(reader.kind, [Tensor("", s, small.dtype) for s in shapes], [])) == reader.output.shape
        )
    except ValueError:
        return False


PASS = Pass("broadcasts", "gates are multiplied without being copied to full size first", effect="none", apply=apply)
