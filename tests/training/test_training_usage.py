"""Wrong input to training's commands ends in one line that says what is wrong and what would be right."""

import argparse
import importlib
from pathlib import Path

import numpy as np
import pytest
from training.command_errors import refusal
from training.random_network import random_arrays
from training.toy_clips import steady, write_toy

from movinet_edge.argument_types import not_negative_int, positive_float, positive_int
from movinet_edge.training.quantise import RangesError, read_ranges
from movinet_edge.training.usage import share

FILES = "--int8 text.tflite --float32 text.tflite"
TABLES = {
    "header": "file\tclasses\nsubject_1_adl_1.mp4\tWalking[0 to 1]\n",
    "names": "file\tclasses_seconds\nadl_1.mp4\tWalking[0 to 1]\n",
    "short": "file\tclasses_seconds\nsubject_1_adl_1.mp4\n",
    "seconds": "file\tclasses_seconds\nsubject_1_fall_1.mp4\tFalling (BW)[1.8-6]\n",
    "gone": "file\tclasses_seconds\nsubject_1_adl_1.mp4\tWalking[0 to 1]\n",
    "nothing": "file\tclasses_seconds\nsubject_3_adl_1.mp4\tWalking[0 to 1]\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands are given in: weights, clips, and files of other kinds."""
    np.savez(tmp_path / "weights.npz", **random_arrays())
    write_toy(tmp_path / "clips", steady(1))
    write_toy(tmp_path / "learnt", steady(1), meta={"split": "train"})
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("no weights")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:1000])
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    (tmp_path / "text.json").write_text("no ranges")
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "other.json").write_text('{"somewhere": [0, 1]}')
    (tmp_path / "triple.json").write_text('{"stem": [0, 1, 2]}')
    (tmp_path / "nan.json").write_text('{"stem": [0, NaN]}')
    (tmp_path / "turned.json").write_text('{"stem": [1, 0]}')
    (tmp_path / "large.json").write_text(f'{{"stem": [0, {10**400}]}}')
    (tmp_path / "text.tflite").write_text("no model")
    np.savez(tmp_path / "five.npz", **random_arrays(classes=5))
    np.savez(tmp_path / "nan.npz", **random_arrays() | {"classes.bias": np.full(18, np.nan, np.float32)})
    (tmp_path / "empty.npz").touch()
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    for name, table in TABLES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.tsv").write_text(table)
    (tmp_path / "nothing" / "subject_3_adl_1.mp4").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("mean", "weights.npz text.npz --out mean.npz", "text.npz: "),
        ("mean", "weights.npz none.npz --out mean.npz", "No such file or directory: 'none.npz'"),
        ("mean", "weights.npz five.npz --out mean.npz", "five.npz: it tells 5 classes, expected 18"),
        ("mean", "weights.npz empty.npz --out mean.npz", "empty.npz: "),
        ("mean", "weights.npz array.npz --out mean.npz", "array.npz: "),
        ("mean", "weights.npz nan.npz --out mean.npz", "nan.npz: not all of its numbers are finite"),
        ("mean", "weights.npz --out nowhere/mean.npz", "there is no folder nowhere"),
        ("mean", "weights.npz --out clips", "clips is a folder"),
        ("mean", "weights.npz --out mean", "must end in .npz"),
        ("export", "--weights cut.npz --out m.tflite", "cut.npz: "),
        ("export", "--weights other.npz --out m.tflite", "is this the weights.npz of a training run?"),
        ("export", "--weights weights.npz --ranges none.json --out m.tflite", "none.json"),
        ("export", "--weights weights.npz --ranges text.json --out m.tflite", "movinet_edge.training.calibrate"),
        ("export", "--weights weights.npz --ranges other.json --out m.tflite", "are of another network"),
        ("export", "--weights weights.npz --out m.txt", "must end in .tflite"),
        ("export", "--weights weights.npz --out m.tflite --size 0", "'0' is not a whole number above 0"),
        ("card", f"{FILES} --held empty --falls f", "movinet_edge.training.render makes them"),
        ("card", f"{FILES} --held nowhere --falls f", "nowhere: there is no such folder of clips"),
        ("card", f"{FILES} --held learnt --falls f", "its clips are of the split train; held is expected here"),
        ("card", f"{FILES} --held clips --falls f", "text.tflite: "),
        ("card", "--int8 m --float32 text.tflite --held clips --falls f", "m: there is no such file"),
        ("card", f"{FILES} --held clips --falls f --scene none.mp4", "none.mp4: there is no such file"),
        ("card", f"{FILES} --held clips --falls f --card text.json", "<!-- figures -->"),
        ("card", f"{FILES} --held clips --falls f --json nowhere/f.json", "there is no folder nowhere"),
        ("falls", "--videos empty --out out", "labels.tsv"),
        ("falls", "--videos header --out out", "no column 'classes_seconds'"),
        ("falls", "--videos names --out out", "'adl_1.mp4' does not begin with subject_N_"),
        ("falls", "--videos short --out out", "line 2 has fewer columns"),
        ("falls", "--videos seconds --out out", "'Falling (BW)[1.8-6]': must be a class, such as Sitting"),
        ("falls", "--videos gone --out out", "names subject_1_adl_1.mp4, which is not there"),
        ("falls", "--videos nothing --out out", "in videos of others than subject 3, who is held out"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_input_is_told_in_one_line(name, arguments, says, capsys, monkeypatch):
    before = sorted(Path().rglob("*"))
    assert says in refusal(name, arguments, capsys, monkeypatch)
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("name", ["text", "list", "triple", "nan", "turned", "large"])
def test_ranges_of_another_form_are_refused(name, folder):
    with pytest.raises(RangesError, match=rf"{name}\.json: .*(calibrate|is no range)"):
        read_ranges(folder / f"{name}.json")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (positive_int, "3", ["0", "-1", "1.5", "nan", "x", ""]),
        (not_negative_int, "0", ["-1", "1.5", "nan", "x", ""]),
        (positive_float, "0.5", ["0", "-1", "nan", "inf", "x"]),
        (share, "0.5", ["-0.1", "1.1", "nan", "inf", "x"]),
    ],
)
def test_numbers_are_what_they_should_be(kind, good, bad):
    assert kind(good) == float(good)
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not a"):
            kind(text)


@pytest.mark.usefixtures("folder")
def test_errors_of_the_program_itself_keep_their_traceback(monkeypatch):
    mean = importlib.import_module("movinet_edge.training.mean")

    def broken(*_):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(mean, "mean_weights", broken)
    monkeypatch.setattr("sys.argv", ["mean", "weights.npz", "--out", "mean.npz"])
    with pytest.raises(ValueError, match="a mistake of ours"):
        mean.main()
