"""The `file` source against files in which anything may be wrong anywhere: it gives frames or one clear error."""

import itertools
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from clips import write_clip
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from movinet_edge.api import FrameRequest, SourceRejected
from movinet_edge_plugins.file import FileSource

SUFFIXES = ("mp4", "mkv", "ts", "avi", "h264")

# Damage to timestamps can make a clip of 20 frames appear longer, but not endless.
MOST_FRAMES = 1000


@cache
def whole(suffix):
    """The bytes of a good clip."""
    with tempfile.TemporaryDirectory() as folder:
        return write_clip(Path(folder, f"clip.{suffix}"), frames=20, options={"g": "5"}).read_bytes()


@settings(max_examples=60, deadline=None)
@given(
    suffix=st.sampled_from(SUFFIXES),
    places=st.lists(st.floats(0, 1, exclude_max=True), max_size=20),
    seed=st.integers(0, 2**32 - 1),
    cut=st.floats(0.01, 1),
)
def test_whatever_is_wrong_frames_are_whole_and_times_never_fall(suffix, places, seed, cut):
    data = bytearray(whole(suffix))
    noise = np.random.default_rng(seed).bytes(len(places))
    for place, byte in zip(places, noise, strict=True):
        data[int(place * len(data))] = byte
    with tempfile.TemporaryDirectory() as folder, capture_logs():
        clip = Path(folder, f"clip.{suffix}")
        clip.write_bytes(data[: max(1, int(cut * len(data)))])
        frames = read_or_reject(clip)
    assert len(frames) < MOST_FRAMES
    for before, after in itertools.pairwise(frames):
        assert before.time_s <= after.time_s
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (16, 16, 3)


def read_or_reject(clip):
    source = FileSource(FileSource.Settings(path=clip))
    frames = source.frames(FrameRequest(size_for=lambda *_: (16, 16)))
    try:
        return list(itertools.islice(frames, MOST_FRAMES))
    except SourceRejected:
        return []
    finally:
        source.close()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_good_clips_are_good(tmp_path, suffix):
    clip = tmp_path / f"clip.{suffix}"
    clip.write_bytes(whole(suffix))
    with capture_logs() as logs:
        assert len(read_or_reject(clip)) == 20
    assert logs == []
