"""Every pass on a small graph: what it changes, that logits stay what they were, and what it leaves alone."""

import copy
import sys

import numpy as np
import pytest
from small_graphs import PAST, POOLS, Parts, Plain, SmallSpec, pictures, run, small_movinet

from movinet_edge.engine.rewrite import (
    broadcast,
    counters,
    half_weights,
    host_pools,
    hybrid_depthwise,
    int8_weights,
    one_frame,
    rank_four,
    rezero,
    small_convolutions,
    temporal,
    unused_states,
)
from movinet_edge.engine.rewrite.graph import Graph, Kind
from movinet_edge.engine.rewrite.recipes import family_of, recipe_for
from movinet_edge.engine.rewrite.shapes import check_graph
from movinet_edge.engine.rewrite.writing import write_graph

# The largest difference that each kind of effect may have on the logits, whose spread is about 0.8.
TOLERANCE = {"none": 0.0, "rounding": 1e-6, "values": 0.02}

# pass → the graph that shows its pattern, passes that come before it, places it changes
ALONE = [
    (broadcast.PASS, SmallSpec(), (), 1),
    (half_weights.PASS, SmallSpec(half=True), (), 16),
    (hybrid_depthwise.PASS, SmallSpec(hybrid=True), (), 1),
    (small_convolutions.PASS, SmallSpec(hybrid=True), (), 4),
    (int8_weights.PASS, SmallSpec(), (), 3),
    (rank_four.PASS, SmallSpec(broadcast=False), (), None),
    (rank_four.PASS, SmallSpec(swish=True), (broadcast.PASS,), None),
    (temporal.PASS, SmallSpec(broadcast=False), (rank_four.PASS,), 1),
    (temporal.PASS, SmallSpec(kernel=5, broadcast=False), (rank_four.PASS,), 1),
    (rezero.PASS, SmallSpec(broadcast=False), (rank_four.PASS,), 1),
    (rezero.PASS, SmallSpec(hybrid=True, broadcast=False), (hybrid_depthwise.PASS, rank_four.PASS), 1),
]
STRUCTURE = recipe_for("float32").structure


FAMILIES = ("float32", "float16", "dynamic", "int8", "int8 with gates")
EVERY = {step for family in FAMILIES for step in recipe_for(family, machine="x86_64").values} | set(STRUCTURE)


def changed_graph(spec, *passes):
    graph = small_movinet(spec)
    tallies = [step.apply(graph) for step in passes]
    graph.remove_unused()
    check_graph(graph)
    return graph, tallies


@pytest.mark.parametrize(("step", "spec", "before", "places"), ALONE, ids=lambda value: getattr(value, "name", None))
def test_pass_keeps_the_logits(step, spec, before, places):
    images = pictures(9)
    expected = run(Plain(changed_graph(spec, *before)[0]), images)
    graph, tallies = changed_graph(spec, *before, step)
    assert tallies[-1].changed == places or (places is None and tallies[-1].changed > 0)
    found = run(Plain(graph), images)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[step.effect])


@pytest.mark.parametrize("step", {step: None for step, *_ in ALONE} | dict.fromkeys(STRUCTURE), ids=lambda s: s.name)
def test_pass_does_nothing_where_its_pattern_is_absent(step):
    parts = Parts()
    image = parts.input("image", (1, 8, 8, 3))
    parts.graph.outputs["logits"] = parts.add(Kind.HARD_SWISH, [image], image.shape)
    before = write_graph(parts.graph, "x")
    tally = step.apply(parts.graph)
    assert (tally.changed, dict(tally.left)) == (0, {})
    assert write_graph(parts.graph, "x") == before


@pytest.mark.parametrize("step", STRUCTURE, ids=lambda s: s.name)
def test_pass_does_nothing_the_second_time(step):
    graph, _ = changed_graph(SmallSpec(), *STRUCTURE)
    before = write_graph(graph, "x")
    assert step.apply(graph).changed == 0
    assert write_graph(graph, "x") == before


@pytest.mark.parametrize("step", sorted(EVERY, key=lambda s: s.name), ids=lambda s: s.name)
def test_every_pass_says_what_it_looks_for_and_whether_it_is_exact(step):
    text = sys.modules[step.apply.__module__].__doc__
    assert "\nPattern: " in text
    assert "\nPrecondition: " in text or "\nBit-exact: yes" in text
    assert text.split("\nBit-exact: ")[1].startswith("yes" if step.effect == "none" else "no")


def test_the_float_recipe_leaves_nothing_that_cuts_the_graph():
    graph, _ = changed_graph(SmallSpec(), *STRUCTURE)
    assert all(len(tensor.shape) <= 4 for tensor in graph.tensors())
    assert not graph.of_kind(Kind.BROADCAST_TO, Kind.CAST, Kind.STRIDED_SLICE)
    assert {tensor.dtype for tensor in graph.inputs.values()} == {np.dtype(np.float32)}
    assert list(graph.inputs) == [
        "image",
        *(f"{name}_pool_buffer" for name in POOLS),
        counters.COUNT,
        f"{PAST}_ago2",
        f"{PAST}_ago1",
    ]
    assert set(graph.outputs) == {
        "logits",
        f"{PAST}_newest",
        *(f"{name}_pool_buffer_contribution" for name in POOLS),
    }


@pytest.mark.parametrize(
    ("spec", "family"),
    [
        (SmallSpec(), "float32"),
        (SmallSpec(half=True), "float16"),
        (SmallSpec(hybrid=True), "dynamic"),
    ],
)
def test_family(spec, family):
    assert family_of(small_movinet(spec)) == family


class TestLeft:
    """What looks like a pattern and is none."""

    def left(self, graph: Graph, step) -> str:
        before = [copy.copy(operator.inputs) for operator in graph.operators]
        tally = step.apply(graph)
        assert tally.changed == 0
        assert [operator.inputs for operator in graph.operators] == before
        return " ".join(tally.left)

    def test_factor_that_differs_from_pixel_to_pixel(self):
        graph, _ = changed_graph(SmallSpec(rezero_map=True, broadcast=False), rank_four.PASS)
        assert "pixel" in self.left(graph, rezero)

    def test_factor_behind_a_result_that_others_read(self):
        graph, _ = changed_graph(SmallSpec(broadcast=False), rank_four.PASS)
        product = next(o for o in graph.of_kind(Kind.MUL) if o.input(1).data is not None and o.input(1).size > 1)
        graph.outputs["state_other"] = product.input(0)
        assert "another reader" in self.left(graph, rezero)

    def test_broadcast_for_something_else_than_arithmetic(self):
        graph = small_movinet()
        wide = graph.of_kind(Kind.BROADCAST_TO)[0].output
        graph.outputs["state_other"] = wide
        assert "output" in self.left(graph, broadcast)

    def test_rank_five_operator_that_needs_time(self):
        assert "BROADCAST_TO" in self.left(small_movinet(), rank_four)

    def test_counter_that_counts_by_two(self):
        graph = small_movinet()
        step = graph.consumers(graph.inputs[f"{POOLS[0]}_pool_frame_count"])[0]
        step.inputs[1] = Parts().constant(2, np.int32)
        assert "counter" in self.left(graph, counters)

    def test_counter_that_is_read_elsewhere(self):
        graph = small_movinet()
        graph.outputs["state_other"] = graph.outputs[f"{POOLS[1]}_pool_frame_count"]
        graph.of_kind(Kind.CAST)[1].inputs[0] = graph.inputs[f"{POOLS[1]}_pool_frame_count"]
        assert "counter" in self.left(graph, counters)

    def test_pool_whose_sum_is_changed_before_it_goes_out(self):
        graph = small_movinet()  # the slice that leaves nothing out is still there
        assert "before it goes out" in self.left(graph, host_pools)

    def test_more_frames_than_are_joined_at_once(self):
        graph, _ = changed_graph(SmallSpec(kernel=6, broadcast=False), rank_four.PASS)
        assert "too many" in self.left(graph, one_frame)

    def test_state_that_loses_two_frames(self):
        graph, _ = changed_graph(SmallSpec(kernel=3, broadcast=False), rank_four.PASS)
        cut = graph.of_kind(Kind.STRIDED_SLICE)[0]
        cut.inputs[1] = Parts().constant([0, 8, 0, 0], np.int32)
        assert "more than the last frames" in self.left(graph, one_frame)

    def test_temporal_convolution_whose_view_is_read_elsewhere(self):
        graph, _ = changed_graph(SmallSpec(broadcast=False), rank_four.PASS)
        view = graph.producer(graph.of_kind(Kind.DEPTHWISE_CONV_2D)[0].input(0))
        graph.outputs["state_other"] = view.output
        assert "over time" in self.left(graph, temporal)

    def test_convolutions_on_maps_with_few_inputs_keep_float_weights(self):
        graph = small_movinet()
        tally = int8_weights.apply(graph)
        kept = [o.input(1) for o in graph.of_kind(Kind.CONV_2D) if o.input(1).dtype == np.float32]
        assert sum(tally.left.values()) == len(kept) == 4
        assert all(weights.size // weights.shape[0] <= small_convolutions.FEWEST_INPUTS for weights in kept)


def test_unused_states_are_dropped_from_both_sides():
    graph = small_movinet()
    graph.inputs["state_x"] = graph.outputs["state_x"] = Parts().input("state_x", (1, 1, 1, 1, 4))
    assert unused_states.apply(graph).changed == 1
    assert "state_x" not in graph.inputs.keys() | graph.outputs.keys()
