"""The network in PyTorch: streaming is clip mode, the exported file is the network, and a stopped run goes on."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training.random_network import random_arrays, random_frames
from training.toy_clips import steady, write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # these modules cannot be imported without PyTorch
from movinet_edge.engine import load_model
from movinet_edge.training import oracle
from movinet_edge.training.augment import fit
from movinet_edge.training.calibrate import load_network, observe
from movinet_edge.training.checkpoint import CHECKPOINT, WEIGHTS, Run
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, Poses
from movinet_edge.training.export import float_graph, write_model
from movinet_edge.training.folding import WeightsError, fold, read_weights
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.mean import mean_weights
from movinet_edge.training.network import ClipState, Movinet, as_clips
from movinet_edge.training.poses import JOINT_KINDS, JOINTS, KIND_OF, LESSONS, MIRRORED, POSE_VALUES
from movinet_edge.training.quantise import quantise
from movinet_edge.training.thaw import thaw
from movinet_edge.training.together import rank, run_together, share_gradients
from movinet_edge.training.train import Clips, Settings, frame_loss, held_accuracy, joint_loss, pose_loss, train
from movinet_edge.training.windows import WindowShape

WINDOW = 6
SHAPE = WindowShape(4, 32)


@pytest.fixture(scope="module")
def network():
    """A network of chance weights."""
    network = Movinet(len(LABELS))
    # The file has no counters of batches, which nothing reads while the norms' momentum is fixed.
    network.load_state_dict({k: torch.from_numpy(v) for k, v in random_arrays().items()}, strict=False)
    return network.eval()


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


def test_calibration_sees_all_that_is_quantised(network, tmp_path: Path):
    write_toy(tmp_path, steady(1, 2))
    ranges = observe(network, ClipFolder([tmp_path]), [0, 1], window=WINDOW, size_px=64)
    graph = float_graph(fold(random_arrays()))
    of_the_file = {t.name for operator in graph.operators for t in operator.outputs}
    kept = {name for name in of_the_file if name.endswith((".frames", ".kept", ".halved")) or name.startswith("head.")}
    assert set(ranges) == of_the_file - kept - {"image"}
    assert all(low <= high for low, high in ranges.values())
    quantise(graph, ranges)


def test_unlabelled_frames_cost_nothing_and_early_ones_less():
    logits = torch.randn(2, 8, 18, generator=torch.Generator().manual_seed(0))
    labels = torch.full((2, 8), 3)
    labels[:, 5:] = -1
    other = logits.clone()
    other[:, 5:] += 100 * torch.eye(18)[0]
    assert frame_loss(logits, labels) == pytest.approx(float(frame_loss(other, labels)))
    assert frame_loss(logits, torch.full((2, 8), -1)) == 0.0
    wrong_early, wrong_late = (torch.zeros(1, 8, 18) for _ in range(2))
    wrong_early[:, 0, 5] = wrong_late[:, 7, 5] = 10.0
    labels = torch.full((1, 8), 3)
    assert frame_loss(wrong_early, labels) < frame_loss(wrong_late, labels)
    labels[:, 7] = 4  # now the last frame is the first of an action
    assert frame_loss(wrong_late, labels) == pytest.approx(float(frame_loss(wrong_early, labels)), rel=0.02)


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


def test_unknown_poses_cost_nothing():
    poses = torch.zeros(1, 3, POSE_VALUES)
    known = torch.full((1, 3, POSE_VALUES), torch.nan)
    assert pose_loss(poses, known) == 0.0
    known[0, 1] = 0.5
    assert pose_loss(poses, known) == pytest.approx(0.45)


def test_a_joint_costs_less_the_nearer_its_place_is_told():
    known = torch.full((1, 2, len(JOINTS), 2), torch.nan)
    maps = torch.zeros(1, 2, JOINT_KINDS, 8, 8)
    assert joint_loss(maps, known) == 0.0
    foot = JOINTS.index("left foot")
    known[0, 1, foot] = torch.tensor([0.3, 0.8])  # the cell in column 2, row 6
    unsure = joint_loss(maps, known)
    assert unsure == pytest.approx(np.log(64), abs=1e-3)

    def loss_at(row: int, column: int) -> float:
        told = maps.clone()
        told[0, 1, KIND_OF[foot], row, column] = 5.0
        return float(joint_loss(told, known))

    assert loss_at(6, 2) < unsure
    assert loss_at(6, 2) < loss_at(5, 2) < loss_at(2, 6)
    assert loss_at(6, 2) == min(loss_at(row, column) for row in range(8) for column in range(8))


def test_nobody_asks_which_hand_is_the_left_one():
    known, maps = torch.rand(1, 1, len(JOINTS), 2), torch.randn(1, 1, JOINT_KINDS, 8, 8)
    assert joint_loss(maps, known) == pytest.approx(float(joint_loss(maps, known[:, :, MIRRORED])))


def _step_alone(rank_of_data: int) -> torch.nn.Module:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 2, 2).to(memory_format=torch.channels_last)
    picture = torch.arange(48).view(1, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    (layer(picture * (1.0 + rank_of_data)) ** 2).sum().backward()
    return layer


def _step_together(folder: str) -> None:
    layer = _step_alone(rank())
    share_gradients(layer)
    np.save(f"{folder}/{rank()}.npy", layer.weight.grad.numpy())


def test_processes_take_the_mean_of_their_steps(tmp_path: Path):
    run_together(2, _step_together, str(tmp_path))
    expected = (_step_alone(0).weight.grad + _step_alone(1).weight.grad) / 2
    for number in range(2):
        np.testing.assert_allclose(np.load(tmp_path / f"{number}.npy"), expected.numpy())


def _settings(windows: int) -> Settings:
    return Settings(SHAPE, windows, batch=4, learning_rate=2e-3, report_every=1000, held_windows=4)


def test_a_run_learns_stops_and_goes_on(tmp_path: Path):
    torch.manual_seed(0)
    write_toy(tmp_path / "data", steady(0, 17))
    folder = ClipFolder([tmp_path / "data"])
    clips = Clips(rendered=folder, held=folder, real=folder)
    first = Run(2e-3, 0.0)
    train(first, clips, tmp_path / "run", _settings(8))
    assert first.windows == 8
    second = Run(2e-3, 0.0)
    second.resume(tmp_path / "run" / CHECKPOINT)
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name
    train(second, clips, tmp_path / "run", _settings(16))
    assert second.windows == 16
    assert any(
        not torch.equal(value, second.network.state_dict()[name]) for name, value in first.network.state_dict().items()
    )
    assert 0.0 <= held_accuracy(second.average, folder, SHAPE, 4) <= 1.0


def test_a_run_can_leave_the_first_layers_as_they_are(tmp_path: Path):
    write_toy(tmp_path, steady(0, 17))
    folder = ClipFolder([tmp_path])
    run = Run(2e-3, 0.02)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    train(run, Clips(folder, folder), tmp_path / "run", replace(_settings(8), hold_start=True))
    changed = {name for name, value in run.network.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(("stem.", "layers.block0_layer0.")) for name in changed)
    assert {"layers.block1_layer0.expand.convolution.weight", "layers.block1_layer0.expand.norm.running_var"} <= changed


def test_what_a_run_leaves_can_be_exported_and_started_from(tmp_path: Path):
    run = Run(1e-3, 0.0)
    run.save(tmp_path)
    folded = read_weights(tmp_path / WEIGHTS)
    assert folded["classes"].bias.shape == (len(LABELS),)
    again = Run(1e-3, 0.0)
    again.start_from(tmp_path / CHECKPOINT)
    average, loaded = run.average.module.state_dict(), load_network(tmp_path / WEIGHTS).state_dict()
    mean_weights([tmp_path / WEIGHTS, tmp_path / WEIGHTS], tmp_path / "mean.npz")  # has no lessons
    of_mean = load_network(tmp_path / "mean.npz").state_dict()
    from_mean = Run(1e-3, 0.0)
    from_mean.start_from(tmp_path / "mean.npz")
    for name, value in again.network.state_dict().items():
        assert torch.equal(value, average[name]), name
        assert name.startswith(LESSONS) or torch.equal(value, loaded[name]), name
        assert name.startswith(LESSONS) or torch.equal(value, of_mean[name]), name
        assert name.startswith(LESSONS) or torch.equal(value, from_mean.network.state_dict()[name]), name
    assert again.windows == 0


def test_a_new_run_begins_with_what_was_learnt_though_a_lesson_has_changed(tmp_path):
    first, second = Run(1e-3, 0.0), Run(1e-3, 0.0)
    kept = first.average.module
    kept.joints[0], kept.pose[2].weight.data[:] = torch.nn.Conv2d(5, 7, 1), 0.25
    first.save(tmp_path)
    second.start_from(tmp_path / CHECKPOINT)
    for network in (second.network, second.average.module):
        assert torch.equal(network.classes.weight, kept.classes.weight)
        assert (network.pose[2].weight == 0.25).all()
        assert network.joints[0].weight.shape[0] != 7
        assert not torch.equal(network.joints[2].weight, kept.joints[2].weight)  # it belongs to what has changed
    del kept.classes.weight  # what is exported must be there
    torch.save({"average": first.average.state_dict()}, tmp_path / CHECKPOINT)
    with pytest.raises(RuntimeError, match=r"classes\.weight"):
        second.start_from(tmp_path / CHECKPOINT)


def _walker(seed: int, *, waves: bool) -> Poses:
    """Somebody who stands anywhere in the picture, at any size, and waves or does not, in one clip."""
    rng = np.random.default_rng(seed)
    joints = np.tile(np.random.default_rng(0).normal(0, 0.4, (1, 1, len(JOINTS), 2)), (1, FRAMES_PER_CLIP, 1, 1))
    if waves:
        swing = 0.4 * np.sin(np.arange(FRAMES_PER_CLIP) * 1.3 + rng.uniform(0, 6))
        joints[0, :, JOINTS.index("left hand")] += np.column_stack([swing, np.full_like(swing, -0.8)])
    metre = rng.uniform(10, 60)
    return Poses(
        (joints * metre + rng.uniform(40, 150, 2)).astype(np.float32), np.full((1, FRAMES_PER_CLIP), metre, np.float32)
    )


def test_an_oracle_is_told_the_same_wherever_somebody_is_and_nothing_of_nobody():
    poses = _walker(1, waves=True)
    told = oracle.movements(poses.joints_px, poses.metre_px)
    away = oracle.movements(3 * poses.joints_px - 40, 3 * poses.metre_px)
    np.testing.assert_allclose(away, told, atol=1e-4)
    assert (told[..., -1] == 1).all()
    assert np.ptp(told[0, :, 2 * JOINTS.index("left hand")]) > 0.5
    gone = poses.joints_px.copy()
    gone[0, 5:8] = np.nan
    told = oracle.movements(gone, poses.metre_px)
    assert (told[0, 5:8] == 0).all()
    assert np.isfinite(told).all()


def test_an_oracle_is_told_how_somebody_moves():
    poses, time = _walker(1, waves=False), np.arange(FRAMES_PER_CLIP, dtype=np.float32)
    walking = poses.joints_px + 5 * time[None, :, None, None] * np.float32([1, 0])
    told = oracle.movements(walking, np.full_like(poses.metre_px, 50))
    np.testing.assert_allclose(told[0, 1:, -4:-1], np.tile([0.3, 0, 0], (FRAMES_PER_CLIP - 1, 1)), atol=1e-4)
    nearing = oracle.movements(poses.joints_px, (50 * 1.05**time)[None].astype(np.float32))
    np.testing.assert_allclose(nearing[0, 1:, -2], 3 * np.log(1.05), atol=1e-3)


def test_an_oracle_looks_back_alone():
    told = torch.randn(2, 20, 30)
    changed = told.clone()
    changed[:, 12:] = 0.0
    asked = oracle.Oracle().eval()
    with torch.no_grad():
        before, after = asked(told), asked(changed)
    assert torch.allclose(before[:, :12], after[:, :12], atol=1e-5)
    assert not torch.allclose(before[:, 12], after[:, 12])


def test_an_oracle_is_not_told_of_people_out_of_sight(tmp_path):
    labels = [[LABELS.index("nobody")] * 12 + [UNLABELLED] * 4 + [LABELS.index("walk")] * 8]
    write_toy(tmp_path, labels, poses=_walker(1, waves=False))
    joints_px, metre_px, _ = oracle._told(ClipFolder([tmp_path]))
    in_sight = oracle.movements(joints_px, metre_px)[0, :, -1]
    assert in_sight.tolist() == [0] * 16 + [1] * 8


@pytest.mark.parametrize("name", ["train", "calibrate", "oracle", "mean", "thaw", "export"])
def test_commands_explain_themselves(name, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"movinet_edge.training.{name}").main()
    assert f"python -m movinet_edge.training.{name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("train", "--data a --held b --run c --hold-start", "needs a --start-from"),
        ("train", "--data a --held b --run c --start-from some.tflite", "movinet_edge.training.thaw"),
        ("train", "--data a --held b --run c --start-from none.npz", "weights.npz of a run"),
        ("train", "--data a --held b --run c --idle-times 0", "must be above 0"),
        ("train", "--data a --held b --run c --real-share 1", "must be at least 0 and below 1"),
        ("thaw", "--model nowhere.tflite --data . --out x.npz", "no clips"),
        ("thaw", "--model nowhere.tflite --data . --out x", "must end in .npz"),
        ("oracle", "--data nowhere --held nowhere", "no clips that tell joints"),
    ],
)
def test_commands_say_what_is_missing(name, arguments, says, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [name, *arguments.split()])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"movinet_edge.training.{name}").main()
    assert says in capsys.readouterr().err


def test_an_oracle_learns_from_joints_and_is_judged_as_models_are(tmp_path):
    labels = [LABELS.index(name) for name in ("idle", "wave")]
    shown = [_walker(seed, waves=bool(seed % 2)) for seed in range(16)]
    poses = Poses(np.concatenate([each.joints_px for each in shown]), np.concatenate([each.metre_px for each in shown]))
    write_toy(tmp_path, [[labels[seed % 2]] * FRAMES_PER_CLIP for seed in range(16)], poses=poses)
    clips = ClipFolder([tmp_path])
    found = oracle.judge(oracle.learn(clips, 40, 0), clips)
    assert found.total == 16
    assert found.top1 == 1.0
    again = oracle.judge(oracle.learn(clips, 0, 0), clips)
    assert again.top1 < 1.0
