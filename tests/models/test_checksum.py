"""Recognition of files by content."""

import hashlib
import os

import pytest
from model_server import make_card, model_bytes

from movinet_edge.models.checksum import fingerprint, is_content_of, is_model_file, mismatch

CONTENT = model_bytes(1000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("content", "blob"),
    [
        # What `git hash-object` says
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ],
)
def test_fingerprint_agrees_with_git_and_sha256sum(tmp_path, content, blob):
    path = tmp_path / "x"
    path.write_bytes(content)
    taken = fingerprint(path)
    assert (taken.size_bytes, taken.git_blob) == (len(content), blob)
    assert taken.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("known", "same"),
    [
        ({"sha256": SHA256}, True),
        ({"sha256": SHA256, "git_blob": "0" * 40}, True),  # the stronger one decides
        ({"sha256": "0" * 64}, False),
        ({"git_blob": "0" * 40}, False),
        ({"size_bytes": 1000}, True),
        ({"size_bytes": 999}, False),
        ({}, True),
    ],
)
def test_mismatch(tmp_path, known, same):
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    reason = mismatch(fingerprint(path), make_card(**known))
    assert (reason is None) == same
    if "sha256" in known and not same:
        assert SHA256 in reason
        assert known["sha256"] in reason


def test_git_blob_alone_recognises(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    card = make_card(git_blob=fingerprint(path).git_blob)
    assert is_content_of(path, card)
    path.write_bytes(CONTENT + b"!")
    assert not is_content_of(path, card)


def test_nothing_is_recognised_by_size_or_name_alone(tmp_path):
    path = tmp_path / "movinet-x0-int8.tflite"
    path.write_bytes(CONTENT)
    assert not is_content_of(path, make_card())
    assert not is_content_of(path, make_card(size_bytes=1000))


def test_a_model_file_is_told_by_its_magic(tmp_path):
    path = tmp_path / "x.tflite"
    assert not is_model_file(path)
    path.write_bytes(b"<html>")
    assert not is_model_file(path)
    path.write_bytes(CONTENT)
    assert is_model_file(path)
    assert not is_model_file(tmp_path)


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.tflite")
    assert not is_model_file(tmp_path / "pipe.tflite")
