"""An exported file can be trained again."""

from pathlib import Path

import numpy as np
import pytest
from training.random_network import random_arrays
from training.toy_clips import steady, write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # these modules cannot be imported without PyTorch
from movinet_edge.training.augment import fit
from movinet_edge.training.calibrate import observe
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder
from movinet_edge.training.export import float_graph, write_model
from movinet_edge.training.folding import WeightsError, fold
from movinet_edge.training.network import as_clips
from movinet_edge.training.quantise import quantise
from movinet_edge.training.thaw import thaw

WINDOW = 6


@pytest.mark.parametrize(("form", "off_by"), [("float32", 1e-4), ("int8", 0.12)])
def test_an_exported_file_can_be_trained_again(form, off_by, network, tmp_path: Path):
    write_toy(tmp_path / "clips", steady(1, 2, 3, 4))
    clips, size_px = ClipFolder([tmp_path / "clips"]), 64
    graph = float_graph(fold(random_arrays()), size_px)
    if form == "int8":
        graph = quantise(graph, observe(network, clips, range(4), window=WINDOW, size_px=size_px))
    file = tmp_path / "model.tflite"
    file.write_bytes(write_model(graph))
    again = thaw(file, clips, range(4))

    pictures = np.stack([fit(clips.frames(clip, range(FRAMES_PER_CLIP)), size_px) for clip in range(4)])
    with torch.no_grad():
        expected = network(as_clips(pictures), window=WINDOW)
        spread = (expected - expected.mean()).square().mean().sqrt()
        said = again(as_clips(pictures), window=WINDOW)
        assert (said - expected).square().mean().sqrt() <= off_by * spread
        # A norm that knows what comes in does the same in training, where it looks at the batch alone.
        again.train()
        again.dropout.eval()
        in_training = again(as_clips(pictures), window=WINDOW)
    assert (in_training - said).square().mean().sqrt() <= 0.02 * spread
    assert all(
        abs(float(weights.square().mean((1, 2, 3)).sqrt().mean()) - 0.1) < 1e-3
        for name, weights in again.state_dict().items()
        if name.endswith("convolution.weight")
    )


def test_only_what_was_exported_from_this_network_is_thawed(tmp_path: Path):
    write_toy(tmp_path, steady(1))
    (tmp_path / "some.tflite").write_text("no model")
    other = tmp_path / "other.tflite"
    other.write_bytes(write_model(float_graph(fold(random_arrays(classes=3)), 64)))
    for file, says in (
        (tmp_path / "some.tflite", "not a TFLite model"),
        (other, "size mismatch"),
        (tmp_path / "none", "cannot read"),
    ):
        with pytest.raises(WeightsError, match=says):
            thaw(file, ClipFolder([tmp_path]), [0])
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(other.read_bytes()[:40])
    with pytest.raises(WeightsError, match=r"cut\.tflite"):
        thaw(cut, ClipFolder([tmp_path]), [0])
    with pytest.raises(WeightsError, match="no clips"):
        thaw(other, ClipFolder([tmp_path / "nowhere"]), [])


def test_a_layer_that_does_nothing_can_learn_after_thawing(tmp_path: Path):
    write_toy(tmp_path, steady(1, 2))
    arrays = random_arrays()
    arrays["layers.block1_layer1.project.norm.weight"][:] = 0
    file = tmp_path / "model.tflite"
    file.write_bytes(write_model(float_graph(fold(arrays), 64)))
    network = thaw(file, ClipFolder([tmp_path]), [0, 1])
    network.train()
    network(torch.rand(2, 3, 3, 64, 64)).square().mean().backward()
    assert network.layers["block1_layer1"].project.norm.weight.grad.abs().max() > 0
