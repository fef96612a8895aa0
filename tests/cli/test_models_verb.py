"""`models`: what there is, what is here, and whether it is what it should be."""

import shutil

import pytest

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
