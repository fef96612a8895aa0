"""The network in PyTorch: streaming is clip mode, and the exported file is the network."""

from pathlib import Path

import numpy as np
import pytest
from training.random_network import random_arrays, random_frames
from training.toy_clips import steady, write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # these modules cannot be imported without PyTorch
from movinet_edge.engine import load_model
from movinet_edge.training.calibrate import observe
from movinet_edge.training.clips import ClipFolder
from movinet_edge.training.export import float_graph, write_model
from movinet_edge.training.folding import fold
from movinet_edge.training.labels import LABELS
from movinet_edge.training.network import ClipState
from movinet_edge.training.poses import JOINT_KINDS, POSE_VALUES
from movinet_edge.training.quantise import quantise

WINDOW = 6


def _clip(frames: np.ndarray):
    return torch.from_numpy(frames).permute(0, 3, 1, 2)[None]


@pytest.mark.parametrize("parts", [[1] * 14, [5, 1, 8], [2, 12]])
@pytest.mark.parametrize("window", [None, WINDOW])
def test_streaming_agrees_with_clip_mode(network, parts, window):
    clip = _clip(random_frames(14, 64))
    state = ClipState()
    with torch.no_grad():
        whole = network(clip, window=window)
        streamed = torch.cat([network(part, window=window, state=state) for part in clip.split(parts, 1)], 1)
    assert (whole - streamed).abs().max() <= 1e-4
    assert whole.std() > 0.01


def test_no_frame_sees_a_later_one(network):
    clip = _clip(random_frames(10, 64))
    changed = clip.clone()
    changed[:, 7:] = 1.0
    with torch.no_grad():
        first, second = network(clip), network(changed)
    assert torch.equal(first[:, :7], second[:, :7])
    assert not torch.equal(first[:, 7:], second[:, 7:])


def test_the_window_forgets(network):
    clip = _clip(random_frames(50, 32))
    with torch.no_grad():
        whole, tail = network(clip, window=WINDOW)[:, -1], network(clip[:, 12:], window=WINDOW)[:, -1]
    assert (whole - tail).abs().max() <= 1e-4


@pytest.mark.parametrize("size_px", [112, 172])
def test_the_exported_file_says_what_the_network_says(network, tmp_path: Path, size_px: int):
    file = tmp_path / "model.tflite"
    file.write_bytes(write_model(float_graph(fold(random_arrays()), size_px)))
    model = load_model(file, labels=LABELS)
    state = model.new_state(window=WINDOW)
    frames = random_frames(12, size_px)
    ours = np.stack([model.step_tensor(frame, state) for frame in frames])
    with torch.no_grad():
        expected = network(_clip(frames), window=WINDOW)[0].numpy()
    assert np.abs(ours - expected).max() <= 1e-4


def test_calibration_sees_all_that_is_quantised(network, tmp_path: Path):
    write_toy(tmp_path, steady(1, 2))
    ranges = observe(network, ClipFolder([tmp_path]), [0, 1], window=WINDOW, size_px=64)
    graph = float_graph(fold(random_arrays()))
    of_the_file = {t.name for operator in graph.operators for t in operator.outputs}
    kept = {name for name in of_the_file if name.endswith((".frames", ".kept", ".halved")) or name.startswith("head.")}
    assert set(ranges) == of_the_file - kept - {"image"}
    assert all(low <= high for low, high in ranges.values())
    quantise(graph, ranges)


def test_learning_gives_the_logits_of_looking_and_poses_and_places_of_joints(network):
    clip = _clip(random_frames(5, 64))
    with torch.no_grad():
        said = network.learn(clip)
        assert torch.equal(said.logits, network(clip))
        assert torch.equal(network.learn(clip, 2).logits, network(clip, window=2))
    assert said.poses.shape == (1, 5, POSE_VALUES)
    assert said.joints.shape == (1, 5, JOINT_KINDS, 16, 16)


def test_a_pose_is_asked_where_the_hips_are(network, monkeypatch):
    places = (torch.arange(8) + 0.5) / 8  # of a head whose features tell where they are
    ramp = torch.stack([places.expand(8, 8), places[:, None].expand(8, 8)]).expand(3, 2, 8, 8)
    maps = network._seen(_clip(random_frames(3, 64)), ClipState())[1]
    monkeypatch.setattr(network, "_seen", lambda *_: (ramp, maps))
    monkeypatch.setattr(network, "_logits", lambda pooled: pooled)
    monkeypatch.setattr(network, "pose", torch.nn.Identity())
    hips = torch.tensor([[[0.3, 0.7], [torch.nan, 0.2], [0.9, 0.1]]])
    told = network.learn(_clip(random_frames(3, 64)), hips=hips).poses
    assert torch.allclose(told, torch.tensor([[[0.3, 0.7], [0.5, 0.2], [0.9, 0.1]]]), atol=1e-5)
