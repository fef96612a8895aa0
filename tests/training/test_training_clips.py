"""Shards of clips: written whole, read back, checked, and found while a renderer still adds to them."""

from pathlib import Path

import numpy as np
import pytest
from training.toy_clips import steady, write_toy

from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, ShardError, clips_in, read_shard


def _rewrite(path: Path, **changes) -> None:
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays}
    np.savez(path, **(kept | changes))


def test_gives_back_what_was_written(tmp_path: Path):
    write_toy(tmp_path, steady(3, 5))
    clips = ClipFolder([tmp_path])
    assert len(clips) == 2
    assert clips.labels.tolist() == steady(3, 5)
    assert clips.meta(1) == {"clip": 1}
    frames = clips.frames(1, [0, 10, 23])
    assert frames.shape == (3, 32, 32, 3)
    assert frames.dtype == np.uint8
    assert np.abs(frames.mean((1, 2, 3)) - [1, 81, 185]).max() < 2
    assert sorted(tmp_path.iterdir()) == [tmp_path / "shard_00000.npz"]  # nothing unfinished is left


def test_finds_shards_that_come_later_in_all_folders(tmp_path: Path):
    write_toy(tmp_path / "one", steady(1))
    clips = ClipFolder([tmp_path / "one", tmp_path / "two"])
    assert (len(clips), clips.refresh()) == (1, 0)
    write_toy(tmp_path / "two", steady(2, 2))
    write_toy(tmp_path / "one", steady(4), number=1)
    assert clips.refresh() == 3
    assert len(clips) == len(clips.labels) == 4
    # A clip keeps its number when others come.
    assert clips.labels[0, 0] == 1
    assert {int(clips.labels[clip, 0]) for clip in range(4)} == {1, 2, 4}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": np.full((1, FRAMES_PER_CLIP), 18, np.int16)}, "labels from 18 to 18, but there are 18 classes"),
        ({"labels": np.full((1, FRAMES_PER_CLIP), -2, np.int16)}, "labels from -2"),
        ({"labels": np.zeros((1, FRAMES_PER_CLIP), np.int64)}, "labels are int64"),
        ({"labels": np.zeros((2, FRAMES_PER_CLIP), np.int16)}, "for 1 clips"),
        ({"offsets": np.arange(FRAMES_PER_CLIP, dtype=np.int64)}, "24 offsets for 24 frames"),
        ({"offsets": np.zeros(FRAMES_PER_CLIP + 1, np.int64)}, "do not rise"),
        ({"meta": np.array(["{"])}, "Expecting property name"),
    ],
)
def test_tells_what_is_wrong_with_a_shard(tmp_path: Path, changes, complaint: str):
    path = write_toy(tmp_path, steady(0))
    _rewrite(path, **changes)
    with pytest.raises(ShardError, match=complaint) as error:
        read_shard(path)
    assert str(path) in str(error.value)


def test_tells_which_file_is_cut_off(tmp_path: Path):
    path = write_toy(tmp_path, steady(0))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ShardError, match="shard_00000"):
        ClipFolder([tmp_path])


def test_refuses_clips_of_another_length(tmp_path: Path):
    write_toy(tmp_path, [[0] * 8])
    with pytest.raises(ShardError, match="clips of 8 frames; 24 are expected"):
        ClipFolder([tmp_path])


@pytest.mark.parametrize("meta", ["3", "[1]", "null"])
def test_tells_what_is_wrong_with_what_clips_are_made_of(tmp_path: Path, meta: str):
    path = write_toy(tmp_path, steady(0))
    _rewrite(path, meta=np.array([meta]))
    with pytest.raises(ShardError, match=r"shard_00000\.npz: what its clips are made of"):
        ClipFolder([tmp_path])


def test_takes_clips_of_the_split_that_was_asked_for(tmp_path: Path):
    write_toy(tmp_path / "held", steady(0), meta={"split": "held"})
    write_toy(tmp_path / "anyone", steady(0))
    folders = [tmp_path / "anyone", tmp_path / "held"]
    assert len(clips_in(folders)) == len(clips_in(folders, "held")) == 2
    with pytest.raises(ShardError, match=r"held/shard_00000.npz: its clips are of the split held; train is expected"):
        clips_in(folders, "train")


def test_tells_which_picture_is_none(tmp_path: Path):
    path = write_toy(tmp_path, steady(0))
    with np.load(path) as arrays:
        jpegs = arrays["jpegs"].copy()
        jpegs[arrays["offsets"][5] : arrays["offsets"][6]] = 0
    _rewrite(path, jpegs=jpegs)
    with pytest.raises(ShardError, match="frame 5 of clip 0"):
        ClipFolder([tmp_path]).frames(0, [4, 5])
