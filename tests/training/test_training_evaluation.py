"""What the model card says: spans, confusion, falls on real video, and the text made of them."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from training.toy_clips import picture, steady, write_toy

from movinet_edge.api.errors import ModelError
from movinet_edge.engine import load_model
from movinet_edge.training import evaluate, running
from movinet_edge.training.clips import ClipFolder, write_shard
from movinet_edge.training.evaluate import Confusion, clip_scores, judge, spans
from movinet_edge.training.events import FallFigures, falls_on, starts
from movinet_edge.training.falls import FallVideo, cut, frame_labels, parse_spans, read_videos
from movinet_edge.training.figures import BEGIN, END, Figures, as_json, with_figures
from movinet_edge.training.labels import LABELS
from movinet_edge.training.running import drift_after, time_ratio

FALL, LIE, WALK, IDLE = (LABELS.index(name) for name in ("fall", "lie", "walk", "idle"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([4] * 10, [(4, 0, 9)]),
        ([4] * 6 + [2] * 6, [(4, 0, 5), (2, 6, 11)]),
        ([4] * 4 + [2] * 6, [(2, 4, 9)]),
        ([-1] * 6 + [3] * 5 + [-1], [(3, 6, 10)]),
        ([1, 2, 3, 4], []),
    ],
)
def test_spans_are_what_lasts_a_second(labels, expected):
    assert list(spans(labels)) == expected


def test_confusion_counts():
    counts = np.zeros((18, 18), np.int64)
    counts[0, 0], counts[0, 1], counts[2, 1] = 3, 1, 4
    confusion = Confusion(counts)
    assert (confusion.total, confusion.top1) == (8, 3 / 8)
    assert (confusion.recall(0), confusion.recall(2)) == (0.75, 0.0)
    assert confusion.precision(0) == 1.0
    assert np.isnan(confusion.recall(5))
    assert np.isnan(confusion.precision(5))


def test_judges_every_span_frame_by_frame(exported: tuple[Path, Path], tmp_path: Path):
    write_toy(tmp_path, [*steady(5), [0] * 12 + [16] * 12])
    clips = ClipFolder([tmp_path])
    model = load_model(exported[1])
    confusion = judge(model, clips, window=16)
    assert confusion.counts.sum(1)[[5, 0, 16]].tolist() == [1, 1, 1]
    assert confusion.total == 3
    best = clip_scores(model, clips.frames(1, range(24)), 16).argmax(1)
    assert confusion.counts[0, best[11]] >= 1
    assert confusion.counts[16, best[23]] >= 1


def test_leaves_out_clips_by_what_they_show(exported: tuple[Path, Path], tmp_path: Path):
    pictures = [picture(8 * frame) for _ in range(2) for frame in range(24)]
    meta = [{"motions": ["walk", "near"]}, {"motions": ["walk"]}]
    write_shard(tmp_path / "shard_00000.npz", pictures, np.array(steady(5, 2), np.int16), meta, None)
    confusion = judge(load_model(exported[1]), ClipFolder([tmp_path]), window=16, without={"near"})
    assert confusion.counts.sum(1).nonzero()[0].tolist() == [2]


def test_refuses_a_model_of_other_classes(exported: tuple[Path, Path], tmp_path: Path):
    write_toy(tmp_path, steady(0))
    model = load_model(exported[1], labels=[f"class {n}" for n in range(18)])
    with pytest.raises(ModelError, match="other classes"):
        judge(model, ClipFolder([tmp_path]), window=16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Reading[0 to 2.5]; Walking[0 to 3]", (("Reading", ((0, 2.5),)), ("Walking", ((0, 3),)))),
        ("Falling (BW)[1.9 to 5]; Standing[0 to 0.3; 1.5 to 2.2]",
         (("Falling (BW)", ((1.9, 5),)), ("Standing", ((0, 0.3), (1.5, 2.2))))),
        ("Falling (SW) [1.8 to 6] ; Sitting [0 to 2]", (("Falling (SW)", ((1.8, 6),)), ("Sitting", ((0, 2),)))),
        ("Reading; Sitting", (("Reading", ()), ("Sitting", ()))),
    ],
)  # fmt: skip
def test_reads_the_spans_of_the_data_set(text, expected):
    assert parse_spans(text) == expected


def _video(text: str) -> FallVideo:
    return FallVideo(Path("subject_9_x.mp4"), 9, parse_spans(text))


def test_a_fall_becomes_lying_and_wins_over_what_overlaps():
    times = [0.0, 1.0, 1.9, 2.5, 3.5, 4.5, 7.0]
    labels = frame_labels(_video("Falling (SW)[1.8 to 6]; Sitting[0 to 2]"), times)
    assert labels.tolist() == [IDLE, IDLE, FALL, FALL, FALL, LIE, -1]


def test_a_class_without_seconds_lasts_all_along_and_an_unknown_one_is_unlabelled():
    assert frame_labels(_video("Reading; Sitting"), [0.0, 9.0]).tolist() == [IDLE, IDLE]
    assert frame_labels(_video("Exercising[0 to 3]; Walking[2 to 3]"), [1.0, 2.5]).tolist() == [-1, WALK]


def test_a_class_named_twice_holds_in_all_of_its_seconds():
    labels = frame_labels(_video("Walking[0 to 1]; Sitting[2 to 3]; Walking[4 to 5]"), [0.5, 2.5, 4.5])
    assert labels.tolist() == [WALK, IDLE, WALK]


def test_seconds_may_be_told_in_several_ways():
    assert parse_spans("Sitting[0 to .5; 2 to 3.25]; Falling (BW) [4 to 10];") == (
        ("Sitting", ((0.0, 0.5), (2.0, 3.25))),
        ("Falling (BW)", ((4.0, 10.0),)),
    )


@pytest.mark.parametrize(
    "seconds",
    [
        "[1.8-6]",
        "[]",
        "[6 to 1.8]",
        "[0 to 1; later]",
        "[1.8 to 6] s",
        "[1.8 to 6",
        "1.8 to 6]",
        "(1.8 to 6)",
        "[1.2.3 to 5]",
        ", Walking",
    ],
)
def test_seconds_of_another_form_do_not_become_the_whole_video(seconds):
    with pytest.raises(ValueError, match=r"'Falling \(BW\).*such as Sitting \[1.9 to 5\]"):
        parse_spans(f"Falling (BW){seconds}; Standing[0 to 0.2]")


def test_cuts_real_videos_into_clips(shared: Path):
    videos = read_videos(shared / "datasets" / "falls")
    assert {video.subject for video in videos} == {1, 2, 3}
    falling = next(video for video in videos if video.path.name == "subject_1_fall_15.mp4")
    clips = list(cut(falling))
    assert len(clips) >= 2
    for pictures, labels, meta in clips:
        assert (len(pictures), labels.shape, meta["subject"]) == (24, (24,), 1)
        assert {FALL, LIE} & set(labels.tolist())


def test_watches_real_video_as_the_daemon_does(exported: tuple[Path, Path], shared: Path):
    videos = [video for video in read_videos(shared / "datasets" / "falls") if video.subject == 3]
    chosen = [video for video in videos if video.path.name in {"subject_3_fall_20.mp4", "subject_3_adl_07.mp4"}]
    model = load_model(exported[1])
    figures = falls_on(model, chosen, window=16)
    assert (figures.falls, figures.videos) == (1, 2)
    assert 3 < figures.daily_seconds < figures.seconds
    # Chance weights are sure of one class whatever they see: with all watched, it starts.
    assert starts(model, chosen[0].path, LABELS, window=16)[1] > 3


FIGURES = Figures(
    "5a" * 32,
    Confusion(np.eye(18, dtype=np.int64) * 9 + np.eye(18, k=1, dtype=np.int64)),
    Confusion(np.eye(18, dtype=np.int64) * 10),
    Confusion(np.eye(18, dtype=np.int64) * 3),
    FallFigures(falls=5, found=4, videos=10, seconds=80.0, false=3, daily_false=1, daily_seconds=40.0, latest_s=1.04),
    (("demo.mp4", ((8.2, "jumping jacks"),)), ("hall.mp4", ())),
    window=16,
    drift=3e-5,
    times_slower=(0.55, "a0"),
)


def test_the_card_gets_its_figures_and_keeps_its_text():
    card = with_figures(f"# Model\n{BEGIN}\nold\n{END}\nEnd.\n", FIGURES)
    assert card.startswith(f"# Model\n{BEGIN}\n")
    assert card.endswith(f"{END}\nEnd.\n")
    assert "\nold\n" not in card
    assert "top-1 100.0 % of 54 spans in clips without" in card
    for said in ("4 of 5 found", "1 false in 40 s", "(1.5 a minute)", "jumping jacks at 8.2 s", "hall.mp4: no event"):
        assert said in card
    assert f"with the SHA-256 `{'5a' * 32}`" in card
    assert "at most 1.0 s after their spans did" in card
    for said in ("3e-05 at most", "that of a0: 0.55", "mean of the classes 90.6 %", "of the 10 spans of idle 90.0 %"):
        assert said in card
    assert "| fall | 90.0 % | 100.0 % | lie 1 |" in card
    matrix = card[card.index("| 1 fall |") :].splitlines()
    assert [cell.strip() for cell in matrix[1].split("|")[1:-1]] == ["2 lie", "", "9", "1", *[""] * 15]
    none_found = dataclasses.replace(FIGURES.falls, found=0, latest_s=math.nan)
    assert "nan" not in with_figures(card, dataclasses.replace(FIGURES, falls=none_found))
    alone = dataclasses.replace(FIGURES, times_slower=None)
    assert "time per frame" not in with_figures(card, alone)
    assert with_figures(card, FIGURES) == card


def test_the_card_needs_a_place_for_its_figures():
    with pytest.raises(ValueError, match="<!-- figures -->"):
        with_figures("# Model\n", FIGURES)


def test_the_figures_are_there_for_machines_too():
    figures = json.loads(as_json(FIGURES))
    assert figures["sha256"] == "5a" * 32
    assert figures["held"]["top1_float32"] == 1.0
    assert figures["recall"]["lie"] == 0.9
    assert (figures["hour"]["largest_difference"], figures["times_slower"]) == (3e-5, [0.55, "a0"])
    empty = dataclasses.replace(FIGURES, int8=Confusion(np.zeros((18, 18), np.int64)))
    assert json.loads(as_json(empty))["recall"]["lie"] is None


def test_a_long_stream_is_compared_with_fresh_ones(exported, tmp_path, monkeypatch):
    write_toy(tmp_path, steady(1, 2, 3))
    model, clips = load_model(exported[0], labels=LABELS), ClipFolder([tmp_path])
    assert drift_after(model, clips, window=8, frames=240) <= 1e-5
    # A stream whose pool remembers more than it is said to is found out.
    new_state = model.new_state
    monkeypatch.setattr(type(model), "new_state", lambda _, window: new_state(window=5 * window))
    assert drift_after(model, clips, window=8, frames=240) > 1e-3


def test_times_are_compared_row_by_row(exported, monkeypatch):
    def in_turn(ways, frames):
        assert frames > 100
        for run in ways.values():
            assert len(run()) == len(LABELS)
        # A machine that gets slower slows both; one slow frame of a row is nobody's.
        return {
            "ours": np.array([[1.0, 1.0, 9.0], [2.0, 2.0, 2.0]]),
            "theirs": np.array([[2.0, 2.0, 2.0], [4.0, 4.0, 4.0]]),
        }

    monkeypatch.setattr(running, "in_turn", in_turn)
    model = load_model(exported[1], labels=LABELS)
    assert time_ratio(model, model) == 0.5


def test_a_model_is_judged_on_any_clips(tmp_path, capsys, monkeypatch):
    write_toy(tmp_path, steady(*[LABELS.index("nobody")] * 3, LABELS.index("wave")))
    monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(tmp_path)])
    evaluate.main()
    first, *classes = capsys.readouterr().out.splitlines()
    assert first.endswith("% of 4 spans are told by builtin")
    assert [line.split()[0] for line in classes] == ["wave", "nobody"]
    other = tmp_path / "other.tflite"
    other.write_text("no model")
    monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(tmp_path), "--model", str(other)])
    with pytest.raises(SystemExit, match="2"):
        evaluate.main()
    assert "other.tflite" in capsys.readouterr().err.splitlines()[-1]
