"""Replaces the frame counter of every pool by one number that the host gives.

Pattern: an int32 state, ADD of 1, RESHAPE and CAST, and the result as the divisor of a pool's sum. All counters count
the same frames. XNNPACK takes no integers, so each of them cuts the graph.
Precondition: every counter of the graph is used like that and in no other way, and all sums have one rank; else none is
changed.
Bit-exact: yes, as long as the host counts as the graph did: 1 for the first frame after a reset.
"""

import numpy as np

from movinet_edge.engine.rewrite.graph import Graph, Kind, Operator, Tensor
from movinet_edge.engine.rewrite.passes import Pass, Tally

COUNT = "frame_count"
"""Key of the new input: one float32, in the rank of what it divides: the frames in the pools' sums with this one."""


def apply(graph: Graph) -> Tally:
    """One input in the place of all counters."""
    tally = Tally()
    counters = [key for key, t in graph.inputs.items() if t.dtype == np.int32 and key in graph.outputs]
    chains = {key: chain for key in counters if (chain := _chain(graph, key)) is not None}
    if len(chains) < len(counters):
        tally.left["a counter is used in another way"] += len(counters) - len(chains)
        return tally
    ranks = {len(d.input(0).shape) for chain in chains.values() for d in graph.consumers(chain[-1].output)}
    if len(ranks) > 1:
        tally.left["it divides sums of several ranks"] += len(chains)
        return tally
    count = Tensor(COUNT, (1,) * max(ranks, default=1), np.dtype(np.float32))
    for key, chain in chains.items():
        del graph.inputs[key], graph.outputs[key]
        for division in list(graph.consumers(chain[-1].output)):
            graph.rewire(division, 1, count)
        graph.remove(chain)
        graph.inputs[COUNT] = count
    tally.changed = len(chains)
    return tally


def _chain(graph: Graph, key: str) -> list[Operator] | None:
    """The operators from the counter to the divisor; None when anything else happens to it."""
    step = graph.only_consumer(graph.inputs[key])
    if step is None or step.kind != Kind.ADD or step.output is not graph.outputs[key] or not _adds_one(step):
        return None
    chain = [step]
    readers = graph.consumers(step.output)
    while len(readers) == 1 and readers[0].kind in {Kind.RESHAPE, Kind.CAST}:
        chain.append(readers[0])
        if graph.is_output(chain[-1].output):
            return None
        readers = graph.consumers(chain[-1].output)
    divisor = chain[-1].output
    divides = all(r.kind == Kind.DIV and r.input(1) is divisor and r.input(0) is not divisor for r in readers)
    return chain if readers and divides and divisor.is_float() and divisor.size == 1 else None


def _adds_one(step: Operator) -> bool:
    constants = [tensor.data for tensor in step.inputs if tensor is not None and tensor.data is not None]
    return len(constants) == 1 and constants[0].size == 1 and int(constants[0].reshape(-1)[0]) == 1


PASS = Pass("counters", "the host counts frames, once for all pools", effect="none", apply=apply)
