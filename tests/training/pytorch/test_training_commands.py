"""The commands that need PyTorch explain themselves and say what is missing."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from training.command_errors import refusal
from training.random_network import random_arrays
from training.toy_clips import steady, write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # this module cannot be imported without PyTorch
from movinet_edge.training.checkpoint import CHECKPOINT, WEIGHTS, Run
from movinet_edge.training.labels import UNLABELLED

CLIPS = "--data clips --held clips"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Clips, weights, and files that are damaged or of other kinds."""
    folder = tmp_path_factory.mktemp("commands")
    write_toy(folder / "clips", steady(1))
    write_toy(folder / "held_out", steady(1), meta={"split": "held"})
    write_toy(folder / "learnt", steady(1), meta={"split": "train"})
    write_toy(folder / "third", steady(1), meta={"subject": 3})
    write_toy(folder / "unlabelled", steady(UNLABELLED))
    write_toy(folder / "damaged_clips", steady(1)).write_bytes(b"PK no shard")
    (folder / "empty").mkdir()
    Run(1e-3, 0.0).save(folder)
    np.savez(folder / "other.npz", something=np.zeros(3))
    np.savez(folder / "five.npz", **random_arrays(classes=5))
    torch.save({"something": 1}, folder / "other.pt")
    torch.save(torch.zeros(3), folder / "tensor.pt")
    (folder / "text.npz").write_text("these are no weights")
    (folder / "text.pt").write_text("these are no weights")
    (folder / "empty.pt").touch()
    whole = (folder / CHECKPOINT).read_bytes()
    (folder / "cut.pt").write_bytes(whole[:-5000])
    (folder / "flipped.pt").write_bytes(whole[:3000] + b"\xff" * 8 + whole[3008:])
    (folder / "cut.npz").write_bytes((folder / WEIGHTS).read_bytes()[:-5000])
    (folder / "damaged").mkdir()
    (folder / "damaged" / CHECKPOINT).write_bytes((folder / "cut.pt").read_bytes())
    (folder / "foreign").mkdir()
    torch.save({"network": {}}, folder / "foreign" / CHECKPOINT)
    return folder


@pytest.fixture
def folder(files, monkeypatch) -> Path:
    """The folder that commands are given in."""
    monkeypatch.chdir(files)
    return files


@pytest.mark.parametrize("name", ["train", "calibrate", "oracle", "mean", "thaw", "export", "evaluate"])
def test_commands_explain_themselves(name, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"movinet_edge.training.{name}").main()
    assert f"python -m movinet_edge.training.{name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("train", f"{CLIPS} --run c --hold-start", "needs a --start-from"),
        ("train", f"{CLIPS} --run c --start-from some.tflite", "movinet_edge.training.thaw"),
        ("train", f"{CLIPS} --run c --start-from none.npz", "there is no such file"),
        ("train", f"{CLIPS} --run c --start-from text.npz", "text.npz: "),
        ("train", f"{CLIPS} --run c --start-from other.npz", "is this the weights.npz of a training run?"),
        ("train", f"{CLIPS} --run c --start-from five.npz", "it tells 5 classes"),
        ("train", f"{CLIPS} --run c --start-from cut.npz", "cut.npz: "),
        ("train", f"{CLIPS} --run c --start-from text.pt", "text.pt is damaged, or no checkpoint"),
        ("train", f"{CLIPS} --run c --start-from cut.pt", "cut.pt is damaged, or no checkpoint"),
        ("train", f"{CLIPS} --run c --start-from empty.pt", "empty.pt is damaged, or no checkpoint"),
        ("train", f"{CLIPS} --run c --start-from flipped.pt", "flipped.pt is damaged, or no checkpoint"),
        ("train", f"{CLIPS} --run c --start-from other.pt", "other.pt is of another network"),
        ("train", f"{CLIPS} --run c --start-from tensor.pt", "tensor.pt is of another network"),
        ("train", f"{CLIPS} --run damaged", "damaged/last.pt is damaged, or no checkpoint"),
        ("train", f"{CLIPS} --run foreign", "give another --run"),
        ("train", f"{CLIPS} --run text.pt/run", "Not a directory"),
        ("train", "--data nowhere --held clips --run c", "nowhere: there is no such folder"),
        ("train", "--data clips --data nowhere --held clips --run c", "nowhere: there is no such folder"),
        ("train", "--data clips --held empty --run c", "empty: no clips"),
        ("train", "--data damaged_clips --held clips --run c", "damaged_clips/shard_00000.npz: "),
        ("train", "--data unlabelled --held clips --run c", "no clip has a labelled frame"),
        ("train", "--data clips --held unlabelled --run c", "no clip has a labelled frame"),
        ("train", "--data held_out --held clips --run c", "its clips are of the split held; train is expected here"),
        ("train", "--data clips --held learnt --run c", "its clips are of the split train; held is expected here"),
        ("train", f"{CLIPS} --run c --real third", "third/shard_00000.npz: subject 3 is there"),
        ("train", "--data third --held clips --run c", "third/shard_00000.npz: subject 3 is there"),
        ("train", f"{CLIPS} --run c --real held_out", "its clips are of the split held; train is expected here"),
        ("train", f"{CLIPS} --run c --real nowhere", "nowhere: there is no such folder"),
        ("train", f"{CLIPS} --run c --real clips --batch 4", "0 of the 4 windows"),
        ("train", f"{CLIPS} --run c --real clips --batch 4 --real-share 0.9", "4 of the 4 windows"),
        ("train", f"{CLIPS} --run c --real-share 0.5", "needs --real"),
        ("train", f"{CLIPS} --run c --real-share nan", "'nan' is not a number from 0 to 1"),
        ("train", f"{CLIPS} --run c --closeups 5", "'5' is not a number from 0 to 1"),
        ("train", f"{CLIPS} --run c --idle-times 0", "'0' is not a number above 0"),
        ("train", f"{CLIPS} --run c --learning-rate inf", "'inf' is not a number above 0"),
        ("train", f"{CLIPS} --run c --workers 0", "'0' is not a whole number above 0"),
        ("train", f"{CLIPS} --run c --frames 25", "clips have 24 frames"),
        ("train", f"{CLIPS} --run c --device nonsense", "PyTorch has no such device here"),
        ("calibrate", "--weights text.npz --data clips --out r.json", "text.npz: "),
        ("calibrate", "--weights five.npz --data clips --out r.json", "it tells 5 classes"),
        ("calibrate", "--weights weights.npz --data clips --out nowhere/r.json", "there is no folder nowhere"),
        ("calibrate", "--weights weights.npz --data nowhere --out r.json", "nowhere: there is no such folder"),
        ("calibrate", "--weights weights.npz --data clips --out r.json --clips 0", "'0' is not a whole number above 0"),
        ("thaw", "--model m.tflite --data clips --out x.npz --clips 0", "'0' is not a whole number above 0"),
        ("thaw", "--model nowhere.tflite --data empty --out x.npz", "no clips"),
        ("thaw", "--model nowhere.tflite --data clips --out x.npz", "nowhere.tflite"),
        ("thaw", "--model nowhere.tflite --data . --out x", "must end in .npz"),
        ("oracle", "--data nowhere --held nowhere", "nowhere: there is no such folder"),
        ("oracle", "--data clips --held clips", "no clips that tell joints"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_commands_say_what_is_missing(name, arguments, says, capsys, monkeypatch):
    assert says in refusal(name, arguments, capsys, monkeypatch)
    assert not Path("c").exists()
