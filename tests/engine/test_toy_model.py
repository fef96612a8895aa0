"""The toy models run in LiteRT, agree with their NumPy reference, and notice every state that is not handed on."""

import io
import itertools
import zipfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import toy_model
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from toy_model import Block, ToyReference, ToySpec

Arrays = dict[str, NDArray[Any]]
Step = Callable[[NDArray[np.float32], Arrays], Arrays]

SMALL = ToySpec(size_px=12, classes=7, head=16)
SPECS = {
    "small": SMALL,
    "another seed": replace(SMALL, seed=1),
    "passthrough pools": replace(SMALL, passthrough_pools=True),
    "other names": replace(SMALL, signature="call", tensor_prefix="call_"),
    "no stream buffers": replace(SMALL, blocks=(Block(3, (1, 1)),)),
    "labels": replace(SMALL, labels_metadata=("waving hand", "yawning")),
    "A0": toy_model.A0,
    "A1": toy_model.A1,
    "A2": toy_model.A2,
}
SPEC_CASES = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def images(spec: ToySpec, count: int, seed: int = 0) -> list[NDArray[np.float32]]:
    """Noise around a mean colour that changes from image to image."""
    rng = np.random.default_rng(seed)
    shape = (spec.size_px, spec.size_px, 3)
    return [np.float32(0.8) * rng.uniform(rng.random(3) / 2, 1.0, shape).astype(np.float32) for _ in range(count)]


def interpreter(spec: ToySpec) -> Interpreter:
    return Interpreter(model_content=toy_model.build(spec))


def fresh(spec: ToySpec) -> Arrays:
    """All states at zero, by name."""
    details = interpreter(spec).get_signature_runner(spec.signature).get_input_details()
    return {name: np.zeros(d["shape"], d["dtype"]) for name, d in details.items() if name != "image"}


def by_interpreter(spec: ToySpec) -> Step:
    runner = interpreter(spec).get_signature_runner(spec.signature)
    return lambda image, states: runner(image=image.reshape(spec.image_shape), **states)


def by_compiled_model(spec: ToySpec) -> Step:
    model = CompiledModel.from_buffer(toy_model.build(spec))
    inputs, outputs = model.get_input_tensor_details(spec.signature), model.get_output_tensor_details(spec.signature)

    def step(image: NDArray[np.float32], states: Arrays) -> Arrays:
        given = {name: model.create_input_buffer_by_name(spec.signature, name) for name in inputs}
        taken = {name: model.create_output_buffer_by_name(spec.signature, name) for name in outputs}
        for name, values in {**states, "image": image}.items():
            given[name].write(np.ascontiguousarray(values).reshape(-1))
        model.run_by_name(spec.signature, given, taken)
        read = {}
        for name, buffer in taken.items():
            shape, dtype = tuple(outputs[name]["shape"]), states[name].dtype if name in states else np.float32
            read[name] = np.array(buffer.read(int(np.prod(shape)), dtype)).reshape(shape)
        return read

    return step


def stream(spec: ToySpec, step: Step, frames: list[NDArray[np.float32]], change: Any = lambda states: states) -> Any:
    """Logits `[frames, classes]`, states fed back after `change`."""
    states, logits = fresh(spec), []
    for image in frames:
        outputs = step(image, states)
        logits.append(outputs["logits"][0])
        states = change({name: outputs[name] for name in states})
    return np.stack(logits)


def shapes(details: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(int(n) for n in d["shape"]) for name, d in details.items()}


@pytest.mark.parametrize("runtime", [by_interpreter, by_compiled_model])
@SPEC_CASES
def test_runtimes_agree_with_the_reference(spec, runtime):
    frames = images(spec, 8)
    logits = stream(spec, runtime(spec), frames)
    np.testing.assert_allclose(logits, ToyReference(spec).run(frames), atol=1e-4, rtol=0)
    assert logits.std(axis=1).min() > 0.1, "flat logits would agree with anything"
    assert np.abs(np.diff(logits, axis=0)).max(axis=1).min() > 1e-2


@pytest.mark.parametrize("window", [1, 2, 4])
@pytest.mark.parametrize("name", ["small", "passthrough pools", "A1"])
def test_window_made_by_the_host_agrees_with_the_reference(name, window):
    spec = SPECS[name]
    rings: dict[str, deque[Any]] = {}
    before: Arrays = fresh(spec)

    def slide(states: Arrays) -> Arrays:
        """Feed back the sum of the last `window` - 1 contributions, once there are so many."""
        nonlocal before
        for key in [key for key in states if key.endswith("pool_buffer")]:
            ring = rings.setdefault(key, deque(maxlen=window - 1))
            ring.append(states[key] - before[key])
            states[key] = sum(ring, np.zeros_like(states[key]))
            states[key.replace("pool_buffer", "pool_frame_count")][:] = len(ring)
        before = states
        return states

    frames = images(spec, 10)
    logits = stream(spec, by_interpreter(spec), frames, lambda states: slide(dict(states)))
    np.testing.assert_allclose(logits, ToyReference(spec, window).run(frames), atol=1e-4, rtol=0)


def test_reference_forgets_with_a_window_and_never_without():
    window = 3
    first, second = images(SMALL, 20), images(SMALL, 12, seed=1)
    expected = {memory: ToyReference(SMALL, memory).run(second)[-1] for memory in (window, None)}
    found = {memory: ToyReference(SMALL, memory).run([*first, *second])[-1] for memory in (window, None)}
    np.testing.assert_allclose(found[window], expected[window], atol=1e-9)
    assert np.abs(found[None] - expected[None]).max() > 1e-2


def test_embedding_is_the_mean_of_the_head_pool():
    step, states, reference = by_interpreter(SMALL), fresh(SMALL), ToyReference(SMALL)
    for count, image in enumerate(images(SMALL, 5), start=1):
        states = step(image, states)
        del states["logits"]
        reference.step(image)
        assert states["state_head_pool_frame_count"] == [count]
        mean = states["state_head_pool_buffer"].reshape(-1) / count
        np.testing.assert_allclose(reference.embedding, mean, atol=1e-5)


@pytest.mark.parametrize("name", fresh(SMALL))
def test_a_forgotten_state_shows_in_the_logits(name):
    def forget(states: Arrays) -> Arrays:
        return {**states, name: np.zeros_like(states[name])}

    frames = images(SMALL, 6)
    logits = stream(SMALL, by_interpreter(SMALL), frames, forget)
    assert np.abs(logits - ToyReference(SMALL).run(frames))[-1].max() > 1e-2


SWAPS = [
    (a, b)
    for (a, x), (b, y) in itertools.combinations(fresh(SMALL).items(), 2)
    if (x.shape, x.dtype) == (y.shape, y.dtype) and x.dtype == np.float32
]


@pytest.mark.parametrize(("one", "other"), SWAPS)
def test_exchanged_states_show_in_the_logits(one, other):
    frames = images(SMALL, 6)
    exchange = {one: other, other: one}
    logits = stream(
        SMALL, by_interpreter(SMALL), frames, lambda states: {n: states[exchange.get(n, n)] for n in states}
    )
    assert np.abs(logits - ToyReference(SMALL).run(frames))[-1].max() > 1e-2


@SPEC_CASES
def test_interface_is_that_of_an_export(spec):
    model = interpreter(spec)
    assert list(model.get_signature_list()) == [spec.signature]
    runner = model.get_signature_runner(spec.signature)
    inputs, outputs = shapes(runner.get_input_details()), shapes(runner.get_output_details())
    assert inputs.pop("image") == (1, 1, spec.size_px, spec.size_px, 3)
    assert outputs.pop("logits") == (1, spec.classes)
    assert inputs == outputs
    assert inputs["state_head_pool_buffer"] == (1, 1, 1, 1, spec.head)
    assert inputs["state_block0_layer0_pool_frame_count"] == (1,)
    names = [detail["name"] for detail in model.get_input_details()]
    assert f"{spec.tensor_prefix}image:0" in names
    assert all(name.startswith(spec.tensor_prefix) for name in names)


@SPEC_CASES
def test_outputs_come_in_another_order_than_inputs(spec):
    model = CompiledModel.from_buffer(toy_model.build(spec)).get_signature_by_index(0)
    inputs = [name for name in model["inputs"] if name != "image"]
    outputs = [name for name in model["outputs"] if name != "logits"]
    assert sorted(inputs) == sorted(outputs)
    assert inputs != outputs


@pytest.mark.parametrize(("name", "passed_on"), [("passthrough pools", 10), ("small", 0)])
def test_passthrough_pools_are_the_same_tensor_on_both_sides(name, passed_on):
    model = interpreter(SPECS[name])
    both = [
        {detail["index"] for detail in details} for details in (model.get_input_details(), model.get_output_details())
    ]
    assert len(both[0] & both[1]) == passed_on


def test_state_shapes_of_a0_are_those_of_the_official_file(a0_int8):
    official = Interpreter(model_path=str(a0_int8)).get_signature_runner("serving_default").get_input_details()

    def without_channels(details: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        return {name: shape[:-1] if len(shape) > 1 else shape for name, shape in shapes(details).items()}

    toy = interpreter(toy_model.A0).get_signature_runner("serving_default").get_input_details()
    assert without_channels(toy) == without_channels(official)


@pytest.mark.parametrize(
    ("spec", "states", "newest_buffer"),
    [
        (toy_model.A1, 2 * 25 + 17, (1, 2, 6, 6, 4)),
        (toy_model.A2, 2 * 27 + 19, (1, 2, 7, 7, 4)),
    ],
    ids=["A1", "A2"],
)
def test_a1_and_a2_have_all_states(spec, states, newest_buffer):
    found = fresh(spec)
    assert len(found) == states
    assert found["state_block4_layer5_stream_buffer"].shape == newest_buffer


@pytest.mark.parametrize("load", [by_interpreter, by_compiled_model])
def test_flex_op_is_refused_by_the_runtimes(load):
    spec = replace(SMALL, flex_op=True)
    with pytest.raises((RuntimeError, ValueError)):
        load(spec)(images(spec, 1)[0], fresh(SMALL))


def test_flex_op_is_named_in_the_file():
    assert b"FlexSoftplus" in toy_model.build(replace(SMALL, flex_op=True))
    assert b"Flex" not in toy_model.build(SMALL)


def test_no_signature():
    model = interpreter(replace(SMALL, no_signature=True))
    assert model.get_signature_list() == {}
    assert "serving_default_image:0" in [detail["name"] for detail in model.get_input_details()]


def test_unpaired_state():
    runner = interpreter(replace(SMALL, unpaired_state=True)).get_signature_runner(SMALL.signature)
    inputs, outputs = set(runner.get_input_details()), set(runner.get_output_details())
    assert inputs - outputs == {"image", "state_head_pool_frame_count"}


def test_wrong_image_rank():
    spec = replace(SMALL, wrong_image_rank=True)
    image = interpreter(spec).get_signature_runner(spec.signature).get_input_details()["image"]
    assert tuple(image["shape"]) == (1, spec.size_px, spec.size_px, 3)
    frames = images(spec, 2)
    logits = stream(spec, by_interpreter(spec), frames)
    np.testing.assert_allclose(logits, ToyReference(spec).run(frames), atol=1e-4, rtol=0)


@pytest.mark.parametrize("runtime", [by_interpreter, by_compiled_model])
def test_nan_comes_with_a_white_image_and_goes_again(runtime):
    spec = replace(SMALL, nan_logits=True)
    grey, white = np.full((2, spec.size_px, spec.size_px, 3), [[[[0.5]]], [[[1.0]]]], np.float32)
    frames = [grey, white, grey]
    logits = stream(spec, runtime(spec), frames)
    assert np.isnan(logits).all(axis=1).tolist() == [False, True, False]
    np.testing.assert_allclose(logits, ToyReference(spec).run(frames), atol=1e-4, rtol=0)


def test_labels_are_packed_behind_the_model(tmp_path):
    path = toy_model.write(SPECS["labels"], tmp_path / "toy.tflite")
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode().splitlines() == ["waving hand", "yawning"]
    assert "logits" in Interpreter(model_path=str(path)).get_signature_runner("serving_default").get_output_details()
    assert not zipfile.is_zipfile(io.BytesIO(toy_model.build(SMALL)))


def test_one_spec_gives_one_file(tmp_path):
    assert toy_model.write(SMALL, tmp_path / "toy.tflite").read_bytes() == toy_model.build(SMALL)
    assert toy_model.build(replace(SMALL, seed=1)) != toy_model.build(SMALL)
