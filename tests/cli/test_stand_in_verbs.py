"""The package's own model on the command line: chosen, standing in offline, and where it must not."""

import json
import re
import shutil
from pathlib import Path

import pytest

CONFIGURATION = "state_dir: state\nstreams: [{{name: hall, source: {{type: file, path: {clip}}}, {watched}}}]\n"
EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "builtin.yaml"
KNOWN, UNKNOWN = "push up", "carving ice"


@pytest.fixture
def write(folder, red_clip):
    """Write a configuration without a model."""

    def _write(label, more=""):
        watched = f"actions: {{moves: {{labels: [{label}]}}}}"
        (folder / "config.yaml").write_text(more + CONFIGURATION.format(clip=red_clip, watched=watched))
        (folder / "actions.yaml").write_text(f"actions: {{moves: {{labels: [{label}]}}}}\n")
        return folder / "config.yaml"

    return _write


def test_check_tells_what_a_start_would_do(cli, offline, write):
    ran = cli("check", "--config", write(KNOWN))
    assert ran.code == 0
    assert "stream hall: 1 action, builtin on " in ran.out
    assert "a start fetches it, or else uses the package's own" in ran.err


@pytest.mark.parametrize(("label", "more"), [(UNKNOWN, ""), (KNOWN, "model: movinet-a0-int8\n")])
def test_check_where_it_may_not_stand_in(cli, offline, write, label, more):
    ran = cli("check", "--config", write(label, more))
    assert ran.code == 78
    assert "movinet-a0-int8 is not on this machine" in ran.err


def test_check_is_silent_where_the_default_is_here(cli, official, write):
    ran = cli("check", "--config", write(KNOWN))
    assert (ran.code, ran.err) == (0, "")
    assert "movinet-a0-int8 on " in ran.out


def test_run_waits_for_the_network_where_it_lacks_a_label(cli, offline, write):
    assert cli("run", "--config", write(UNKNOWN)).code == 69


def test_the_demo_with_a_model_of_ones_choice(cli, folder, toy, offline):
    assert cli("demo", "--model", "builtin").out.startswith("builtin on ")
    (folder / "toy.tflite").write_bytes(toy.read_bytes())
    (folder / "toy.txt").write_text(toy.with_suffix(".txt").read_text())
    ran = cli("demo", "--model", "toy.tflite")  # found in the working folder
    assert ran.code == 78
    assert "no label of the model matches 'jumping jacks'" in ran.err


def test_classify_watches_for_what_it_knows(cli, offline, write, red_clip):
    write(KNOWN)
    ran = cli("classify", red_clip, "--actions", "actions.yaml", "--format", "jsonl")
    assert ran.code == 0
    [told] = [line for line in ran.err.splitlines() if "the package's own is used" in line]
    assert re.search(r"movinet-a0-int8 could not be downloaded: https://\S+ the connection was refused\W", told), told


def test_the_example_for_a_closed_network_runs_there(cli, offline, folder, demo_clip, monkeypatch):
    shutil.copy(EXAMPLE, folder)
    shutil.copy(demo_clip, folder / "clip.mp4")
    monkeypatch.setenv("MOVINET_EDGE__STATE_DIR", str(folder / "state"))
    ran = cli("run", "--config", "builtin.yaml")
    assert ran.code == 0
    assert "download" not in ran.err
    started = [line for line in ran.err.splitlines() if "action started" in line]
    assert started
    assert all("exercise" in line for line in started), started


@pytest.mark.parametrize("more", [["--actions", "actions.yaml"], ["--head", "fall"], ["--model", "a0"]])
def test_classify_where_it_may_not_stand_in(cli, offline, write, red_clip, more):
    write(UNKNOWN)
    ran = cli("classify", red_clip, *more)
    assert ran.code == 69
    assert "movinet-a0-int8 could not be downloaded" in ran.err
    assert "name it builtin" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--config", "config.yaml"],
        ["check", "--config", "config.yaml"],
        ["classify", "CLIP", "--model", "builtin"],
        ["bench", "builtin"],
        ["demo", "--model", "builtin"],
    ],
    ids=lambda words: words[0],
)
def test_one_that_was_chosen_in_a_broken_installation(cli, broken_builtin, write, red_clip, words):
    write(KNOWN, "model: builtin\n")
    ran = cli(*[red_clip if word == "CLIP" else word for word in words])
    assert (ran.code, ran.out) == (78, "")
    [told] = [line for line in ran.err.splitlines() if "builtin is" in line]
    assert "install movinet-edge again" in told


@pytest.mark.usefixtures("offline", "broken_builtin")
@pytest.mark.parametrize("words", [["run", "--config", "config.yaml"], ["classify", "CLIP"]], ids=["run", "classify"])
def test_a_broken_installation_waits_for_the_network(cli, write, red_clip, words):
    write(KNOWN)
    ran = cli(*[red_clip if word == "CLIP" else word for word in words])
    assert ran.code == 69
    assert "movinet-a0-int8 could not be downloaded" in ran.err
    assert "cannot stand in: builtin is" in ran.err
    assert "install movinet-edge again" in ran.err
    assert "is used" not in ran.err


def test_a_head_is_not_taught_on_it_by_chance(cli, offline, folder, clip_of):
    clips = [clip_of(f"lessons/{name}.mkv", ("red", 3)).parent / f"{name}.mkv" for name in ("one", "two")]
    ran = cli("teach", "azure", "--examples", clips[0], "--background", clips[1])
    assert ran.code == 69
    assert list(folder.iterdir()) == []


def test_bench_measures_one_model_whatever_the_network_does(cli, offline, red_clip):
    ran = cli("bench", "--json", "--frames", 10, "--streams", 1, "--threads", 1, 2, "--clip", red_clip)
    assert (ran.code, json.loads(ran.out)["model"]) == (0, "builtin")
    assert ran.err.count("the package's own is used") == 1
