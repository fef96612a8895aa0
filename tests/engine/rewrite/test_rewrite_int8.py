"""Passes on quantised graphs, and the arithmetic of quantised constants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from small_graphs import PAST, SIDE_PX, Plain, pictures, run
from small_int8 import SCALED, small_int8, steps

from movinet_edge.engine.rewrite import (
    average_pools,
    few_channels,
    float_activations,
    float_pools,
    hybrid_depthwise,
    int8_borders,
    rank_four,
    rezero,
    temporal,
)
from movinet_edge.engine.rewrite.constants import int8_weights, real_values
from movinet_edge.engine.rewrite.graph import Kind, Quantization, Tensor
from movinet_edge.engine.rewrite.recipes import family_of
from movinet_edge.engine.rewrite.shapes import check_graph

STEP = 0.005
"""One step of the small graph's logits."""

# pass → passes before it, places it changes, steps of the logits that it may change
ALONE = [
    (int8_borders.PASS, (), 2, 0),
    (rank_four.PASS, (), None, 0),
    (temporal.PASS, (rank_four.PASS,), 1, 0),
    (average_pools.PASS, (), 1, 1),
    (few_channels.PASS, (), 2, 4),
    (rezero.PASS, (rank_four.PASS,), 1, 2),
    (float_pools.PASS, (), 1, 4),
    (float_activations.PASS, (), None, 5),
]


@pytest.mark.parametrize(("step", "before", "places", "apart"), ALONE, ids=lambda value: getattr(value, "name", None))
def test_pass_keeps_the_logits(step, before, places, apart):
    graph, reference = small_int8(), small_int8()
    for earlier in before:
        earlier.apply(graph)
        earlier.apply(reference)
    images = pictures(9)
    expected = run(Plain(reference), images)
    tally = step.apply(graph)
    graph.remove_unused()
    check_graph(graph)
    assert tally.changed == places or (places is None and tally.changed > 0)
    if step is float_activations.PASS:
        hybrid_depthwise.apply(graph)
    assert np.ptp(expected) > 20 * STEP
    np.testing.assert_allclose(run(Plain(graph), images), expected, rtol=0, atol=apart * STEP + 1e-6)


def test_families():
    assert family_of(small_int8()) == "int8"
    assert family_of(small_int8(hard_swish=True)) == "int8 with gates"


def test_float_activations_leave_int8_weights_and_nothing_else_in_int8():
    graph = small_int8(hard_swish=True)
    float_activations.apply(graph)
    assert not graph.of_kind(Kind.QUANTIZE, Kind.DEQUANTIZE)
    left = [tensor for tensor in graph.tensors() if tensor.dtype == np.int8]
    assert [tensor.shape for tensor in left] == [
        operator.input(1).shape for operator in graph.of_kind(Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D)
    ]
    for convolution in graph.of_kind(Kind.CONV_2D):
        assert convolution.input(1).quantization.scale.size == convolution.output.shape[-1]


def test_the_first_convolution_takes_the_picture_as_it_is():
    graph = small_int8()
    few_channels.apply(graph)
    rank_four.apply(graph)
    stem = graph.consumers(graph.inputs["image"])
    assert [operator.kind for operator in stem] == [Kind.CONV_2D]
    assert stem[0].input(1).dtype == np.float32


def test_a_convolution_next_to_the_picture_without_bias_stays_as_it_is():
    graph = small_int8()
    stem = graph.of_kind(Kind.CONV_2D)[0]
    stem.inputs[2] = None
    tally = few_channels.apply(graph)
    assert stem in graph.operators
    assert tally.changed == 1
    assert tally.left == {"its weights or bias are no constants": 1}


def test_an_int8_state_begins_as_its_zero_point():
    graph = small_int8()
    int8_borders.apply(graph)
    assert graph.inputs[PAST].dtype == np.int8
    assert graph.inputs[PAST].quantization.same_as(SCALED)


def test_a_state_that_goes_out_in_other_steps_stays_a_float():
    graph = small_int8()
    cut = graph.of_kind(Kind.STRIDED_SLICE)[0]
    cut.output.quantization = steps(0.5, 0)
    tally = int8_borders.apply(graph)
    assert graph.inputs[PAST].dtype == graph.outputs[PAST].dtype == np.float32
    assert tally.left.total() == 1


def test_the_sum_of_an_int8_file_stops_growing_and_that_of_a_rewritten_one_does_not():
    image = np.ones((SIDE_PX, SIDE_PX, 3), np.float32)
    sums = []
    for passes in ((), (float_pools,)):
        graph = small_int8()
        for step in passes:
            step.apply(graph)
        model = Plain(graph)
        run(model, [image] * 400)
        at_400 = np.abs(model.states["state_head_pool_buffer"])
        for _ in range(100):
            model.logits(image)
        sums.append(np.abs(model.states["state_head_pool_buffer"]) - at_400)
    stuck, growing = sums
    assert stuck.max() < growing.max() / 2


@pytest.mark.parametrize("factor", [0.0, -0.9, 0.9])
def test_rezero_of_any_sign_is_folded(factor):
    graph, reference = small_int8(factor=factor), small_int8(factor=factor)
    rank_four.apply(graph)
    rezero.apply(graph)
    assert not graph.of_kind(Kind.MUL)
    images = pictures(5)
    np.testing.assert_allclose(run(Plain(graph), images), run(Plain(reference), images), rtol=0, atol=5 * STEP)


@pytest.mark.parametrize("factor", [1.0, -1.0, 0.5, 1e-9, 0.0])
def test_weights_times_a_factor(factor):
    stored = np.array([[-128, 127], [5, -5]], np.int8).reshape(2, 1, 1, 2)
    weights = Tensor.constant("w", stored, Quantization.symmetric(np.array([0.5, 0.25])))
    scaled = rezero._scaled(weights, np.full(2, factor))
    assert (scaled.quantization.scale > 1e-6).all()
    np.testing.assert_allclose(real_values(scaled), real_values(weights) * factor, atol=0.5)
    assert np.abs(scaled.data.astype(int)).max() <= 127


SCALES = st.floats(2**-20, 2**10, width=32)


@given(
    hnp.arrays(np.int8, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.integers(-127, 127)),
    st.data(),
)
def test_stored_weights_mean_what_they_meant(stored, data):
    scale = data.draw(hnp.arrays(np.float32, stored.shape[0], elements=SCALES))
    tensor = Tensor.constant("w", stored, Quantization.symmetric(scale))
    np.testing.assert_allclose(real_values(tensor), stored * scale[:, None], rtol=1e-6)


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(-8, 8, width=32)))
def test_weights_in_8_bits_are_half_a_step_away_at_most(weights):
    tensor = int8_weights("w", weights)
    largest = np.abs(weights).max(axis=1, keepdims=True)
    assert tensor.dtype == np.int8
    assert np.abs(tensor.data.astype(int)).max(initial=0) <= 127
    assert (np.abs(real_values(tensor) - weights) <= largest / 127 * 0.501 + 1e-12).all()
