"""Archives from strangers."""

import gzip
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_server import header_bomb, link, model_bytes, tar_gz

from movinet_edge.models.archive import extract_model, is_gzip
from movinet_edge.models.download import ContentRejected

MODEL = model_bytes(5000)
CAP = 100_000


def folder_entry(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


@pytest.mark.parametrize(
    "members",
    [
        [("1.tflite", MODEL)],
        [("./1.tflite", MODEL)],
        [folder_entry("model"), ("model/README.txt", b"hello"), ("model/a0.tflite", MODEL)],
    ],
)
def test_the_one_model_is_taken_out(tmp_path, members):
    archive, target = tmp_path / "a", tmp_path / "out"
    archive.write_bytes(tar_gz(*members))
    assert is_gzip(archive)
    extract_model(archive, target, CAP)
    assert target.read_bytes() == MODEL


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tar_gz(("../1.tflite", MODEL)), "leads outside"),
        (tar_gz(("models/../../1.tflite", MODEL)), "leads outside"),
        (tar_gz(("/etc/1.tflite", MODEL)), "leads outside"),
        (tar_gz(("1.tflite", MODEL), ("../escaped", b"x")), "leads outside"),
        (tar_gz(link("1.tflite", "/etc/passwd")), "neither a plain file"),
        (tar_gz(link("1.tflite", "/etc/passwd", tarfile.LNKTYPE)), "neither a plain file"),
        (tar_gz(link("1.tflite", "", tarfile.CHRTYPE)), "neither a plain file"),
        (tar_gz(link("1.tflite", "", tarfile.FIFOTYPE)), "neither a plain file"),
        (tar_gz(link("folder", "/var"), ("folder/1.tflite", MODEL)), "neither a plain file"),
        (tar_gz(("1.tflite", MODEL), ("2.tflite", MODEL)), "several models, '1.tflite' and '2.tflite'"),
        (tar_gz(("1.tflite", bytes(CAP + 1))), "unpacks to more than 100000 bytes"),
        (tar_gz(("zeros", bytes(CAP)), ("1.tflite", MODEL)), "unpacks to more than 100000 bytes"),
        (header_bomb(50_000_000), "unpacks to more than 100000 bytes"),
        (tar_gz(("README.txt", b"hello")), "holds no .tflite"),
        (tar_gz(), "holds no .tflite"),
        (tar_gz(("1.tflite", MODEL))[:-2000], "damaged"),
        (gzip.compress(b"not a tar " * 1000), "damaged"),
        (b"\x1f\x8b but not really", "damaged"),
    ],
)
def test_what_is_refused(tmp_path, content, reason):
    archive = tmp_path / "a"
    archive.write_bytes(content)
    with pytest.raises(ContentRejected, match=reason):
        extract_model(archive, tmp_path / "out", CAP)
    assert {path.name for path in tmp_path.iterdir()} <= {"a", "out"}


NAMES = st.lists(st.sampled_from(["..", ".", "a", "1.tflite", "2.tflite", ""]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=50, deadline=None)
@given(st.lists(NAMES, max_size=4))
def test_whatever_the_names_nothing_but_the_target_is_written(names):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "deep" / "down"
        folder.mkdir(parents=True)
        archive, target = folder / "a", folder / "out"
        archive.write_bytes(tar_gz(*((name, MODEL) for name in names)))
        try:
            extract_model(archive, target, CAP)
        except ContentRejected:
            pass
        else:
            assert target.read_bytes() == MODEL
        assert {path for path in Path(name).rglob("*") if path.is_file()} <= {archive, target}
