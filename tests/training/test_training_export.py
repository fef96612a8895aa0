"""The exported file: the official interface and shapes, the same on our engine as in arithmetic, small, never full."""

from pathlib import Path

import numpy as np
import pytest
from training.random_network import random_arrays, random_frames

from movinet_edge.engine import load_model
from movinet_edge.engine.rewrite.graph import CONVOLUTIONS, WEIGHTS, Graph
from movinet_edge.engine.rewrite.reading import read_graph
from movinet_edge.engine.rewrite.rewriting import rewrite
from movinet_edge.training.architecture import IMAGE_SIZE_PX, LAYERS, same_padding
from movinet_edge.training.export import HEAD_POOL, float_graph, write_model
from movinet_edge.training.folding import WeightsError, fold, read_weights
from movinet_edge.training.labels import LABELS

WINDOW = 16
REACH = sum(layer.past_frames for layer in LAYERS)
"""Frames after which nothing older is left in the past frames of any layer."""


def _weight_shapes(graph: Graph) -> list[tuple[int, ...]]:
    return [operator.input(WEIGHTS).shape for operator in graph.operators if operator.kind in CONVOLUTIONS]


def _state_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {name: tensor.shape for name, tensor in graph.inputs.items() if name in graph.outputs}


def test_has_the_shapes_of_the_official_file(a0_int8: Path, exported: tuple[Path, Path]):
    official, _ = read_graph(a0_int8.read_bytes())
    ours, interface = read_graph(exported[1].read_bytes())
    # The official file has the same convolutions in another order, and 600 classes.
    assert sorted(_weight_shapes(ours)[:-1]) == sorted(_weight_shapes(official)[:-1])
    assert _weight_shapes(ours)[-1] == (len(LABELS), 1, 1, 2048)
    used = {name: shape for name, shape in _state_shapes(official).items() if official.consumers(official.inputs[name])}
    assert _state_shapes(ours) == used
    assert interface.signature == "serving_default"
    assert (interface.image.key, interface.logits.key) == ("image", "logits")
    assert interface.size_px == (IMAGE_SIZE_PX, IMAGE_SIZE_PX)


def test_int8_file_is_small(exported: tuple[Path, Path]):
    assert exported[1].stat().st_size < 3_500_000


def test_int8_says_what_float_says(exported: tuple[Path, Path]):
    frames = random_frames(12, IMAGE_SIZE_PX, seed=2)
    logits = []
    for file in exported:
        model = load_model(file, fast=False)
        state = model.new_state(window=WINDOW)
        logits.append(np.stack([model.step_tensor(frame, state) for frame in frames]))
    spread = np.ptp(logits[0])
    assert spread > 0.5  # chance weights still tell something
    assert np.abs(logits[0] - logits[1]).max() < 0.08 * spread
    assert (logits[0].argmax(1) == logits[1].argmax(1)).mean() >= 0.75


@pytest.mark.parametrize("which", [0, 1], ids=["float32", "int8"])
def test_is_rewritten_without_a_refusal(exported: tuple[Path, Path], which: int):
    result = rewrite(exported[which].read_bytes())
    assert [report.left for report in result.reports] == [()] * len(result.reports)
    assert {report.name for report in result.reports if report.changed} >= {
        "rank 4", "temporal convolutions", "counters", "pools", "one-frame states",
    }  # fmt: skip


@pytest.mark.parametrize("which", [0, 1], ids=["float32", "int8"])
def test_a_long_stream_gives_the_scores_of_its_last_window(exported: tuple[Path, Path], which: int):
    model = load_model(exported[which], fast=False)
    stream = model.new_state(window=WINDOW)
    frames = random_frames(150, IMAGE_SIZE_PX, seed=3)
    for frame in frames:
        last = model.step_tensor(frame, stream)
    fresh = model.new_state(window=WINDOW)
    for frame in frames[-(REACH + WINDOW) :]:
        again = model.step_tensor(frame, fresh)
    assert np.abs(last - again).max() < 1e-4


def test_the_pool_never_saturates(exported: tuple[Path, Path]):
    graph, _ = read_graph(exported[1].read_bytes())
    assert graph.inputs[HEAD_POOL].dtype == np.float32
    assert [reader.output.dtype for reader in graph.consumers(graph.inputs[HEAD_POOL])] == [np.float32]


def test_another_size_of_pictures():
    graph = float_graph(fold(random_arrays()), 112)
    assert graph.inputs["image"].shape == (1, 1, 112, 112, 3)
    assert graph.inputs[LAYERS[1].state].shape == (1, 2, 14, 14, 80)
    write_model(graph)


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "expected"),
    [
        (172, 3, 2, (0, 1)),
        (86, 5, 2, (1, 2)),
        (43, 3, 2, (1, 1)),
        (11, 3, 1, (1, 1)),
        (6, 5, 1, (2, 2)),
        (5, 1, 1, (0, 0)),
    ],
)
def test_pads_as_tensorflow(length, kernel, stride, expected):
    assert same_padding(length, kernel, stride) == expected


def test_folding_keeps_what_a_norm_does():
    arrays = random_arrays()
    folded = fold(arrays)["head"]
    x = np.random.default_rng(0).normal(size=104)
    plain = arrays["head.convolution.weight"][:, :, 0, 0] @ x
    norm = {part: arrays[f"head.norm.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
    expected = (plain - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3) * norm["weight"] + norm["bias"]
    np.testing.assert_allclose(folded.weights[:, 0, 0] @ x + folded.bias, expected, rtol=1e-4, atol=1e-5)


def test_tells_which_array_is_missing_or_wrong(tmp_path: Path):
    arrays = random_arrays()
    del arrays["layers.block2_layer1.time.norm.bias"]
    np.savez(tmp_path / "cut.npz", **arrays)
    with pytest.raises(WeightsError, match=r"cut\.npz.*layers\.block2_layer1\.time\.norm\.bias"):
        read_weights(tmp_path / "cut.npz")
    arrays = random_arrays() | {"hidden.weight": np.zeros((2048, 400), np.float32)}
    with pytest.raises(WeightsError, match=r"hidden has weights \[2048, 1, 1, 400\], expected \[2048, 1, 1, 480\]"):
        fold(arrays)


@pytest.mark.parametrize(
    ("array", "part"),
    [("classes.weight", "classes"), ("layers.block1_layer0.shortcut.convolution.weight", "block1_layer0.shortcut")],
)
def test_refuses_weights_of_another_width(array, part):
    arrays = random_arrays()
    arrays[array] = arrays[array][:, :-1]
    with pytest.raises(WeightsError, match=rf"^{part} has weights "):
        fold(arrays)
