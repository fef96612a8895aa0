"""What the host does for a rewritten file that the graph did before: counting, summing, turning buffers round."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.rewrite.counters import COUNT
from movinet_edge.engine.rewrite.graph import IMAGE, LOGITS, Graph, Shape, Tensor
from movinet_edge.engine.rewrite.host_pools import contribution_key
from movinet_edge.engine.rewrite.one_frame import frame_key, newest_key
from movinet_edge.engine.rewrite.refused import RewriteRefused


@dataclass(frozen=True, slots=True)
class FrameRing:
    """A state kept as single frames. The newest output of one call is the frame before this one in the next.

    Attributes:
        state: its name in the untouched file.
        inputs: keys of the past frames, oldest first.
        newest: key of the output.
        shape: of one frame, `[1, H, W, C]`.
        dtype: float32 or int8.
        empty: the value that every frame is filled with at the start and after a reset.
    """

    state: str
    inputs: tuple[str, ...]
    newest: str
    shape: Shape
    dtype: str
    empty: int


@dataclass(frozen=True, slots=True)
class HostPool:
    """A pool's sum, float32 `[channels]`: goes in as it was before the frame; the frame's part of it comes out."""

    state: str
    total: str
    contribution: str
    channels: int


@dataclass(frozen=True, slots=True)
class WholeState:
    """A state that goes in and comes out whole under one key, as in the untouched file."""

    state: str
    shape: Shape
    dtype: str
    empty: int


@dataclass(frozen=True, slots=True)
class HostPlan:
    """All inputs and outputs of a rewritten file.

    For each frame: write the image; write `count`, the number of frames whose contributions are in the pools' sums
    with this one (1 after a reset); write each pool's sum; hand over past frames and whole states. Then take the
    logits, add each contribution to its pool's sum, and let each ring's newest frame take the place of its oldest.

    Attributes:
        image, image_shape: key and shape of the float32 picture, RGB in [0, 1].
        logits, classes: key and number of the float32 logits.
        count: key of the float32 frame count, one value; None where no counter was replaced.
        rings, pools, whole: the states.
        dropped: states of the untouched file that are gone: counters, and those that nothing read.
    """

    image: str
    image_shape: Shape
    logits: str
    classes: int
    count: str | None
    rings: tuple[FrameRing, ...]
    pools: tuple[HostPool, ...]
    whole: tuple[WholeState, ...]
    dropped: tuple[str, ...]


def empty_state(state: FrameRing | WholeState) -> NDArray[Any]:
    """The state, or one frame of it, as before the first frame."""
    return np.full(state.shape, state.empty, np.dtype(state.dtype))


def pools_in_order(plan: HostPlan, interface: ModelInterface) -> tuple[HostPool, ...]:
    """The pools that are the host's, as the interface orders them, the head's last."""
    ours = {pool.state: pool for pool in plan.pools}
    return tuple(ours[pool.buffer.name] for pool in interface.pools if pool.buffer.name in ours)


def check_pools(plan: HostPlan, interface: ModelInterface) -> None:
    """Raise RewriteRefused where the graph still keeps a sum or a count, so that no window could be laid over it."""
    if interface.pools and (plan.count is None or len(pools_in_order(plan, interface)) < len(interface.pools)):
        raise RewriteRefused("the graph still keeps the sum or the count of a pool")


def host_plan(graph: Graph, states: tuple[str, ...]) -> HostPlan:
    """Read the plan off a rewritten graph; `states` are the names in the untouched file.

    Raises:
        RewriteRefused: an input or output belongs to nothing.
    """
    rings, pools, whole, dropped = [], [], [], []
    for state in states:
        if newest_key(state) in graph.outputs:
            rings.append(_ring(graph, state))
        elif contribution_key(state) in graph.outputs:
            pools.append(HostPool(state, state, contribution_key(state), graph.inputs[state].size))
        elif state in graph.inputs:
            tensor = graph.inputs[state]
            whole.append(WholeState(state, tensor.shape, tensor.dtype.name, _empty(tensor)))
        else:
            dropped.append(state)
    image, logits = graph.inputs[IMAGE], graph.outputs[LOGITS]
    plan = HostPlan(
        image=IMAGE,
        image_shape=image.shape,
        logits=LOGITS,
        classes=logits.size,
        count=COUNT if COUNT in graph.inputs else None,
        rings=tuple(rings),
        pools=tuple(pools),
        whole=tuple(whole),
        dropped=tuple(dropped),
    )
    _check_complete(plan, graph)
    return plan


def _ring(graph: Graph, state: str) -> FrameRing:
    newest, ages = graph.outputs[newest_key(state)], 0
    while frame_key(state, ages + 1) in graph.inputs:
        ages += 1
    keys = tuple(frame_key(state, age) for age in range(ages, 0, -1))
    return FrameRing(state, keys, newest_key(state), newest.shape, newest.dtype.name, _empty(newest))


def _empty(tensor: Tensor) -> int:
    return 0 if tensor.quantization is None else int(tensor.quantization.zero_point[0])


def _check_complete(plan: HostPlan, graph: Graph) -> None:
    inputs = {plan.image, plan.count or plan.image, *(p.total for p in plan.pools), *(s.state for s in plan.whole)}
    inputs.update(*(ring.inputs for ring in plan.rings))
    outputs = {plan.logits, *(p.contribution for p in plan.pools), *(s.state for s in plan.whole)}
    outputs |= {ring.newest for ring in plan.rings}
    strays = (graph.inputs.keys() ^ inputs) | (graph.outputs.keys() ^ outputs)
    if strays:
        raise RewriteRefused(f"nothing is said about {', '.join(sorted(strays))}")
    if not all(graph.inputs[key].dtype == np.float32 for key in (plan.image, *(p.total for p in plan.pools))):
        raise RewriteRefused("the image or a pool is no float")
