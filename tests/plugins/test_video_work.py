"""How little the sources of video decode, and what they say about it: for `file`, and so for `rtsp` too."""

from itertools import islice

import av
import numpy as np
import pytest
from clips import write_clip

from movinet_edge.api import DescribedSource, FrameRequest
from movinet_edge_plugins import _video
from movinet_edge_plugins.file import FileSource


def decoded(path, fps):
    """The times and pictures of the frames that are due, and how many frames were decoded for them."""
    sieve, due, count = _video.Sieve(fps), [], 0
    with _video.Video(path) as video:
        for time_s, picture in video.frames(sieve, start_s=0.0, stopped=lambda: False):
            count += 1
            if sieve.due(time_s):
                due.append((time_s, video.rgb(picture, lambda *size_px: size_px)))
    return due, count


def all_of_them(monkeypatch, path, fps):
    """The same for a decoder that puts nothing off."""
    with monkeypatch.context() as patch:
        patch.setattr(_video, "_CLEAN_CUTS", frozenset())
        return decoded(path, fps)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mjpeg"])
@pytest.mark.parametrize(("fps", "gop"), [(5, 10), (2, 10), (5, 7), (0.9, 15), (None, 10)])
def test_frames_put_off_change_nothing(tmp_path, monkeypatch, codec, fps, gop):
    options = {"g": str(gop)} | ({"x265-params": "bframes=0:log-level=none"} if codec == "libx265" else {})
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_clip(tmp_path / "clip.mkv", frames=60, fps=25, codec=codec, pix_fmt=pix_fmt, options=options)
    due, count = decoded(path, fps)
    expected, total = all_of_them(monkeypatch, path, fps)
    assert [time_s for time_s, _ in due] == [time_s for time_s, _ in expected]
    assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(due, expected, strict=True))
    assert total == 60
    assert count == total if fps is None else count < total


def test_what_is_renewed_strip_by_strip_is_all_decoded(tmp_path):
    options = {"g": "10", "x264-params": "intra-refresh=1"}
    _, count = decoded(write_clip(tmp_path / "clip.mkv", frames=100, fps=25, options=options), 5)
    assert count > 95  # until the first such key frame was seen


def test_no_more_is_put_off_than_can_be_made_up_for(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=60, fps=25, options={"g": "250"})
    with _video.Video(path) as video:
        sieve, most = _video.Sieve(0.1), 0
        for time_s, _ in video.frames(sieve, start_s=0.0, stopped=lambda: False):
            sieve.due(time_s)
            most = max(most, video.packets_read - round(time_s * 25) - 1)
    assert most < _video._MOST_PUT_OFF


def test_nothing_due_is_put_off_when_a_camera_sends_less_than_it_announces(tmp_path):
    path = write_clip(tmp_path / "clip.mkv", times_s=[index / 7 for index in range(30)], fps=25)
    with _video.Video(av.open(str(path)), live=True) as video:
        assert video.info.fps == 25
        sieve = _video.Sieve(5)
        for time_s, _ in video.frames(sieve, start_s=0.0, stopped=lambda: False):
            if sieve.due(time_s):
                assert video.packets_read == round(time_s * 7) + 1


def test_a_file_says_what_it_is(tmp_path):
    source = FileSource(FileSource.Settings(path=write_clip(tmp_path / "clip.mp4", frames=30, fps=10)))
    assert isinstance(source, DescribedSource)
    assert source.info is None
    frames = source.frames(FrameRequest())
    next(frames)
    info = source.info
    assert (info.codec, info.width_px, info.height_px, info.fps) == ("h264", 64, 48, 10)
    assert len(list(frames)) == 29
    assert source.info.cpu_s > info.cpu_s > 0.0


def test_the_work_of_others_is_not_counted(tmp_path):
    source = FileSource(FileSource.Settings(path=write_clip(tmp_path / "clip.mp4", frames=5)))
    for _ in islice(source.frames(FrameRequest()), 5):
        sum(range(5_000_000))
    assert source.info.cpu_s < 0.3


def test_the_size_is_that_of_the_newest_frame(tmp_path):
    for name, size_px in (("1.mp4", (64, 48)), ("2.mp4", (32, 24))):
        write_clip(tmp_path / name, size_px=size_px, frames=3)
    source = FileSource(FileSource.Settings(path=tmp_path))
    assert [
        (source.info.width_px, source.info.height_px) == frame.size_px for frame in source.frames(FrameRequest())
    ] == [True] * 6
