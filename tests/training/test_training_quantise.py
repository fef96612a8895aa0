"""The arithmetic of the quantisation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.random_network import random_arrays

from movinet_edge.engine.rewrite.constants import real_values
from movinet_edge.engine.rewrite.graph import BIAS, WEIGHTS, Kind
from movinet_edge.training.export import float_graph
from movinet_edge.training.folding import Folded, fold
from movinet_edge.training.quantise import RangesError, quantise, steps_for

SIZE_PX = 32
FINITE = st.floats(-1e3, 1e3, allow_nan=False)


@given(FINITE, FINITE)
def test_steps_reach_both_ends_and_hit_zero(one: float, other: float):
    lowest, highest = min(one, other), max(one, other)
    steps = steps_for(lowest, highest)
    scale, zero_point = float(steps.scale[0]), int(steps.zero_point[0])
    assert -128 <= zero_point <= 127
    assert scale > 0
    reach = [(stored - zero_point) * scale for stored in (-128, 127)]
    # Zero sits on a step, so both ends may be off by up to half of one, and never by more.
    assert reach[0] <= min(lowest, 0.0) + 0.501 * scale
    assert reach[1] >= max(highest, 0.0) - 0.501 * scale


def _ranges(graph) -> dict[str, tuple[float, float]]:
    return {t.name: (-4.0, 7.0) for operator in graph.operators for t in operator.outputs if "head." not in t.name}


def test_weights_and_biases_are_within_half_a_step():
    folded = fold(random_arrays())
    graph = quantise(float_graph(folded, SIZE_PX), _ranges(float_graph(folded, SIZE_PX)))
    seen = 0
    for operator in graph.of_kind(Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D):
        part = folded[operator.output.name]
        for position, real in ((WEIGHTS, part.weights), (BIAS, part.bias)):
            stored = operator.input(position)
            steps = np.broadcast_to(stored.quantization.scale, real.shape[-1:] if part.depthwise else real.shape[:1])
            along = steps if part.depthwise or real.ndim == 1 else steps.reshape(-1, 1, 1, 1)
            assert (np.abs(real_values(stored) - real) <= 0.501 * along + 1e-7).all(), operator.output.name
        seen += 1
    assert seen == len(folded)


def test_what_relu6_cuts_off_gets_no_steps():
    folded = fold(random_arrays())
    graph = quantise(float_graph(folded, SIZE_PX), _ranges(float_graph(folded, SIZE_PX)))
    clamped = [o.output.quantization for o in graph.of_kind(Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D) if o.activation()]
    assert len(clamped) > 20
    assert {(float(q.scale[0]), int(q.zero_point[0])) for q in clamped} == {(np.float32(6 / 255), -128)}


def test_a_channel_without_weights_keeps_its_bias():
    folded = fold(random_arrays())
    weights = folded["head"].weights.copy()
    weights[7] = 0.0
    folded["head"] = Folded(weights, folded["head"].bias)
    graph = quantise(float_graph(folded, SIZE_PX), _ranges(float_graph(folded, SIZE_PX)))
    head = next(o for o in graph.operators if o.output.name == "head")
    assert real_values(head.input(BIAS))[7] == pytest.approx(folded["head"].bias[7], rel=1e-3)


def test_tells_what_calibration_did_not_see():
    graph = float_graph(fold(random_arrays()), SIZE_PX)
    ranges = _ranges(graph)
    del ranges["block3_layer2.time"]
    with pytest.raises(RangesError, match=r"block3_layer2\.time"):
        quantise(graph, ranges)
