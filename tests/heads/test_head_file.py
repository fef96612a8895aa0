"""Head files: what is written is read again, and whatever is wrong with one is said before it is used."""

import base64
import json
import pickle

import numpy as np
import pytest
from head_parts import SHA256, make_head

from movinet_edge.api import ModelError
from movinet_edge.heads import Head, load_head, read_head, shipped_heads, write_head
from movinet_edge.models import catalogue


@pytest.fixture
def path(tmp_path):
    """A head file."""
    path = tmp_path / "gym.head.json"
    write_head(make_head(), path)
    return path


def test_what_is_written_is_read(path):
    head, again = make_head(), read_head(path)
    assert again.card == head.card
    for part in ("pool", "logits", "bias"):
        np.testing.assert_array_equal(getattr(again, part), getattr(head, part))
    assert again.digest == head.digest


def test_another_head_has_another_digest():
    head = make_head()
    assert head.digest != make_head(seed=1).digest
    assert head.digest != Head(head.card, head.pool, head.logits, head.bias + 1).digest


def test_nothing_is_left_behind_when_it_cannot_be_written(tmp_path):
    target = tmp_path / "gym.head.json"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_head(make_head(), target)
    assert list(tmp_path.iterdir()) == [target]


def _set(*keys, to):
    def change(document):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to

    return change


def _remove(*keys):
    def change(document):
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


NINE_NAN = base64.b64encode(np.full(24, np.nan, "<f4").tobytes()).decode()
WRONG = [
    (_set("format", to="something"), "not a head file"),
    (_set("version", to=2), "reads version 1 .* the file has 2"),
    (_remove("card"), "card"),
    (_set("card", "windows", to=[0]), r"windows\.0"),
    (_set("card", "windows", to=[1001]), r"windows\.0"),
    (_set("card", "classes", to=["squat", "squat"]), "same name"),
    (_set("card", "classes", to=[" squat", "lunge"]), r"classes\.0"),
    (_set("card", "trunk", "sha256", to="abc"), r"trunk\.sha256"),
    (_set("card", "nme", to="gym"), "nme"),
    (_set("card", "fps", to=0), "fps"),
    (_remove("numbers", "bias"), "numbers must hold"),
    (_set("numbers", "bias", "shape", to=[3]), "bias holds 8 bytes"),
    (_set("numbers", "bias", "shape", to=[-2]), "needs a shape"),
    (_set("numbers", "bias", "shape", to="2"), "needs a shape"),
    (_set("numbers", "bias", "float32", to="###"), "not base64"),
    (_set("numbers", "bias", "float32", to=None), "not base64"),
    (_set("numbers", "bias", "float32", to=base64.b64encode(b"12345678").decode()), "damaged"),
    (_set("sha256", to="0" * 64), "damaged"),
]


@pytest.mark.parametrize(("change", "says"), WRONG)
def test_a_wrong_file_is_refused(path, change, says):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=says) as refused:
        read_head(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, pickle.dumps({"format": "movinet-edge head"})]
)
def test_what_is_no_json_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a head file"):
        read_head(path)


def test_a_large_file_is_not_read(path):
    with path.open("r+b") as file:
        file.truncate(17 << 20)
    with pytest.raises(ModelError, match="too large"):
        read_head(path)


@pytest.mark.parametrize(
    ("part", "numbers", "says"),
    [
        ("pool", np.zeros((2, 2, 7), np.float32), r"pool must be float32 \[2, 2, 6\]"),
        ("logits", np.zeros((2, 5), np.float64), "not float64"),
        ("bias", np.array([0.0, np.nan], np.float32), "NaN"),
        ("bias", np.array([0.0, np.inf], np.float32), "infinity"),
    ],
)
def test_numbers_that_do_not_fit_the_card_are_refused(part, numbers, says):
    head = make_head()
    parts = {"pool": head.pool, "logits": head.logits, "bias": head.bias, part: numbers}
    with pytest.raises(ModelError, match=says):
        Head(head.card, **parts)


def test_only_its_own_trunk_will_do():
    head = make_head()
    head.check_trunk(SHA256, "toy")
    with pytest.raises(ModelError, match=r"taught with toy .* other-model has sha256 bbbb.*Teach it again"):
        head.check_trunk("b" * 64, "other-model")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fal", "did you mean 'fall'"),
        ("zzz", "there are: fall"),
        ("gym", r"for the file give \./gym\.head\.json"),
        ("./none.head.json", "cannot read the head: No such file"),
    ],
)
def test_a_head_that_is_not_there(path, monkeypatch, name, says):
    monkeypatch.chdir(path.parent)
    with pytest.raises(ModelError, match=says):
        load_head(name)


def test_a_file_is_found_by_its_path(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert load_head("gym.head.json").name == load_head("./gym.head.json").name == load_head(path).name == "gym"


def test_the_fall_head_that_comes_with_the_package():
    assert set(shipped_heads()) == {"fall"}
    card = load_head("fall").card
    assert card.trunk.sha256 == catalogue()["movinet-a0-int8"].sha256
    assert (card.licence, card.classes) == ("MIT", ("fall",))
    assert "Copyright (c) 2024 Ekram Alam" in card.notice
    assert "WITHOUT WARRANTY OF ANY KIND" in card.notice
    assert len(card.limits) >= 4
    assert {"examples", "found", "background", "mistaken", "auc"} <= set(card.figures["fall"])
