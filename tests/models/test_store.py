"""The store on this machine: look-up order, recognition, environment, verification. No server is asked."""

import hashlib
import os
from pathlib import Path

import pytest
from model_server import make_card, model_bytes
from structlog.testing import capture_logs

from movinet_edge.api import ModelError
from movinet_edge.models import ModelStore
from movinet_edge.models.folders import default_cache, default_search
from movinet_edge.models.pins import Pin, write_pins

CONTENT = model_bytes(2000)
OTHER = model_bytes(2000, seed=1)
CARD = make_card("movinet-x0-int8", sha256=hashlib.sha256(CONTENT).hexdigest(), size_bytes=len(CONTENT))
UNPUBLISHED = make_card("movinet-x1-int8", ["https://models.invalid/x1.tar.gz"])


@pytest.fixture
def store(tmp_path):
    for name in ("cache", "search"):
        (tmp_path / name).mkdir()
    cards = {card.name: card for card in (CARD, UNPUBLISHED)}
    return ModelStore(cache=tmp_path / "cache", search=[tmp_path / "absent", tmp_path / "search"], cards=cards)


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.write_bytes(content)
    return path


def pin(store: ModelStore, name: str, content: bytes) -> None:
    entry = Pin(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), url="https://models.invalid/")
    write_pins(store.cache / "pins.json", {name: entry})


def test_path_before_search_before_cache(store, tmp_path):
    cached = put(store.cache / "movinet-x0-int8.tflite")
    assert store.find("movinet-x0-int8").path == cached
    assert store.find("movinet-x0-int8").origin == "cache"
    searched = put(tmp_path / "search" / "whatever")
    assert store.find("movinet-x0-int8").path == searched
    assert store.find("movinet-x0-int8").origin == "search"
    given = put(tmp_path / "mine.tflite")
    found = store.find(str(given))
    assert (found.path, found.origin, found.name) == (given, "path", "movinet-x0-int8")


@pytest.mark.parametrize("written", ["mine.tflite", "./mine.tflite", "mine", "~/mine.tflite"])
def test_ways_to_write_a_path(store, tmp_path, monkeypatch, written):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    put(Path(written).expanduser(), OTHER)
    found = store.find(written)
    assert (found.path, found.card, found.name) == (Path(written).expanduser(), None, "mine")


def test_a_file_in_the_working_folder_does_not_stand_in_for_a_catalogue_name(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "movinet-x0-int8", OTHER)
    assert store.find("movinet-x0-int8") is None
    assert store.find("./movinet-x0-int8").origin == "path"


def test_a_search_folder_goes_by_content_and_not_by_name(store, tmp_path):
    folder = tmp_path / "search"
    put(folder / "movinet-x0-int8.tflite", OTHER)
    put(folder / "notes.txt", b"hello")
    (folder / "movinet-x0-int8").mkdir()
    (folder / "dangling.tflite").symlink_to("nowhere")
    assert store.find("movinet-x0-int8") is None
    right = put(folder / "cattle.bin")
    assert store.find("movinet-x0-int8").path == right


def test_a_model_without_a_checksum_is_not_guessed_from_a_search_folder(store, tmp_path):
    put(tmp_path / "search" / "movinet-x1-int8.tflite")
    assert store.find("movinet-x1-int8") is None
    pin(store, "movinet-x1-int8", CONTENT)
    assert store.find("movinet-x1-int8").origin == "search"


def test_the_official_a0_file_is_recognised(models_dir, a0_int8, tmp_path):
    store = ModelStore(cache=tmp_path, search=[models_dir])
    found = store.find("movinet-a0-int8")
    assert (found.path, found.origin) == (a0_int8, "search")
    assert store.identify(a0_int8).name == "movinet-a0-int8"
    assert store.identify(models_dir / "movinet_a0_stream_int8_cattle7.tflite") is None
    assert store.find(str(a0_int8)).name == "movinet-a0-int8"
    assert store.get("movinet-a0-int8", pull=False).path == a0_int8


def test_a_damaged_file_in_the_cache_is_not_used_and_that_is_said(store):
    put(store.cache / "movinet-x0-int8.tflite", OTHER)
    with capture_logs() as logs:
        assert store.find("movinet-x0-int8") is None
    assert "cached model file is damaged" in {line["event"] for line in logs}
    with pytest.raises(ModelError, match=r"movinet-x0-int8 is damaged .*its sha256 is .* but should be"):
        store.get("movinet-x0-int8", pull=False)


def test_a_folder_that_cannot_be_read_is_said_and_passed_over(store, tmp_path):
    put(tmp_path / "search" / "x")
    with capture_logs() as logs:
        assert store.find("movinet-x0-int8") is not None
        assert store.find("movinet-x0-int8") is not None
    assert [(line["event"], line["folder"]) for line in logs] == [
        ("model folder cannot be read", str(tmp_path / "absent"))
    ]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("movinet-x0-int", r"no model is called 'movinet-x0-int'; did you mean movinet-x0-int8"),
        ("MoViNet_X0_int8", r"did you mean movinet-x0-int8"),
        ("yolo", r"known: movinet-x0-int8, movinet-x1-int8"),
        ("nowhere/x.tflite", r"no model file nowhere/x.tflite.*No such file"),
        ("folder.tflite/../mine_.tflite", r"did you mean .*mine.tflite\?"),
        ("folder.tflite", r"folder.tflite is a folder"),
        ("zzz.tflite", r"no model file zzz.tflite in "),
    ],
)
def test_what_cannot_be_had_is_explained(store, tmp_path, monkeypatch, asked, said):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "mine.tflite")
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(ModelError, match=said):
        store.get(asked)


def test_without_the_network_it_says_exactly_what_to_do(store):
    with pytest.raises(ModelError) as caught:
        store.get("movinet-x1-int8", pull=False)
    text = str(caught.value)
    assert "movinet-edge models pull movinet-x1-int8" in text
    assert "https://models.invalid/x1.tar.gz" in text
    assert str(store.cache / "movinet-x1-int8.tflite") in text
    assert "MOVINET_EDGE_MODEL_PATH" not in text  # nothing there could be recognised
    with pytest.raises(ModelError, match="MOVINET_EDGE_MODEL_PATH"):
        store.get("movinet-x0-int8", pull=False)


def test_what_is_put_by_hand_as_told_is_found(store):
    put(store.cache / "movinet-x1-int8.tflite")
    assert store.get("movinet-x1-int8", pull=False).origin == "cache"


def test_verify_tells_the_five_states_apart(store, tmp_path):
    def status(name):
        (result,) = store.verify(name)
        assert result.usable == (result.status in {"ok", "pinned", "unpinned"})
        return result.status

    known, unpublished = store.cache / "movinet-x0-int8.tflite", store.cache / "movinet-x1-int8.tflite"
    assert status("movinet-x0-int8") == "missing"
    put(known)
    assert status("movinet-x0-int8") == "ok"
    put(known, CONTENT[:-1])
    assert status("movinet-x0-int8") == "corrupted"
    put(unpublished)
    assert status("movinet-x1-int8") == "unpinned"
    pin(store, "movinet-x1-int8", CONTENT)
    assert status("movinet-x1-int8") == "pinned"
    put(unpublished, OTHER)
    assert status("movinet-x1-int8") == "corrupted"
    known.unlink()
    put(tmp_path / "search" / "x")
    assert status("movinet-x0-int8") == "ok"
    unpublished.unlink()
    pin(store, "movinet-x1-int8", OTHER)
    assert [result.status for result in store.verify()] == ["ok", "missing"]
    put(tmp_path / "search" / "y", OTHER)
    assert [result.status for result in store.verify()] == ["ok", "pinned"]


def test_verify_of_an_unknown_name(store):
    with pytest.raises(ModelError, match="did you mean"):
        store.verify("movinet-x0")


def test_an_unpinned_file_must_at_least_be_a_model(store):
    put(store.cache / "movinet-x1-int8.tflite", b"<html>login</html>")
    assert store.verify("movinet-x1-int8")[0].status == "corrupted"


@pytest.mark.parametrize("content", ["{", '{"movinet-x1-int8": {"sha256": "no"}}', "[]"])
def test_unreadable_pins_are_not_taken_for_none(store, content):
    (store.cache / "pins.json").write_text(content)
    put(store.cache / "movinet-x1-int8.tflite")
    with pytest.raises(ModelError, match=r"pins\.json cannot be read"):
        store.find("movinet-x1-int8")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "{home}/.cache/movinet-edge/models"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/movinet-edge/models"),
        ({"XDG_CACHE_HOME": "relative"}, "{home}/.cache/movinet-edge/models"),
        ({"XDG_CACHE_HOME": "/x", "CACHE_DIRECTORY": "/var/cache/movinet-edge"}, "/var/cache/movinet-edge/models"),
        ({"CACHE_DIRECTORY": "/var/cache/a:/var/cache/b"}, "/var/cache/a/models"),
        ({"CACHE_DIRECTORY": "/x", "MOVINET_EDGE_CACHE": "/own"}, "/own"),
        ({"MOVINET_EDGE_CACHE": "~/own"}, "{home}/own"),
    ],
)
def test_where_the_cache_is(monkeypatch, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    place = Path(expected.format(home=Path.home()))
    assert default_cache() == place
    assert ModelStore().cache == place


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ("../shared/models", ("../shared/models",)),
        (os.pathsep.join(["/a", "", "~/b"]), ("/a", "{home}/b")),
    ],
)
def test_where_is_looked(monkeypatch, value, expected):
    if value is not None:
        monkeypatch.setenv("MOVINET_EDGE_MODEL_PATH", value)
    folders = tuple(Path(folder.format(home=Path.home())) for folder in expected)
    assert default_search() == folders
    assert ModelStore().search == folders


def test_who_may_read_what_a_service_has_downloaded_looks_there_too(tmp_path, monkeypatch):
    monkeypatch.setattr("movinet_edge.models.folders._SYSTEM_CACHES", tmp_path)
    plain, porch = tmp_path / "movinet-edge/models", tmp_path / "movinet-edge@porch/models"
    for folder in (plain, porch):
        folder.mkdir(parents=True)
    (tmp_path / "movinet-edge@empty").mkdir()
    assert default_search() == (plain, porch)
    monkeypatch.setenv("CACHE_DIRECTORY", str(porch.parent))
    assert default_search() == ()
