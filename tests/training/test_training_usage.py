"""Wrong input to training's commands ends in one line that says what is wrong and what would be right."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from training.random_network import random_arrays
from training.toy_clips import steady, write_toy

from movinet_edge.training.folding import WeightsError
from movinet_edge.training.quantise import RangesError, read_ranges


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands are given in: weights, clips, and files of other kinds."""
    np.savez(tmp_path / "weights.npz", **random_arrays())
    write_toy(tmp_path / "clips", steady(1))
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("no weights")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:1000])
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    (tmp_path / "text.json").write_text("no ranges")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "other.json").write_text('{"somewhere": [0, 1]}')
    (tmp_path / "triple.json").write_text('{"stem": [0, 1, 2]}')
    (tmp_path / "text.tflite").write_text("no model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("mean", "weights.npz text.npz --out mean.npz", "text.npz: "),
        ("mean", "weights.npz none.npz --out mean.npz", "No such file or directory: 'none.npz'"),
        ("mean", "weights.npz --out nowhere/mean.npz", "nowhere"),
        ("export", "--weights cut.npz --out m.tflite", "cut.npz: "),
        ("export", "--weights other.npz --out m.tflite", "is this the weights.npz of a training run?"),
        ("export", "--weights weights.npz --ranges none.json --out m.tflite", "none.json"),
        ("export", "--weights weights.npz --ranges text.json --out m.tflite", "movinet_edge.training.calibrate"),
        ("export", "--weights weights.npz --ranges other.json --out m.tflite", "it was of another network"),
        ("export", "--weights weights.npz --out m.tflite --size 0", "'0' is not a whole number above 0"),
        ("card", "--int8 m --float32 m --held empty --falls f", "movinet_edge.training.render makes them"),
        ("card", "--int8 m --float32 m --held nowhere --falls f", "nowhere: no clips"),
        ("card", "--int8 text.tflite --float32 m --held clips --falls f", "text.tflite"),
        ("falls", "--videos empty --out out", "labels.tsv"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_input_is_told_in_one_line(name, arguments, says, capsys, monkeypatch):
    before = sorted(Path().rglob("*"))
    monkeypatch.setattr("sys.argv", [name, *arguments.split()])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"movinet_edge.training.{name}").main()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"python -m movinet_edge.training.{name}: error: ")
    assert says in last
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("name", ["text", "list", "triple"])
def test_ranges_of_another_form_are_refused(name, folder):
    with pytest.raises(RangesError, match=rf"{name}\.json: .*calibrate"):
        read_ranges(folder / f"{name}.json")


def test_errors_of_the_program_itself_keep_their_traceback(folder, monkeypatch):
    mean = importlib.import_module("movinet_edge.training.mean")

    def broken(*_):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(mean, "mean_weights", broken)
    monkeypatch.setattr("sys.argv", ["mean", "weights.npz", "--out", "mean.npz"])
    with pytest.raises(ValueError, match="a mistake of ours") as told:
        mean.main()
    assert not isinstance(told.value, WeightsError)
