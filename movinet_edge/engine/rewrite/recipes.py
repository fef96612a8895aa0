"""Which passes a file gets, by what it is made of."""

import inspect
import sys
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from movinet_edge.engine.rewrite import (
    average_pools,
    broadcast,
    counters,
    few_channels,
    float_activations,
    float_pools,
    half_weights,
    host_pools,
    hybrid_depthwise,
    int8_borders,
    int8_weights,
    one_frame,
    rank_four,
    rezero,
    small_convolutions,
    temporal,
    unused_states,
)
from movinet_edge.engine.rewrite.graph import ACTIVATIONS, WEIGHTS, Graph, Kind
from movinet_edge.engine.rewrite.passes import Pass

Family: TypeAlias = Literal["float32", "float16", "dynamic", "int8", "int8 with gates"]
"""`int8 with gates` is a fully quantised file with hard swish and squeeze-excite, which XNNPACK mostly leaves."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The passes for a family, in order.

    Attributes:
        values: those that change the arithmetic. After them alone the file has the states of the untouched one.
        structure: those that change where values lie and who keeps them.
    """

    family: Family
    values: tuple[Pass, ...]
    structure: tuple[Pass, ...]


_STRUCTURE = (
    unused_states.PASS,
    broadcast.PASS,
    rank_four.PASS,
    temporal.PASS,
    rezero.PASS,
    int8_borders.PASS,
    counters.PASS,
    host_pools.PASS,
    one_frame.PASS,
)

# What XNNPACK runs in int8, with the two that passes take care of: averages and the borders.
_FAST_IN_INT8 = {
    Kind.ADD,
    Kind.AVERAGE_POOL_2D,
    Kind.CONCATENATION,
    Kind.CONV_2D,
    Kind.DEPTHWISE_CONV_2D,
    Kind.DEQUANTIZE,
    Kind.MEAN,
    Kind.MUL,
    Kind.QUANTIZE,
    Kind.RESHAPE,
    Kind.SLICE,
    Kind.STRIDED_SLICE,
    Kind.SUB,
    Kind.SUM,
}


def family_of(graph: Graph) -> Family:
    """What a file was converted to."""
    convolutions = graph.of_kind(Kind.CONV_2D)
    if any(convolution.input(ACTIVATIONS).is_int8() for convolution in convolutions):
        int8 = {o.kind for o in graph.operators if any(t is not None and t.is_int8() for t in o.inputs)}
        return "int8" if int8 <= _FAST_IN_INT8 else "int8 with gates"
    if any(convolution.input(WEIGHTS).is_int8() for convolution in convolutions):
        return "dynamic"
    half = any(o.input(0).dtype == np.float16 for o in graph.of_kind(Kind.DEQUANTIZE))
    return "float16" if half else "float32"


def explanation(name: str) -> str:
    """A pass in a few sentences: its pattern, its precondition, and whether it is bit-exact."""
    for family in get_args(Family):
        recipe = recipe_for(family, machine=next(iter(_X86)))
        for step in (*recipe.values, *recipe.structure):
            if step.name == name:
                return inspect.getdoc(sys.modules[step.apply.__module__]) or ""
    raise KeyError(name)


_X86 = {"x86_64", "AMD64"}


def recipe_for(family: Family, *, quantise_float16: bool = True, machine: str = "") -> Recipe:
    """The recipe that is fastest on a machine, as `platform.machine()` names it.

    `quantise_float16=False` leaves the weights of float16 files floats.
    """
    float_kernels = (hybrid_depthwise.PASS, small_convolutions.PASS)
    values: dict[Family, tuple[Pass, ...]] = {
        "float32": (),
        "float16": (half_weights.PASS, *((int8_weights.PASS,) if quantise_float16 else ())),
        "dynamic": float_kernels,
        "int8": (float_pools.PASS, average_pools.PASS, *((few_channels.PASS,) if machine in _X86 else ())),
        "int8 with gates": (float_activations.PASS, *float_kernels),
    }
    return Recipe(family, values[family], _STRUCTURE)
