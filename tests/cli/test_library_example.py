"""The README's example runs as it stands, and the official example's own test conditions hold for what it uses."""

import re
import textwrap
from pathlib import Path

import av
import pytest

from movinet_edge.library import load

README = Path(__file__).resolve().parents[2] / "README.md"

LINE = re.compile(r" *(\d+\.\d) s  (.+)  (\d\.\d\d)")


def readme_example():
    """The Python block under "As a library"."""
    text = README.read_text(encoding="utf-8").split("## As a library")[1]
    return re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]


def test_the_readme_is_ten_lines_or_so_and_runs(official, clips_dir, folder, capsys):
    code = readme_example()
    assert len(code.strip().splitlines()) <= 12
    Path("garden.mp4").symlink_to(clips_dir / "carving_ice_rpi.mp4")
    exec(compile(textwrap.dedent(code), str(README), "exec"), {})  # noqa: S102 (it is what is under test)
    told = [LINE.fullmatch(line) for line in capsys.readouterr().out.splitlines()]
    assert all(told)
    assert "carving ice" in {match[2] for match in told[-3:]}
    assert max(float(match[3]) for match in told if match[2] == "carving ice") > 0.9


@pytest.fixture(scope="module")
def model(a0_int8):
    return load(a0_int8)


@pytest.fixture(scope="module")
def last_scores(model, clips_dir):
    """Scores of the last frame of the official example's clip, as the README's example gets them."""
    state = model.new_state()
    with av.open(str(clips_dir / "carving_ice_rpi.mp4")) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number % 6 == 0:
                scores = model.step(frame.to_ndarray(format="rgb24"), state)
    return scores


def test_carving_ice_comes_first(model, last_scores):
    ((label, score),) = model.top(last_scores, 1)
    assert label == "carving ice"
    assert score >= 0.5


def test_cumulative_too(model, clips_dir):
    state = model.new_state(memory="cumulative")
    with av.open(str(clips_dir / "carving_ice_rpi.mp4")) as video:
        for frame in video.decode(video=0):
            scores = model.step(frame.to_ndarray(format="rgb24"), state)
    assert model.top(scores, 1)[0][0] == "carving ice"
    assert model.top(scores, 1)[0][1] >= 0.5


def test_allow_list(model, last_scores):
    allowed = ["carving ice", "sawing wood"]
    found = model.top(last_scores, None, allow=allowed)
    assert {label for label, _ in found} == set(allowed)


def test_deny_list(model, last_scores):
    found = model.top(last_scores, None, deny=["carving ice"])
    assert "carving ice" not in {label for label, _ in found}
    assert len(found) == 599


def test_threshold(model, last_scores):
    found = model.top(last_scores, None, threshold=0.5)
    assert [label for label, _ in found] == ["carving ice"]


@pytest.mark.parametrize("count", [1, 3, 600])
def test_number_of_results(model, last_scores, count):
    found = model.top(last_scores, count)
    assert len(found) == count
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
