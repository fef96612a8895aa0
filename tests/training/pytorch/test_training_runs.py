"""A training run learns, stops and goes on, in one process or several."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import structlog
from training.toy_clips import picture, steady, write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # these modules cannot be imported without PyTorch
from movinet_edge.training import train as training
from movinet_edge.training.calibrate import load_network
from movinet_edge.training.checkpoint import CHECKPOINT, WEIGHTS, Run
from movinet_edge.training.clips import ClipFolder, write_shard
from movinet_edge.training.folding import WeightsError, read_weights
from movinet_edge.training.labels import LABELS
from movinet_edge.training.losses import frame_loss
from movinet_edge.training.mean import mean_weights
from movinet_edge.training.network import Movinet, as_clips
from movinet_edge.training.poses import LESSONS
from movinet_edge.training.together import rank, run_together, share_gradients
from movinet_edge.training.train import Clips, Settings, held_accuracy, train
from movinet_edge.training.windows import WindowShape

SHAPE = WindowShape(4, 32)


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


def test_a_run_learns_what_it_is_shown(tmp_path: Path):
    torch.manual_seed(0)
    labels = np.repeat(np.array([[0], [17]], np.int16), 24, axis=1)
    write_shard(tmp_path / "shard_00000.npz", [picture(255)] * 24 + [picture(0)] * 24, labels, [{}, {}])
    folder = ClipFolder([tmp_path])
    run = Run(2e-3, 0.0)
    with structlog.testing.capture_logs() as logged:
        train(run, Clips(folder, folder), tmp_path / "run", replace(_settings(160), report_every=40))
    losses = [line["loss"] for line in logged if line["event"] == "trained"]
    assert losses[-1] < 0.5 * losses[0]
    run.network.eval()  # the average is still mostly of what the run began with
    assert held_accuracy(run.network, folder, SHAPE, 4) == 1.0


def test_the_rate_rises_over_as_many_steps_with_several_processes(monkeypatch):
    def at_step(number: int) -> float:
        return training._schedule(number * 4 * training.workers(), _settings(10**9))

    alone = [at_step(number) for number in (0, 49, 99, 200)]
    assert alone == pytest.approx([0.01, 0.5, 1.0, 1.0])
    monkeypatch.setattr(training, "workers", lambda: 2)
    assert [at_step(number) for number in (0, 49, 99, 200)] == pytest.approx(alone)


def test_a_run_that_goes_on_says_that_it_reads_nothing_else(tmp_path: Path, monkeypatch):
    write_toy(tmp_path / "data", steady(0, 17))
    Run(1e-3, 0.0).save(tmp_path / "first")
    second = Run(1e-3, 0.0)
    second.windows = 8
    second.save(tmp_path / "second")
    options = f"--data {tmp_path}/data --held {tmp_path}/data --run {tmp_path}/second --windows 8 --size 32 --frames 4"
    monkeypatch.setattr("sys.argv", ["train", *options.split(), "--start-from", f"{tmp_path}/first/last.pt"])
    with structlog.testing.capture_logs() as logged:
        training.main()
    assert [line.get("start_from") for line in logged if line["event"].startswith("run ")] == [
        "not read again: it is for a new --run"
    ]


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
    with pytest.raises(WeightsError, match=r"classes\.weight"):
        second.start_from(tmp_path / CHECKPOINT)


@pytest.mark.parametrize(("share_of_real", "real"), [(0.5, 2), (0.25, 1)])
def test_as_much_of_a_step_is_of_real_video_as_was_said(tmp_path, share_of_real, real, monkeypatch):
    write_toy(tmp_path / "rendered", steady(3))
    write_toy(tmp_path / "real", steady(5))
    seen = []
    monkeypatch.setattr(training, "_step", lambda run, batch, _: seen.append(batch.labels[:, -1].tolist()) or end(run))

    def end(run):
        run.windows = 4
        return 0.0

    options = f"--data {tmp_path}/rendered --held {tmp_path}/rendered --real {tmp_path}/real --run {tmp_path}/run"
    sizes = "--batch 4 --windows 4 --frames 4 --size 32"
    monkeypatch.setattr("sys.argv", ["train", *options.split(), *sizes.split(), "--real-share", str(share_of_real)])
    training.main()
    assert seen == [[3] * (4 - real) + [5] * real]


def test_the_network_and_the_loss_of_its_frames_compute_where_the_clips_are(monkeypatch):
    # Tensors of the meta device hold no numbers and refuse those of others, as an accelerator's do. It has no autocast.
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    device = torch.device("meta")
    network = Movinet(len(LABELS)).to(device)
    clips = as_clips(np.zeros((2, 5, 64, 64, 3), np.uint8), device)
    said = network.learn(clips, 3, torch.zeros(2, 5, 2, device=device))
    loss = frame_loss(said.logits, torch.zeros(2, 5, dtype=torch.int64, device=device))
    loss.backward()
    assert network.classes.weight.grad.device == device
    assert said.joints.device == said.poses.device == device


def test_who_trains_in_the_background_of_a_script_and_is_killed_leaves_nobody_working(tmp_path: Path):
    """A shell lets what it starts there ignore interrupts, by which PyTorch would end its processes."""
    write_toy(tmp_path / "data", steady(0, 17))
    command = [sys.executable, "-m", "movinet_edge.training.train", "--data", str(tmp_path / "data")]
    command += ["--held", str(tmp_path / "data"), "--run", str(tmp_path / "run"), "--size", "32", "--frames", "4"]
    script = f"{shlex.join([*command, '--batch', '2', '--windows', '1000000', '--workers', '2'])} & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        training_process = psutil.Process(int(shell.stdout.readline()))
        workers: list[psutil.Process] = []
        try:
            workers = _eventually(lambda: [each for each in training_process.children() if _computes(each)], 2)
            training_process.kill()
            _, alive = psutil.wait_procs(workers, timeout=30)
            assert not alive
        finally:
            for each in (training_process, *workers):
                with suppress(psutil.NoSuchProcess):
                    each.kill()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("to_all", [True, False])
def test_a_training_that_is_stopped_says_how_it_goes_on(workers: int, to_all: bool, tmp_path: Path):
    write_toy(tmp_path / "data", steady(0, 17))
    command = [sys.executable, "-m", "movinet_edge.training.train", "--data", str(tmp_path / "data")]
    command += ["--held", str(tmp_path / "data"), "--run", str(tmp_path / "run"), "--size", "32", "--frames", "4"]
    command += ["--batch", "2", "--windows", "1000000", "--report-every", "2", "--workers", str(workers)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, start_new_session=True, **pipes) as stopped:
        try:
            assert any(" trained " in line for line in stopped.stdout)  # all workers have shared a step by then
            family = psutil.Process(stopped.pid).children(recursive=True)
            (os.killpg if to_all else os.kill)(stopped.pid, signal.SIGINT)
            said = stopped.communicate(timeout=60)[1]
            _, alive = psutil.wait_procs(family, timeout=30)
            assert not alive
        finally:
            with suppress(ProcessLookupError):
                os.killpg(stopped.pid, signal.SIGKILL)
    assert stopped.returncode == 130
    assert "Traceback" not in said
    assert f"Stopped. The same command goes on from {tmp_path}/run/last.pt" in said


def _computes(process: psutil.Process) -> bool:
    return "spawn_main" in " ".join(process.cmdline()) and process.cpu_times().user > 3


def _eventually(found: Callable[[], list[psutil.Process]], count: int) -> list[psutil.Process]:
    for _ in range(600):
        if len(those := found()) == count:
            return those
        time.sleep(0.2)
    raise AssertionError(f"there are not {count} workers")
