"""The commands that need PyTorch explain themselves and say what is missing."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from training.toy_clips import steady, write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # this module cannot be imported without PyTorch
from movinet_edge.training.checkpoint import CHECKPOINT, WEIGHTS, Run

# these modules cannot be imported without PyTorch


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Clips, weights, and files that are damaged or of other kinds."""
    folder = tmp_path_factory.mktemp("commands")
    write_toy(folder / "clips", steady(1))
    Run(1e-3, 0.0).save(folder)
    np.savez(folder / "other.npz", something=np.zeros(3))
    torch.save({"something": 1}, folder / "other.pt")
    for kept in (CHECKPOINT, WEIGHTS):
        whole = folder / kept
        (folder / f"text{whole.suffix}").write_text("nothing of a network")
        (folder / f"cut{whole.suffix}").write_bytes(whole.read_bytes()[:-5000])
    (folder / "damaged").mkdir()
    (folder / "damaged" / CHECKPOINT).write_bytes((folder / "cut.pt").read_bytes())
    return folder


@pytest.fixture
def folder(files, monkeypatch) -> Path:
    """The folder that commands are given in."""
    monkeypatch.chdir(files)
    return files


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
        ("train", "--data nowhere --held b --run c", "nowhere: no clips"),
        ("train", "--data clips --held b --run c --workers 0", "'0' is not a whole number above 0"),
        ("train", "--data clips --held b --run c --start-from text.npz", "text.npz"),
        ("train", "--data clips --held b --run c --start-from other.npz", "other.npz"),
        ("train", "--data clips --held b --run c --start-from cut.npz", "cut.npz"),
        ("train", "--data clips --held b --run c --start-from text.pt", "text.pt"),
        ("train", "--data clips --held b --run c --start-from cut.pt", "cut.pt"),
        ("train", "--data clips --held b --run c --start-from other.pt", "of a run of this network"),
        ("train", "--data clips --held b --run damaged", "damaged/last.pt"),
        ("calibrate", "--weights text.npz --data clips --out r.json", "text.npz"),
        ("calibrate", "--weights weights.npz --data nowhere --out r.json", "nowhere: no clips"),
        ("calibrate", "--weights weights.npz --data clips --out r.json --clips 0", "'0' is not a whole number above 0"),
        ("thaw", "--model m.tflite --data clips --out x.npz --clips 0", "'0' is not a whole number above 0"),
        ("train", "--data a --held b --run c --idle-times 0", "must be above 0"),
        ("train", "--data a --held b --run c --real-share 1", "must be at least 0 and below 1"),
        ("thaw", "--model nowhere.tflite --data . --out x.npz", "no clips"),
        ("thaw", "--model nowhere.tflite --data . --out x", "must end in .npz"),
        ("oracle", "--data nowhere --held nowhere", "nowhere: no clips"),
        ("oracle", "--data clips --held clips", "no clips that tell joints"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_commands_say_what_is_missing(name, arguments, says, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [name, *arguments.split()])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"movinet_edge.training.{name}").main()
    assert says in capsys.readouterr().err.splitlines()[-1]
