"""Image, logits and states are found by their names alone, and whatever does not fit is refused with the reason."""

import re

import numpy as np
import pytest

from movinet_edge.api import ModelError
from movinet_edge.engine.interface import ModelInterface, TensorSpec, read_interface

IMAGE = ("image", (1, 1, 172, 172, 3), "float32")
LOGITS = ("logits", (1, 600), "float32")
STREAM = ("state_block1_layer0_stream_buffer", (1, 2, 22, 22, 4), "float32")
POOL = ("state_block1_layer0_pool_buffer", (1, 1, 1, 1, 24), "float32")
COUNT = ("state_block1_layer0_pool_frame_count", (1,), "int32")
HEAD = ("state_head_pool_buffer", (1, 1, 1, 1, 480), "float32")
HEAD_COUNT = ("state_head_pool_frame_count", (1,), "int32")
STATES = (STREAM, POOL, COUNT, HEAD, HEAD_COUNT)

Row = tuple[str, tuple[int, ...], str]


def side(*rows: Row, prefix: str = "", suffix: str = "", tensors: str = "in") -> list[TensorSpec]:
    """One side of a signature; `tensors` tells the graph's own names of the two sides apart."""
    return [
        TensorSpec.of(f"{prefix}{key}{suffix}", shape, dtype, f"{tensors}:{number}")
        for number, (key, shape, dtype) in enumerate(rows)
    ]


def read(inputs: list[TensorSpec], outputs: list[TensorSpec]) -> ModelInterface:
    return read_interface({"serving_default": (inputs, outputs)}, "a0.tflite")


def changed(rows: tuple[Row, ...], row: Row, **change: object) -> tuple[Row, ...]:
    """The rows with another shape or dtype for one of them."""
    key, shape, dtype = row
    new = (key, change.get("shape", shape), change.get("dtype", dtype))
    return tuple(new if r == row else r for r in rows)  # type: ignore[misc]


@pytest.mark.parametrize("prefix_in", ["", "call_", "serving_default_"])
@pytest.mark.parametrize("prefix_out", ["", "call_"])
@pytest.mark.parametrize("suffix_in", ["", ":0"])
@pytest.mark.parametrize("suffix_out", ["", ":0", ":12"])
def test_states_pair_whatever_stands_around_their_names(prefix_in, prefix_out, suffix_in, suffix_out):
    found = read(
        side(IMAGE, *STATES, prefix=prefix_in, suffix=suffix_in),
        side(LOGITS, *STATES, prefix=prefix_out, suffix=suffix_out, tensors="out"),
    )
    assert {state.name for state in found.states} == {row[0] for row in STATES}
    for state in found.states:
        assert state.source.key == f"{prefix_in}{state.name}{suffix_in}"
        assert state.result.key == f"{prefix_out}{state.name}{suffix_out}"
    assert found.image.key == f"{prefix_in}image{suffix_in}"
    assert found.logits.key == f"{prefix_out}logits{suffix_out}"


@pytest.mark.parametrize("seed", range(5))
def test_the_order_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    inputs, outputs = side(IMAGE, *STATES), side(LOGITS, *STATES, tensors="out")
    found = read([inputs[i] for i in rng.permutation(6)], [outputs[i] for i in rng.permutation(6)])
    assert found == read(inputs, outputs)
    assert all(state.source.shape == state.result.shape for state in found.states)


def test_sizes_classes_and_kinds_are_read_from_the_file():
    wide = changed((IMAGE,), IMAGE, shape=(1, 1, 100, 200, 3))
    found = read(side(*wide, *STATES), side(LOGITS, *STATES, tensors="out"))
    assert found.signature == "serving_default"
    assert found.size_px == (200, 100), "width before height"
    assert found.classes == 600
    assert {state.name: state.kind for state in found.states} == {
        STREAM[0]: "stream",
        POOL[0]: "pool",
        COUNT[0]: "count",
        HEAD[0]: "pool",
        HEAD_COUNT[0]: "count",
    }


def test_pools_have_their_own_count_and_the_head_comes_last():
    later = ("state_zone9_layer0_pool_buffer", (1, 1, 1, 1, 8), "float32")
    later_count = ("state_zone9_layer0_pool_frame_count", (1,), "int32")
    rows = (*STATES, later, later_count)
    found = read(side(IMAGE, *rows), side(LOGITS, *rows, tensors="out"))
    pairs = [(pool.buffer.name, pool.count.name, pool.channels, pool.is_head) for pool in found.pools]
    assert pairs == [
        (POOL[0], COUNT[0], 24, False),
        (later[0], later_count[0], 8, False),
        (HEAD[0], HEAD_COUNT[0], 480, True),
    ]


def test_a_state_of_unknown_kind_is_fed_back_all_the_same():
    other = ("state_block1_layer0_memory", (1, 3), "float32")
    found = read(side(IMAGE, other), side(LOGITS, other, tensors="out"))
    assert [(state.name, state.kind) for state in found.states] == [(other[0], "other")]
    assert found.pools == ()


def test_a_pool_that_passes_through_is_no_pool():
    inputs, outputs = side(IMAGE, *STATES), side(LOGITS, *STATES, tensors="out")
    outputs[2] = TensorSpec.of(*POOL, inputs[2].tensor)
    outputs[3] = TensorSpec.of(*COUNT, inputs[3].tensor)
    found = read(inputs, outputs)
    assert {state.name for state in found.states if state.passes_through} == {POOL[0], COUNT[0]}
    assert [pool.buffer.name for pool in found.pools] == [HEAD[0]]


def test_the_signature_that_fits_is_taken():
    fits = side(IMAGE, *STATES), side(LOGITS, *STATES, tensors="out")
    whole_clips = side(IMAGE), side(LOGITS, tensors="out")
    assert read_interface({"a_reset": whole_clips, "call": fits}, "x").signature == "call"
    assert read_interface({"call": fits, "serving_default": whole_clips}, "x").signature == "call"
    assert read_interface({"call": fits, "serving_default": fits}, "x").signature == "serving_default"


UNPAIRED = "states without a partner on the other side: "
REFUSED = {
    "state that does not come out": (
        (IMAGE, *STATES),
        (LOGITS, *STATES[:-1]),
        UNPAIRED + HEAD_COUNT[0],
    ),
    "states that do not go in": (
        (IMAGE, STREAM, HEAD, HEAD_COUNT),
        (LOGITS, *STATES),
        f"{UNPAIRED}{POOL[0]}, {COUNT[0]}",
    ),
    "no states": ((IMAGE,), (LOGITS,), "it has no states; a model for whole clips"),
    "no image": (STATES, (LOGITS, *STATES), "expected one image input beside the states, found none"),
    "two inputs": (
        (IMAGE, ("mask", (1, 1), "float32"), *STATES),
        (LOGITS, *STATES),
        "expected one image input beside the states, found image, mask",
    ),
    "no logits": ((IMAGE, *STATES), STATES, "expected one logits output beside the states, found none"),
    "two outputs": (
        (IMAGE, *STATES),
        (LOGITS, ("probabilities", (1, 600), "float32"), *STATES),
        "expected one logits output beside the states, found logits, probabilities",
    ),
    "image without frames": (
        (("image", (1, 172, 172, 3), "float32"), *STATES),
        (LOGITS, *STATES),
        "input 'image' is [1, 172, 172, 3], not one picture [1, 1, height, width, 3]",
    ),
    "image of several frames": (
        (("image", (1, 8, 172, 172, 3), "float32"), *STATES),
        (LOGITS, *STATES),
        "not one picture",
    ),
    "image of unknown size": ((("image", (1, 1, -1, -1, 3), "float32"), *STATES), (LOGITS, *STATES), "not one picture"),
    "grey image": ((("image", (1, 1, 172, 172, 1), "float32"), *STATES), (LOGITS, *STATES), "not one picture"),
    "quantised image": (
        (("image", (1, 1, 172, 172, 3), "uint8"), *STATES),
        (LOGITS, *STATES),
        "input 'image' is uint8, not float32",
    ),
    "logits per frame": (
        (IMAGE, *STATES),
        (("logits", (1, 8, 600), "float32"), *STATES),
        "output 'logits' is float32 [1, 8, 600], not float32 [1, classes]",
    ),
    "one class": ((IMAGE, *STATES), (("logits", (1, 1), "float32"), *STATES), "output 'logits' is float32 [1, 1]"),
    "quantised logits": ((IMAGE, *STATES), (("logits", (1, 600), "int8"), *STATES), "output 'logits' is int8 [1, 600]"),
    "state of another shape": (
        (IMAGE, *STATES),
        (LOGITS, *changed(STATES, STREAM, shape=(1, 4, 22, 22, 4))),
        f"state {STREAM[0]} goes in as float32 [1, 2, 22, 22, 4] and comes out as float32 [1, 4, 22, 22, 4]",
    ),
    "state of another dtype": (
        (IMAGE, *STATES),
        (LOGITS, *changed(STATES, HEAD_COUNT, dtype="int64")),
        f"state {HEAD_COUNT[0]} goes in as int32 [1] and comes out as int64 [1]",
    ),
    "pool without a count": ((IMAGE, POOL), (LOGITS, POOL), f"pool {POOL[0]} has no {COUNT[0]}"),
}


@pytest.mark.parametrize(("inputs", "outputs", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused(inputs, outputs, reason):
    with pytest.raises(ModelError, match=re.escape(reason)) as caught:
        read(side(*inputs), side(*outputs, tensors="out"))
    assert "a0.tflite is not a streaming MoViNet: signature 'serving_default': " in str(caught.value)


def test_every_signature_says_why_not():
    signatures = {"call": (side(IMAGE), side(LOGITS)), "encode": (side(*STATES), side(LOGITS, *STATES))}
    with pytest.raises(ModelError, match=r"signature 'call': it has no states.*signature 'encode': expected one image"):
        read_interface(signatures, "a0.tflite")


def test_no_signature():
    with pytest.raises(ModelError, match=r"a0\.tflite: the file has no signature.*export it again with a signature"):
        read_interface({}, "a0.tflite")
