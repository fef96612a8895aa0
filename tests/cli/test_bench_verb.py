"""`bench`: tables for people, figures for programs, a picture or a page, and errors before anything is measured."""

import json
import re
import sys

import pytest
from toy_model import Block, ToySpec, write

QUICK = ("--frames", "20", "--streams", "2", "--threads", "1")


@pytest.fixture(scope="session")
def bare_toy(tmp_path_factory):
    """A model that nobody has names for."""
    return write(
        ToySpec(size_px=32, classes=5, head=8, blocks=(Block(4, (3,)),)), tmp_path_factory.mktemp("b") / "t.tflite"
    )


def test_tables_of_everything_that_was_asked_for(cli, bare_toy, red_clip):
    ran = cli("bench", bare_toy, "--clip", red_clip, *QUICK)
    assert (ran.code, ran.err) == (0, "")
    for expected in (
        r"^t on LiteRT",
        r"^processor: ",
        r"step: picture to scores +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d",
        r"official example's loop +\d",
        r"^first frame \d",
        r"red\.mkv, 50 frames scored of 100",
        r"decode and scale +\d",
        r"^one core keeps up with \d+ streams at 5 fps, or \d+ with a clip",
        r"^2 streams in turn: \d+\.\d\d times",
        r"^energy: ",
        r"A0-Stream +4\.8 +65 +17\.47",
    ):
        assert re.search(expected, ran.out, re.MULTILINE), expected
    assert "by threads" not in ran.out  # a comparison of one is none


def test_json_holds_all_figures(cli, bare_toy, red_clip):
    ran = cli(
        "bench", bare_toy, "--clip", red_clip, "--json", "--frames", "20", "--streams", "3", "--threads", "2", "1"
    )
    found = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert "2 threads" in found["runtime"]
    assert [timing["name"] for timing in found["threads"]] == ["2 threads", "1 thread"]
    assert found["timings"][0]["name"].startswith("step:")
    for timing in [*found["timings"], *found["threads"]]:
        assert 0 < timing["p50_ms"] <= timing["p95_ms"] <= timing["p99_ms"]
    assert found["streams"]["streams"] == 3
    stages = found["stages"]
    assert (stages["clip"], stages["frames_scored"], stages["frames_read"]) == ("red.mkv", 50, 100)
    parts = [stages[f"{name}_ms"] for name in ("decode", "convert", "infer", "actions")]
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(stages["total_ms"])
    assert stages["streams_per_core"] == pytest.approx(200 / stages["total_ms"])
    assert found["streams_per_core"] > 0
    assert found["first_ms"] > 0
    assert "unknown" in found["energy"] or found["energy"]["busy_w"] >= 0


@pytest.mark.parametrize("name", ["plot.png", "plot.svg", "plot.html"])
def test_plots(cli, bare_toy, red_clip, folder, name):
    ran = cli("bench", bare_toy, "--clip", red_clip, "--plot", name, *QUICK)
    assert (ran.code, ran.err) == (0, f"movinet-edge: plot saved to {name}\n")
    content = (folder / name).read_bytes()
    assert content.startswith({"plot.png": b"\x89PNG", "plot.svg": b"<?xml", "plot.html": b"<!doc"}[name])
    if name == "plot.html":
        assert b"<svg" in content
        assert b"official example's loop" in content.replace(b"&#x27;", b"'")
        assert b"<?xml" not in content


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--clip", "none.mp4"), "--clip none.mp4: there is no such file"),
        (("--plot", "plot.doc"), "plot.doc: a plot is saved as .png, .svg, .pdf, .html\n"),
        (("--plot", "none/plot.html"), "there is no folder none"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(cli, folder, arguments, said):
    ran = cli("bench", "no-model-is-looked-for", *arguments)
    assert (ran.code, ran.out) == (78, "")
    assert said in ran.err


def test_without_matplotlib_it_says_what_to_install(cli, monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ran = cli("bench", "--plot", "plot.html")
    assert ran.code == 78
    assert "pip install 'movinet-edge[plot]'" in ran.err


def test_a_clip_that_is_no_video(cli, bare_toy, folder):
    (folder / "notes.mp4").write_text("not a film")
    ran = cli("bench", bare_toy, "--clip", "notes.mp4", *QUICK)
    assert ran.code != 0
    assert "notes.mp4: " in ran.err


def test_a_model_of_the_catalogue(cli, official):
    ran = cli("bench", "movinet-a0-int8", *QUICK)
    assert ran.code == 0
    assert "movinet-a0-int8 on LiteRT" in ran.out
    assert "demo.mp4" in ran.out
