"""The check before the runtime: a graph whose shapes do not follow from each other never leaves the package."""

import numpy as np
import pytest
from small_graphs import SmallSpec, small_movinet
from small_int8 import small_int8

from movinet_edge.engine.rewrite import RewriteRefused
from movinet_edge.engine.rewrite.graph import Kind, Tensor
from movinet_edge.engine.rewrite.shapes import check_graph, output_shape

SPECS = [SmallSpec(), SmallSpec(swish=True, kernel=5), SmallSpec(half=True), SmallSpec(hybrid=True, broadcast=False)]


@pytest.mark.parametrize("graph", [*map(small_movinet, SPECS), small_int8(), small_int8(hard_swish=True)])
def test_what_exporters_write_passes(graph):
    check_graph(graph)
    assert all(output_shape(operator) is not None for operator in graph.operators)


def first(graph, kind):
    return graph.of_kind(kind)[0]


def wrong_result(graph):
    first(graph, Kind.HARD_SWISH).output.shape = (1, 4, 4, 9)


def too_early(graph):
    graph.operators.append(graph.operators.pop(0))


def weights_for_more_channels(graph):
    first(graph, Kind.CONV_2D).inputs[1] = Tensor.constant("w", np.zeros((8, 3, 3, 4), np.float32))


def kernel_larger_than_the_map(graph):
    first(graph, Kind.DEPTHWISE_CONV_2D).options.dilationHFactor = 2


def values_of_two_types(graph):
    first(graph, Kind.CONCATENATION).input(0).dtype = np.dtype(np.int8)


def parts_of_two_sizes(graph):
    first(graph, Kind.CONCATENATION).input(0).shape = (1, 2, 4, 5, 16)


def reshape_that_loses_values(graph):
    first(graph, Kind.RESHAPE).inputs[1] = Tensor.constant("shape", np.array([1, 8, 8, 2], np.int32))


def axes_that_are_no_constant(graph):
    first(graph, Kind.MEAN).inputs[1] = graph.inputs["image"]


def output_that_is_never_made(graph):
    graph.outputs["logits"] = Tensor("stray", (1, 5), np.dtype(np.float32))


def constant_of_another_shape(graph):
    first(graph, Kind.CONV_2D).input(1).shape = (8, 3, 3, 3, 1)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (wrong_result, r"HARD_SWISH\) gives"),
        (too_early, "before it is made"),
        (weights_for_more_channels, "3 channels come, the weights are for 4"),
        (kernel_larger_than_the_map, "kernel is larger"),
        (values_of_two_types, "mixes types"),
        (parts_of_two_sizes, "parts differ"),
        (reshape_that_loses_values, "do not fill"),
        (axes_that_are_no_constant, "no constant"),
        (output_that_is_never_made, "'logits' is never made"),
        (constant_of_another_shape, "not what it says"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_fit_is_refused(spoil, reason):
    graph = small_movinet()
    spoil(graph)
    with pytest.raises(RewriteRefused, match=reason):
        check_graph(graph)
