"""Pulling a model end to end from a real server: what is checked, what is kept, what is said."""

import hashlib
import json
import resource
import socket
import threading
from pathlib import Path

import pytest
from model_server import link, make_card, model_bytes, tar_gz
from structlog.testing import capture_logs

from movinet_edge.api import ModelError
from movinet_edge.models import FoundModel, ModelStore
from movinet_edge.models.checksum import fingerprint
from movinet_edge.models.download import Limits

NAME = "movinet-x0-int8"
CONTENT = model_bytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def make_store(cache: Path, *urls: str, sha256: str | None = SHA256, **known) -> ModelStore:
    card = make_card(NAME, urls, sha256=sha256, **known)
    return ModelStore(cache=cache, search=[], cards={NAME: card}, limits=Limits(max_bytes=1_000_000))


def left(cache: Path) -> set[str]:
    """Every file in the cache but the lock, by its path there."""
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if not path.is_dir()} - {".lock"}


@pytest.mark.parametrize("content", [CONTENT, tar_gz(("1.tflite", CONTENT)), tar_gz(("./1.tflite", CONTENT))])
def test_a_file_or_an_archive_becomes_the_model(server, tmp_path, content):
    seen, checked = [], []
    store = make_store(tmp_path, server.add("/m", content))
    found = store.pull(NAME, progress=lambda *state: seen.append(state), check=checked.append)
    target = tmp_path / f"{NAME}.tflite"
    assert found == FoundModel(target, store.cards[NAME], "download")
    assert target.read_bytes() == CONTENT
    assert left(tmp_path) == {target.name}
    assert seen[-1] == (len(content), len(content))
    assert [path.name for path in checked] == [target.name]
    assert checked[0] != target  # it was checked before it got its name
    assert store.find(NAME).origin == "cache"


def test_a_second_pull_asks_nobody(server, tmp_path):
    store = make_store(tmp_path, server.add("/m", CONTENT))
    store.pull(NAME)
    assert store.pull(NAME).origin == "cache"
    assert store.get(NAME).origin == "cache"
    assert len(server.requests) == 1


def test_get_pulls_what_is_missing_and_replaces_what_is_damaged(server, tmp_path):
    store = make_store(tmp_path, server.add("/m", CONTENT))
    assert store.get(NAME).origin == "download"
    (tmp_path / f"{NAME}.tflite").write_bytes(CONTENT[:-1])
    assert store.get(NAME).origin == "download"
    assert store.verify(NAME)[0].status == "ok"


def test_one_pull_gets_over_a_break(server, tmp_path):
    url = server.add("/m", CONTENT, cut_after=[100_000, 50_000])
    assert make_store(tmp_path, url).pull(NAME).path.read_bytes() == CONTENT
    assert [request.headers.get("Range") for request in server.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert sum(request.sent for request in server.requests) == len(CONTENT)
    assert left(tmp_path) == {f"{NAME}.tflite"}


def test_an_interrupted_pull_goes_on_the_next_day(server, tmp_path):
    url = server.add("/m", CONTENT, cut_after=[1000, 0])
    with pytest.raises(ModelError, match="ended after 1000 of 300000"):
        make_store(tmp_path, url).pull(NAME)
    assert len(left(tmp_path)) == 2  # the part and its validator
    assert all(name.startswith(".partial/") for name in left(tmp_path))
    assert make_store(tmp_path, url).find(NAME) is None
    assert make_store(tmp_path, url).pull(NAME).path.read_bytes() == CONTENT
    assert server.requests[-1].headers["Range"] == "bytes=1000-"
    assert left(tmp_path) == {f"{NAME}.tflite"}


def test_breaks_are_not_resumed_for_ever(server, tmp_path):
    url = server.add("/m", CONTENT, cut_after=[1000] * 100)
    with pytest.raises(ModelError, match="ended after 5000"):
        make_store(tmp_path, url).pull(NAME)
    assert len(server.requests) == 5


def test_a_part_that_cannot_be_resumed_is_not_kept(server, tmp_path):
    url = server.add("/m", CONTENT, cut_after=[1000], etag="")
    with pytest.raises(ModelError, match="ended after 1000"):
        make_store(tmp_path, url).pull(NAME)
    assert left(tmp_path) == set()


def refuse(path: Path) -> None:
    raise ModelError(f"it has no image input ({len(path.read_bytes())} bytes)")


@pytest.mark.parametrize(
    ("content", "known", "check", "said"),
    [
        (model_bytes(seed=1), {}, None, rf"its sha256 is [0-9a-f]{{64}}, but should be {SHA256}"),
        (tar_gz(("1.tflite", model_bytes(seed=1))), {}, None, rf"should be {SHA256}"),
        (model_bytes(seed=1), {"sha256": None, "git_blob": "0" * 40}, None, "its git blob id is"),
        (CONTENT[:-1], {"sha256": None, "size_bytes": len(CONTENT)}, None, "its size is 299999 bytes"),
        (b"\n<!DOCTYPE html><title>Sign in", {}, None, "sent a web page instead of a model"),
        (b"\x89PNG", {}, None, "sent no TFLite file"),
        (b"", {}, None, "sent no TFLite file"),
        (CONTENT, {}, refuse, r"cannot be used: it has no image input \(300000 bytes\)"),
        (tar_gz(("1.tflite", CONTENT)), {}, refuse, "cannot be used"),
        (tar_gz(("../1.tflite", CONTENT)), {}, None, "leads outside"),
        (tar_gz(link("1.tflite", "/etc/passwd")), {}, None, "neither a plain file"),
        (tar_gz(("1.tflite", bytes(1_000_001))), {}, None, "unpacks to more than 1000000"),
        (tar_gz(("1.tflite", CONTENT))[:-100_000], {}, None, "damaged"),
        (bytes(1_000_001), {}, None, "no model is larger than 1000000"),
    ],
)
def test_what_is_not_the_model_leaves_nothing_behind(server, tmp_path, *, content, known, check, said):
    store = make_store(tmp_path, server.add("/m", content), **known)
    with pytest.raises(ModelError, match=said):
        store.pull(NAME, check=check)
    assert left(tmp_path) == set()
    assert store.find(NAME) is None


def test_a_crash_in_the_check_leaves_nothing_behind(server, tmp_path):
    def crash(path: Path) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        make_store(tmp_path, server.add("/m", CONTENT)).pull(NAME, check=crash)
    assert left(tmp_path) == set()


def test_the_next_address_is_tried_and_the_first_ones_part_goes_away(server, tmp_path):
    cut = server.add("/cut", CONTENT, cut_after=[1000, 0])
    wrong = server.add("/wrong", model_bytes(seed=1))
    store = make_store(tmp_path, server.root + "/gone", cut, wrong, server.add("/m", CONTENT))
    with capture_logs() as logs:
        assert store.pull(NAME).origin == "download"
    assert [line["url"][len(server.root) :] for line in logs if line["event"] == "model address failed"] == [
        "/gone",
        "/cut",
        "/wrong",
    ]
    assert left(tmp_path) == {f"{NAME}.tflite"}


def test_when_all_fail_every_reason_is_given_and_what_to_do(server, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/m"
    wrong = server.add("/wrong", model_bytes(seed=1))
    with pytest.raises(ModelError) as caught:
        make_store(tmp_path, server.root + "/gone", wrong, refused).get(NAME)
    text = str(caught.value)
    for said in ("HTTP 404", "its sha256 is", "connection was refused", refused, wrong):
        assert said in text
    assert str(tmp_path / f"{NAME}.tflite") in text
    assert "MOVINET_EDGE_MODEL_PATH" in text


def test_an_unknown_name_asks_nobody(tmp_path):
    with pytest.raises(ModelError, match=f"did you mean {NAME}"):
        make_store(tmp_path / "cache").pull("movinet-x0-int9")
    assert not (tmp_path / "cache").exists()


def test_without_a_published_checksum_the_first_one_is_pinned_and_said(server, tmp_path):
    store = make_store(tmp_path, url := server.add("/m", CONTENT), sha256=None)
    with capture_logs() as logs:
        found = store.pull(NAME)
    assert found.pinned_sha256 == SHA256
    assert {"event": "no published checksum, first-seen one pinned", "sha256": SHA256}.items() <= {
        key: value for line in logs if "pinned" in line["event"] for key, value in line.items()
    }.items()
    pinned = json.loads((tmp_path / "pins.json").read_text())[NAME]
    assert (pinned["sha256"], pinned["size_bytes"], pinned["url"]) == (SHA256, len(CONTENT), url)
    assert store.verify(NAME)[0].status == "pinned"
    assert store.identify(found.path).name == NAME

    found.path.unlink()
    again = store.pull(NAME)
    assert (again.origin, again.pinned_sha256) == ("download", None)

    found.path.unlink()
    server.add("/m", model_bytes(seed=1))
    with pytest.raises(ModelError, match=f"should be {SHA256}"):
        store.pull(NAME)
    assert left(tmp_path) == {"pins.json"}


def test_a_published_git_blob_id_is_enough(server, tmp_path):
    (tmp_path / "x").write_bytes(CONTENT)
    blob = fingerprint(tmp_path / "x").git_blob
    store = make_store(tmp_path / "cache", server.add("/m", CONTENT), sha256=None, git_blob=blob)
    assert store.pull(NAME).pinned_sha256 is None
    assert store.verify(NAME)[0].status == "ok"


def test_two_pulls_at_once_download_once(server, tmp_path):
    url = server.add("/m", CONTENT, piece=30_000, pause_s=0.02)
    found: list[FoundModel] = []
    threads = [
        threading.Thread(target=lambda: found.append(make_store(tmp_path, url, sha256=None).pull(NAME)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(model.origin for model in found) == ["cache", "download"]
    assert len({model.path for model in found}) == 1
    assert found[0].path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_full_disk_while_unpacking(server, tmp_path):
    (tmp_path / ".partial").mkdir()
    (tmp_path / ".partial" / f"{NAME}.tflite").symlink_to("/dev/full")
    store = make_store(tmp_path, server.add("/m", tar_gz(("1.tflite", CONTENT))))
    with pytest.raises(ModelError, match=r"cannot be saved in .*: No space left on device.*MOVINET_EDGE_CACHE"):
        store.pull(NAME)
    assert left(tmp_path) == set()


def test_a_full_disk_while_downloading(server, tmp_path):
    store = make_store(tmp_path, server.add("/m", CONTENT), server.add("/other", CONTENT))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ModelError, match=r"cannot be saved in .*: File too large"):
            store.pull(NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left(tmp_path) == set()
    assert len(server.requests) == 1  # another address would not help


def test_a_cache_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match=r"cannot be saved in .*Not a directory"):
        make_store(tmp_path / "file" / "cache", server.add("/m", CONTENT)).pull(NAME)
    assert server.requests == []
