"""The length of videos for a progress bar: a guess that must never fail or wait."""

import os

import pytest

from movinet_edge.cli.video_length import total_length_s


def test_lengths_add_up(clip_of):
    clips = [clip_of("one.mkv", ("red", 1)), clip_of("two.mkv", ("red", 2))]
    assert total_length_s(clips) == pytest.approx(3.0, abs=0.1)


def test_a_colon_is_no_address(clip_of, folder):
    clip_of("x.mkv", ("red", 1)).rename(folder / "http:x.mkv")
    assert total_length_s([(folder / "http:x.mkv").relative_to(folder)]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.timeout(20)
def test_what_is_no_video_has_no_length(clip_of, tmp_path):
    good = clip_of("good.mkv", ("red", 1))
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "text.mp4").write_text("This is a diary.\n")
    for bad in (tmp_path / "none.mp4", tmp_path / "pipe.mp4", tmp_path / "text.mp4", tmp_path):
        assert total_length_s([good, bad]) is None


def test_a_title_in_an_older_encoding(clip_of, tmp_path):
    clip = clip_of("title.mkv", ("red", 1))
    content = clip.read_bytes()
    assert content.count(b"Lavf") >= 1
    (tmp_path / "title.mkv").write_bytes(content.replace(b"Lavf", b"L\xe9vf", 1))
    assert total_length_s([tmp_path / "title.mkv"]) in (None, pytest.approx(1.0, abs=0.1))
