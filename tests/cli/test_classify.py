"""`classify`: what scripts rely on, checked with a toy model where it is sure, and once with the real one."""

from itertools import pairwise
from pathlib import Path

import pytest
from clips import truncated
from commands import in_pipes, on_terminal

PROJECT = Path(__file__).resolve().parents[2]
EVENT_FIELDS = {
    "type", "t", "schema", "event_type", "id", "seq", "stream", "action", "labels", "score", "peak_score", "time_s",
    "started_s", "ended_s", "started_at", "ended_at", "duration_s", "reason", "late", "repeated", "snapshot",
    "clip", "model",
}  # fmt: skip
SUMMARY_FIELDS = {"type", "frames_read", "frames_scored", "seconds", "events", "elapsed_s"}


def check_contract(ran, *, stream, classes):
    """What every run of one stream with `--format jsonl --scores` promises."""
    assert ran.code == 0
    *lines, summary = ran.lines
    assert [line["type"] for line in lines].count("summary") == 0
    assert set(summary) == SUMMARY_FIELDS
    scores = [line for line in lines if line["type"] == "scores"]
    for line in scores:
        assert set(line) == {"type", "stream", "t", "top"}
        values = [score for _, score in line["top"]]
        assert len(values) == min(5, classes)
        assert values == sorted(values, reverse=True)
        assert all(isinstance(label, str) and 0.0 <= score <= 1.0 for label, score in line["top"])
    assert all(before["t"] < after["t"] for before, after in pairwise(scores))
    assert all(before["t"] <= after["t"] for before, after in pairwise(lines))
    assert {line["stream"] for line in lines} == {stream}
    events = [line for line in lines if line["type"] != "scores"]
    for event in events:
        assert set(event) == EVENT_FIELDS
        assert event["type"] == event["event_type"]
        assert event["t"] == pytest.approx(event["time_s"], abs=1e-4)
    assert {e["id"] for e in events if e["type"] == "start"} == {e["id"] for e in events if e["type"] == "stop"}
    assert summary["frames_scored"] == len(scores)
    assert summary["events"] == len(events)
    return scores, events, summary


@pytest.fixture
def classify(cli, toy):
    """`classify` with the toy model and JSON lines."""

    def run(*arguments):
        return cli("classify", *arguments, "--model", toy, "--format", "jsonl")

    return run


def spans(ran, action):
    """Start and end of each occurrence, on the clock of its stream."""
    return [(stop["started_s"], stop["ended_s"]) for stop in ran.of_type("stop") if stop["action"] == action]


def test_the_contract(classify, red_clip):
    ran = classify(red_clip, "--scores")
    scores, events, summary = check_contract(ran, stream="red.mkv", classes=4)
    assert (summary["frames_read"], summary["frames_scored"]) == (100, 50)
    assert summary["seconds"] == pytest.approx(10.0, abs=0.01)
    assert [line["t"] for line in scores] == pytest.approx([n / 5 for n in range(50)])
    assert [(event["type"], event["action"]) for event in events] == [("start", "turning red"), ("stop", "turning red")]
    assert events[0]["model"] == {"name": "toy", "memory": "window", "window": 25, "fps": 5.0}
    assert ran.err == ""


def test_without_scores_there_are_events_and_the_summary(classify, red_clip):
    assert [line["type"] for line in classify(red_clip).lines] == ["start", "stop", "summary"]


def test_a_clip_without_an_action_gives_the_summary_alone(classify, clip_of):
    ran = classify(clip_of("dark.mkv", ("black", 3)))
    (summary,) = ran.lines
    assert (ran.code, summary["events"], summary["frames_read"]) == (0, 0, 30)


def test_events_come_as_they_are_decided_between_the_scores(classify, red_clip):
    lines = classify(red_clip, "--scores").lines
    for index, line in enumerate(lines):
        if line["type"] in ("start", "stop") and line["reason"] != "source_lost":
            assert lines[index - 1]["type"] == "scores"
            assert lines[index - 1]["t"] == line["t"]


def test_concat_is_one_continuous_stream(classify, clip_of):
    whole = clip_of("whole.mkv", ("black", 2), ("red", 4), ("black", 12))
    first = clip_of("first.mkv", ("black", 2), ("red", 2))
    second = clip_of("second.mkv", ("red", 2), ("black", 12))
    one, two = classify(whole, "--scores"), classify(first, second, "--concat", "--scores")
    assert [(line["t"], line["top"]) for line in one.of_type("scores")] == [
        (line["t"], line["top"]) for line in two.of_type("scores")
    ]
    assert [line["reason"] for line in two.of_type("stop")] == ["below"]
    assert spans(two, "turning red") == spans(one, "turning red")
    assert {line["stream"] for line in two.of_type("scores", "start", "stop")} == {"first.mkv"}
    assert two.lines[-1]["frames_read"] == 180


def test_several_videos_are_streams_of_their_own(classify, clip_of):
    first = clip_of("a.mkv", ("black", 2), ("red", 2))
    second = clip_of("b.mkv", ("red", 4), ("black", 4))
    ran = classify(first, second, "--scores")
    by_stream = {name: [s for s in ran.of_type("scores") if s["stream"] == name] for name in ("a.mkv", "b.mkv")}
    assert [scores[0]["t"] for scores in by_stream.values()] == [0.0, 0.0]
    alone = classify(second, "--scores").of_type("scores")
    assert by_stream["b.mkv"] == alone
    stops = {stop["stream"]: stop["reason"] for stop in ran.of_type("stop")}
    assert stops["a.mkv"] == "source_lost"
    assert ran.lines[-1]["frames_read"] == 120


def test_files_of_one_name_in_two_folders_stay_apart(classify, clip_of):
    clips = [clip_of(f"{day}/00.mkv", ("red", 3)) for day in ("monday", "tuesday")]
    ran = classify(*clips)
    assert {line["stream"] for line in ran.of_type("start")} == {str(clip) for clip in clips}


def test_a_folder_is_one_stream_that_forgets_between_files_unless_told_otherwise(classify, clip_of):
    clip_of("folder/1.mkv", ("black", 2), ("red", 2))
    folder = clip_of("folder/2.mkv", ("red", 2), ("black", 12)).parent
    cut, whole = classify(folder), classify(folder, "--concat")
    assert next(line["reason"] for line in cut.of_type("stop")) == "gap"
    assert [line["reason"] for line in whole.of_type("stop")] == ["below"]


def test_memory(classify, red_clip):
    window, cumulative = (classify(red_clip, "--scores", "--memory", kind) for kind in ("window", "cumulative"))
    told = cumulative.of_type("start")[0]["model"]
    assert (told["memory"], told["window"]) == ("cumulative", None)
    first, last = 10, -1  # the window is full from frame 25 on
    assert window.of_type("scores")[first] == cumulative.of_type("scores")[first]
    assert window.of_type("scores")[last] != cumulative.of_type("scores")[last]


def test_window(classify, red_clip):
    short = classify(red_clip, "--window", "3")
    assert short.of_type("start")[0]["model"]["window"] == 3
    told_at = {n: classify(red_clip, "--window", n).of_type("stop")[0]["t"] for n in (3, 15)}
    assert told_at[3] < told_at[15]


@pytest.mark.parametrize(
    ("fps", "scored", "told"), [("5", 50, 5.0), ("2", 20, 2.0), ("0.5", 5, 0.5), ("native", 100, None)]
)
def test_fps(classify, red_clip, fps, scored, told):
    ran = classify(red_clip, "--fps", fps)
    summary = ran.lines[-1]
    assert (summary["frames_read"], summary["frames_scored"]) == (100, scored)
    assert {event["model"]["fps"] for event in ran.of_type("start", "stop")} <= {told}


def test_labels_of_ones_own(classify, red_clip, tmp_path):
    labels = tmp_path / "colours.txt"
    labels.write_text("a\nb\nc\nd\n")
    assert classify(red_clip, "--labels", labels).of_type("start")[0]["action"] == "b"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a\nb\nc\n", "toy.tflite tells 4 classes apart, but the list given holds 3 labels"),
        (None, "colours.txt: cannot read the labels: No such file or directory"),
    ],
)
def test_wrong_labels(classify, red_clip, tmp_path, written, said):
    labels = tmp_path / "colours.txt"
    if written is not None:
        labels.write_text(written)
    ran = classify(red_clip, "--labels", labels)
    assert (ran.code, ran.out) == (78, "")
    assert said in ran.err


def test_an_unknown_label_list_names_those_there_are(classify, red_clip):
    ran = classify(red_clip, "--labels", "kinetics-400")
    assert ran.code == 78
    assert "no label list is called 'kinetics-400'" in ran.err
    assert "kinetics-600" in ran.err


def test_actions(classify, red_clip, toy_actions):
    ran = classify(red_clip, "--actions", toy_actions)
    assert sorted(event["action"] for event in ran.of_type("start")) == ["changing", "reddening"]
    (started,) = (event for event in ran.of_type("start") if event["action"] == "reddening")
    assert started["labels"] == ["turning red"]


def test_unknown_labels_of_actions_are_all_told_with_the_nearest(classify, red_clip, tmp_path):
    actions = tmp_path / "actions.yaml"
    actions.write_text(
        "reddening: {labels: [turning read]}\nfine: {labels: [waiting]}\nfall: {labels: [fallin over]}\n"
    )
    ran = classify(red_clip, "--actions", actions)
    assert (ran.code, ran.out) == (78, "")
    first, second = ran.err.splitlines()
    assert f"{actions}: action 'reddening'" in first
    assert "did you mean 'turning red'" in first
    assert "'falling over'" in second


def test_an_actions_file_with_a_misspelt_key_says_where(classify, red_clip, tmp_path):
    actions = tmp_path / "actions.yaml"
    actions.write_text("reddening:\n  labels: [turning red]\n  colldown: 5s\n")
    ran = classify(red_clip, "--actions", actions)
    assert (ran.code, ran.out) == (78, "")
    assert f"{actions}:3" in ran.err
    assert "did you mean 'cooldown'?" in ran.err


def bad_video(kind, folder):
    path = folder / f"{kind}.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("This is a diary.\n" * 100)
    elif kind == "folder":
        path.mkdir()
    return path


BAD = {
    "missing": "there is no such file",
    "empty": "is empty (0 bytes)",
    "text": "is not a video",
    "folder": "has no video files in it",
}


@pytest.mark.parametrize(("kind", "said"), BAD.items(), ids=list(BAD))
def test_a_bad_video_is_told_and_the_good_ones_are_done(classify, red_clip, tmp_path, kind, said):
    bad = bad_video(kind, tmp_path)
    ran = classify(red_clip, bad, red_clip)
    assert ran.code == 66
    assert ran.err.count("\n") == 1
    assert ran.err.startswith(f"movinet-edge: {bad}: ")
    assert said in ran.err
    assert [line["type"] for line in ran.lines] == ["start", "stop", "start", "stop", "summary"]
    assert ran.lines[-1]["frames_read"] == 200


def test_a_misspelt_video_names_the_nearest(classify, red_clip):
    ran = classify(red_clip.with_name("rad.mkv"))
    assert ran.code == 66
    assert "did you mean red.mkv?" in ran.err


def test_a_video_that_is_cut_off_gives_what_it_holds(classify, clip_of):
    ran = classify(truncated(clip_of("cut.mkv", ("red", 6)), 0.6))
    assert ran.code == 0
    assert 20 < ran.lines[-1]["frames_read"] < 50
    assert "cut" in ran.err


def test_json_lines_are_the_default_in_a_pipe_and_tables_on_a_terminal(toy, red_clip):
    piped = in_pipes("classify", red_clip, "--model", toy)
    assert [line["type"] for line in piped.lines] == ["start", "stop", "summary"]
    shown = on_terminal("classify", red_clip, "--model", toy)
    assert shown.code == 0
    assert "stopped because" in shown.out
    assert "╰──" in shown.out
    assert "× real time" in shown.out
    assert "10.0 s of video, 50 frames scored of 100 read, 2 events" in shown.out
    with_scores = on_terminal("classify", red_clip, "--model", toy, "--scores")
    assert '{"type": "scores"' in with_scores.out


def test_a_table_in_a_pipe(cli, toy, red_clip):
    ran = cli("classify", red_clip, "--model", toy, "--format", "table")
    assert ran.code == 0
    assert "turning red" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines() if "─" in line or "▁" in line)


HEADERS = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.mark.parametrize(("ending", "header"), HEADERS.items(), ids=list(HEADERS))
def test_a_plot(classify, red_clip, tmp_path, ending, header):
    picture = tmp_path / f"red{ending}"
    ran = classify(red_clip, "--plot", picture)
    assert ran.code == 0
    assert picture.read_bytes().startswith(header)
    assert ran.lines[-1]["type"] == "summary"
    assert str(picture) in ran.err


def test_several_videos_have_plots_of_their_own(classify, red_clip, clip_of, tmp_path):
    dark = clip_of("dark.mkv", ("black", 3))
    assert classify(red_clip, dark, "--plot", tmp_path / "all.png").code == 0
    assert {path.name for path in tmp_path.glob("*.png")} == {"all-red.mkv.png", "all-dark.mkv.png"}


@pytest.mark.parametrize(
    ("name", "said"), [("red.gif", ".png, .svg, .pdf"), ("red", ".png, .svg, .pdf"), ("none/red.png", "no folder")]
)
def test_a_plot_that_cannot_be_saved_is_said_before_the_work(classify, red_clip, tmp_path, name, said):
    ran = classify(red_clip, "--plot", tmp_path / name)
    assert (ran.code, ran.out) == (78, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_a_file_name_in_an_older_encoding(toy, red_clip, folder):
    name = b"caf\xe9.mkv"
    (folder / name.decode(errors="surrogateescape")).write_bytes(red_clip.read_bytes())
    ran = in_pipes("classify", ".", "--model", toy, "--plot", "x.png")
    assert ran.code == 0
    ran = in_pipes("classify", name.decode(errors="surrogateescape"), "--model", toy, "--plot", "y.png")
    assert ran.code == 0
    assert {line["stream"] for line in ran.of_type("start")} == {"caf\ufffd.mkv"}


def test_the_real_model(cli, official, clips_dir):
    ran = cli("classify", clips_dir / "carving_ice_rpi.mp4", "--format", "jsonl", "--scores")
    scores, events, summary = check_contract(ran, stream="carving_ice_rpi.mp4", classes=600)
    assert summary["frames_read"] == 131
    assert summary["frames_scored"] == 22
    assert scores[-1]["top"][0][0] == "carving ice"
    assert scores[-1]["top"][0][1] >= 0.5
    assert [(event["type"], event["action"], event["reason"]) for event in events] == [
        ("start", "carving ice", None),
        ("stop", "carving ice", "source_lost"),
    ]
    assert ran.err == ""


def test_the_real_model_by_its_path_is_known_by_its_content(cli, a0_int8, clips_dir):
    ran = cli("classify", clips_dir / "carving_ice_rpi.mp4", "--model", a0_int8, "--format", "jsonl")
    assert ran.of_type("start")[0]["model"]["name"] == "movinet-a0-int8"


def test_two_real_clips_in_one_stream(cli, official, clips_dir):
    clips = [clips_dir / "carving_ice_rpi.mp4", clips_dir / "synthetic_cc0_Pushup.mp4"]
    ran = cli("classify", *clips, "--concat", "--format", "jsonl", "--scores")
    times = [line["t"] for line in ran.of_type("scores")]
    assert times == sorted(times)
    assert 9.0 < times[-1] < 9.5
    assert "gap" not in {line["reason"] for line in ran.of_type("stop")}
    starts = [line["action"] for line in ran.of_type("start")]
    assert starts[0] == "carving ice"
    assert "push up" in starts


def test_the_example_actions_fit_the_model(cli, official, clips_dir):
    actions = PROJECT / "config" / "actions-example.yaml"
    ran = cli("classify", clips_dir / "synthetic_cc0_Pushup.mp4", "--actions", actions, "--format", "jsonl")
    assert [line["action"] for line in ran.of_type("start")] == ["push up"]
