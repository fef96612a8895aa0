"""`heads`: what there is, the card of one; and heads in `evaluate` and `calibrate`."""

import json
from pathlib import Path

import numpy as np
import pytest

from movinet_edge.heads import Head, HeadCard, write_head
from movinet_edge.library import load

TRUTH = "video,action,start,end\nred.mkv,redness,2,6\n"


@pytest.fixture(scope="session")
def redness(toy, tmp_path_factory) -> Path:
    """A head that takes the toy's logits of `turning red` for a class of its own."""
    from movinet_edge.teaching.lesson import trunk_of

    model = load(toy)
    trunk = trunk_of(model)
    card = HeadCard(name="redness", classes=("redness",), trunk=trunk, windows=(), fps=5.0, memory_window=25)
    logits = np.array([[0.0, 2.0, 0.0, 0.0]], np.float32)
    head = Head(card, np.zeros((1, 0, trunk.channels), np.float32), logits, np.array([-4.0], np.float32))
    path = tmp_path_factory.mktemp("heads") / "redness.head.json"
    write_head(head, path)
    return path


def test_the_list(cli, folder, redness):
    (folder / "mine.head.json").write_bytes(redness.read_bytes())
    ran = cli("heads")
    assert ran.code == 0
    rows = {line.split()[0]: line.split() for line in ran.out.splitlines() if "toy" in line or "movinet-a0" in line}
    assert rows["fall"][1:3] == ["fall", "movinet-a0-int8"]
    assert "10 of 11" in " ".join(rows["fall"])
    assert rows["./mine.head.json"][1] == "redness"
    assert rows["./mine.head.json"][-3:] == ["?", "?", "?"]


def test_a_file_that_is_no_head_hides_no_other(cli, folder):
    (folder / "broken.head.json").write_text("{")
    ran = cli("heads")
    assert ran.code == 0
    assert "cannot be used: broken.head.json: not a head file" in ran.out
    assert "movinet-a0-int8" in ran.out


def test_the_card(cli, folder):
    ran = cli("heads", "fall")
    assert ran.code == 0
    for told in ("no other", "auc 0.9", "Not a medical device", "licence     MIT", "Permission is hereby granted"):
        assert told in ran.out
    (card,) = json.loads(cli("heads", "fall", "--json").out)
    assert (card["name"], card["licence"]) == ("fall", "MIT")


@pytest.mark.parametrize(
    ("name", "told"),
    [("fal", "no head is called 'fal'; did you mean 'fall'?"), ("./none.head.json", "No such file")],
)
def test_a_head_that_is_not_there(cli, folder, name, told):
    ran = cli("heads", name)
    assert ran.code == 78
    assert told in ran.err


def test_a_head_is_evaluated(cli, toy, folder, redness, red_clip):
    (folder / "truth.csv").write_text(TRUTH)
    (folder / "actions.yaml").write_text("redness: {labels: [redness], on: 0.6}\n")
    options = ("--truth", "truth.csv", "--json")
    ran = cli("evaluate", red_clip, *options, "--actions", "actions.yaml", "--model", toy, "--head", redness)
    assert ran.code == 0
    (figures,) = json.loads(ran.out)["actions"]
    assert (figures["action"], figures["at"][0]["right"], figures["at"][0]["false"]) == ("redness", 1, 0)
    ran = cli("evaluate", red_clip, *options, "--actions", "actions.yaml", "--model", toy)
    assert ran.code == 78
    assert "'redness'" in ran.err


def test_the_heads_of_a_configuration_are_evaluated_and_calibrated(cli, toy, folder, redness, red_clip):
    (folder / "truth.csv").write_text(TRUTH)
    (folder / "config.yaml").write_text(
        f"model: {toy}\nstate_dir: state\nheads: [{redness}]\nstreams:\n  - name: porch\n"
        f"    source: {{type: file, path: {red_clip}}}\n    actions: {{redness: {{labels: [redness], on: 0.5}}}}\n"
    )
    ran = cli("evaluate", red_clip, "--truth", "truth.csv", "--config", "config.yaml", "--json")
    assert json.loads(ran.out)["actions"][0]["at"][0]["right"] == 1
    # All that red is ordinary life here.
    ran = cli("calibrate", "--config", "config.yaml", "--videos", *[red_clip] * 4, "--json", "--write")
    assert ran.code == 0
    (told,) = json.loads(ran.out)["actions"]
    assert (told["action"], told["events_before"]) == ("redness", 4)
    assert told["on"] > 0.5
    assert f"on: {told['on']:g}" in (folder / "config.yaml").read_text()
