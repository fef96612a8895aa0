"""`models`: what there is, what is here, and whether it is what it should be."""

import shutil
from pathlib import Path

import pytest
from toy_model import Block, ToySpec, write

from movinet_edge.cli.model_labels import SHORT_LIST
from movinet_edge.models import bundled_labels

NAMES = [f"movinet-{size}-{kind}" for kind in ("int8", "float16") for size in ("a0", "a1", "a2")]


@pytest.fixture
def cache(tmp_path):
    """The folder of downloads."""
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def test_the_list_without_any_model_here(cli):
    ran = cli("models", "list")
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split() for line in ran.out.splitlines() if line.strip().startswith("movinet-")]
    assert [row[0] for row in rows] == NAMES
    assert {row[-1] for row in rows} == {"no"}


def test_the_list_knows_a_file_by_its_content(cli, a0_int8, tmp_path, monkeypatch):
    renamed = tmp_path / "x" / "what.bin"
    renamed.parent.mkdir()
    shutil.copy(a0_int8, renamed)
    monkeypatch.setenv("MOVINET_EDGE_MODEL_PATH", str(renamed.parent))
    row = next(line for line in cli("models", "list").out.splitlines() if "movinet-a0-int8" in line)
    assert row.split()[-1] == str(renamed)


def test_a_toy_that_is_called_like_a_model_is_none(cli, toy, tmp_path, monkeypatch):
    shutil.copy(toy, tmp_path / "movinet-a0-int8.tflite")
    monkeypatch.setenv("MOVINET_EDGE_MODEL_PATH", str(tmp_path))
    row = next(line for line in cli("models", "list").out.splitlines() if "movinet-a0-int8" in line)
    assert row.split()[-1] == "no"


@pytest.mark.parametrize("name", NAMES)
def test_a_card(cli, name):
    ran = cli("models", "show", name)
    assert ran.code == 0
    told = {line.split(maxsplit=1)[0] for line in ran.out.splitlines()}
    assert {"name", "family", "input", "labels", "top-1", "Pixel", "licence", "checksum", "address"} <= told
    assert f"no; movinet-edge models pull {name}" in ran.out


def test_a_card_by_its_short_name(cli):
    ran = cli("models", "show", "a0")
    assert ran.out.splitlines()[0].split() == ["name", "movinet-a0-int8"]


def told(ran, key):
    """What is told under a key."""
    [line] = [line for line in ran.out.splitlines() if line.startswith(f"{key} ")]
    return line.removeprefix(key).strip()


def test_the_card_of_the_packages_own_model(cli):
    ran = cli("models", "show", "builtin")
    assert ran.code == 0
    assert told(ran, "labels") == f"builtin: {', '.join(bundled_labels('builtin'))}"
    assert Path(told(ran, "card")).read_text(encoding="utf-8").startswith("# builtin")


def test_a_long_list_of_labels_is_counted_and_found(cli):
    ran = cli("models", "show", "movinet-a0-int8")
    count, place = told(ran, "labels").split(" of them, one a line in ")
    assert count == "kinetics-600: 600"
    assert tuple(Path(place).read_text(encoding="utf-8").splitlines()) == bundled_labels("kinetics-600")
    assert not any(line.startswith("card") for line in ran.out.splitlines())


def test_the_card_of_a_model_that_is_here(cli, official, a0_int8):
    ran = cli("models", "show", "movinet-a0-int8")
    assert f"{a0_int8} (3,276,048 bytes, found by search)" in ran.out
    assert "image 172×172 px" in ran.out
    assert "600 classes" in ran.out
    assert "LiteRT" in ran.out


def test_a_path_is_recognised(cli, a0_int8):
    assert "movinet-a0-int8" in cli("models", "show", a0_int8).out.splitlines()[0]


def test_a_file_of_ones_own(cli, toy):
    ran = cli("models", "show", toy)
    assert ran.code == 0
    assert ran.out.startswith("name          not in the catalogue\n")
    assert "image 32×32 px" in ran.out
    assert "4 classes" in ran.out
    assert told(ran, "labels") == "waiting, turning red, turning green, falling over"


def test_a_file_without_labels(cli, toy, tmp_path):
    ran = cli("models", "show", shutil.copy(toy, tmp_path / "bare.tflite"))
    assert ran.code == 0
    assert told(ran, "labels").startswith("bare.tflite: no labels for its 4 classes")


def test_a_file_with_many_labels(cli, tmp_path):
    many = SHORT_LIST + 1
    toy = write(ToySpec(size_px=32, classes=many, blocks=(Block(4, (3,)),)), tmp_path / "many.tflite")
    toy.with_suffix(".txt").write_text("".join(f"label {number}\n" for number in range(many)))
    assert told(cli("models", "show", toy), "labels") == f"{many} of them, packed into the file or beside it"


@pytest.mark.parametrize("verb", ["show", "pull", "verify"])
def test_an_unknown_name_gets_the_nearest(cli, verb):
    ran = cli("models", verb, "movinet-a0-int9")
    assert (ran.code, ran.out) == (78, "")
    assert "no model is called 'movinet-a0-int9'; did you mean movinet-a0-int8" in ran.err
    assert ran.err.count("\n") == 1


def test_a_file_that_is_no_model(cli, tmp_path):
    (tmp_path / "diary.tflite").write_text("This is a diary.\n" * 100)
    ran = cli("models", "show", tmp_path / "diary.tflite")
    assert (ran.code, ran.out) == (78, "")
    assert "diary.tflite: not a TFLite model" in ran.err


def test_a_missing_file_gets_the_nearest(cli, toy):
    ran = cli("models", "show", toy.with_name("toyy.tflite"))
    assert ran.code == 78
    assert f"did you mean {toy}?" in ran.err


def test_verify_with_nothing_here(cli):
    ran = cli("models", "verify")
    assert ran.code == 0
    assert [line.split()[:2] for line in ran.out.splitlines()] == [["builtin", "ok"]]


def test_verify_what_is_here(cli, cache, a0_int8):
    shutil.copy(a0_int8, cache / "movinet-a0-int8.tflite")
    ran = cli("models", "verify")
    assert ran.code == 0
    assert ran.out.split()[:2] == ["movinet-a0-int8", "ok"]


def test_verify_a_damaged_file(cli, cache, a0_int8):
    content = bytearray(a0_int8.read_bytes())
    content[len(content) // 2] ^= 1
    (cache / "movinet-a0-int8.tflite").write_bytes(content)
    ran = cli("models", "verify")
    assert ran.code == 1
    assert ran.out.split()[:2] == ["movinet-a0-int8", "corrupted"]


def test_verify_a_broken_installation(cli, broken_builtin):
    ran = cli("models", "verify")
    assert ran.code == 1
    model, remedy = ran.out.splitlines()
    assert model.split()[:2] == ["builtin", broken_builtin]
    assert remedy.startswith("→ install movinet-edge again")


@pytest.mark.parametrize("verb", ["pull", "show", "optimize"])
def test_no_verb_takes_the_model_of_a_broken_installation(cli, broken_builtin, verb):
    ran = cli("models", verb, "builtin")
    assert (ran.code, ran.out) == (78, "")
    assert "install movinet-edge again" in ran.err
    assert ran.err.count("\n") == 1


def test_the_list_of_a_broken_installation(cli, broken_builtin):
    ran = cli("models", "list")
    assert (ran.code, ran.err) == (0, "")
    row = next(line for line in ran.out.splitlines() if line.strip().startswith("builtin"))
    assert row.rstrip().endswith(" no; movinet-edge doctor says why")


def test_verify_a_missing_one(cli):
    ran = cli("models", "verify", "movinet-a2-int8")
    assert ran.code == 1
    assert ran.out.split() == ["movinet-a2-int8", "missing"]


def test_pull_offline_says_what_to_do_and_leaves_nothing(cli, offline, cache):
    ran = cli("models", "pull", "movinet-a0-int8")
    assert (ran.code, ran.out) == (69, "")
    assert "movinet-a0-int8 could not be downloaded" in ran.err
    assert f"{cache}/movinet-a0-int8.tflite" in ran.err
    assert not list(cache.rglob("*.tflite"))


def test_pull_what_is_here(cli, offline, cache, a0_int8):
    shutil.copy(a0_int8, cache / "movinet-a0-int8.tflite")
    ran = cli("models", "pull", "movinet-a0-int8")
    assert (ran.code, ran.out) == (0, f"{cache}/movinet-a0-int8.tflite\n")


def test_a_damaged_file_is_not_used(cli, cache, offline, red_clip):
    (cache / "movinet-a0-int8.tflite").write_bytes(b"\x1c\0\0\0TFL3 and no more")
    ran = cli("classify", red_clip, "--model", "movinet-a0-int8")
    assert ran.code == 69
    assert "cached model file is damaged" in ran.err
