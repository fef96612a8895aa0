"""The `rtsp` source against real servers: what they send."""

import ssl
import time
from itertools import islice, pairwise

import pytest
import trustme
from live_streams import PATH_S, failure, playing, source, take, transport_stream, write_segments
from peers.http_camera import MJPEG_FPS, http_camera
from peers.rtsp_server import FPS, GROWN_SIZE_PX, KEY_FRAME_S, SIZE_PX, made_ago_s

from movinet_edge.api import FrameRequest, SourceUnavailable
from movinet_edge.testing.sources import SourceContract
from movinet_edge_plugins import _live
from movinet_edge_plugins._lateness import STALE_S
from movinet_edge_plugins.rtsp import RtspSource


class TestContract(SourceContract):
    source_class = RtspSource
    bad_settings = (
        ({}, "url"),
        ({"url": "rtsp://camera/1", "transport": "pigeon"}, "transport"),
        ({"url": "rtsp://camera/1", "open_timeout": 0}, "open_timeout"),
        ({"url": "rtsp://camera/1", "read_timeout": "soon"}, "read_timeout"),
    )

    @pytest.fixture(autouse=True)
    def _camera(self, camera):
        self.url = camera.url()

    def make_source(self):
        return source(self.url)

    make_waiting_source = make_source


# What is sent


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("h264", {}),
        ("h265", {}),
        ("sound", {}),
        ("h264", {"transport": "udp"}),
        ("h264", {"skip_loop_filter": True}),
    ],
)
def test_frames_are_due_small_and_fresh(camera, path, settings):
    opened = source(camera.url(path), open_timeout=30.0, **settings)  # a busy machine's camera takes its time
    frames, ages_s = [], []
    for frame in islice(opened.frames(FrameRequest(10, lambda *_: (32, 24))), 7):
        frames.append(frame)
        ages_s.append(made_ago_s(frame.image))
    info = opened.info
    opened.close()
    assert {frame.image.shape for frame in frames} == {(24, 32, 3)}
    assert frames[0].time_s <= 0.5  # 0, but for a busy machine, where the first pictures are dropped as too old
    assert max(ages_s[2:]) < STALE_S + PATH_S
    # The first frame of a connection has no timestamp, so how long it lasts is measured by arrival.
    steps_s = [after.time_s - before.time_s for before, after in pairwise(frames[1:])]
    assert steps_s == pytest.approx([0.1] * 5, abs=1.5 / FPS)
    # Those that were not looked at count as well.
    assert opened.frames_read > 7 * 0.1 * FPS * 0.7
    assert (info.codec, info.width_px, info.height_px) == ("hevc" if path == "h265" else "h264", *SIZE_PX)
    assert info.fps == FPS
    assert 0.0 < info.cpu_s < 5.0


def test_frames_carry_the_time_of_day_and_none_from_the_future(camera):
    with playing(camera.url(), FrameRequest(10)) as frames:
        walls_s = []
        for frame in islice(frames, 7):
            assert -STALE_S - PATH_S < frame.wall_time_s - time.time() <= 0.0
            walls_s.append(frame.wall_time_s)
    assert walls_s == sorted(walls_s)


def test_wall_time_follows_a_clock_that_is_set(camera, monkeypatch):
    with playing(camera.url(), FrameRequest(10)) as frames:
        next(frames)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600)
        offsets_s = [frame.wall_time_s - real() for frame in islice(frames, 5)]
        assert offsets_s[-1] == pytest.approx(3600, abs=STALE_S + PATH_S)


@pytest.mark.parametrize("path", ["h264", "h265"])
def test_key_frames_alone(camera, path):
    times_s = [frame.time_s for frame in take(camera.url(path), 4, keyframes_only=True)]
    # The first of a connection comes late and without a timestamp, so the step after it is measured.
    assert times_s[1] == pytest.approx(KEY_FRAME_S, abs=0.3)
    assert [after - before for before, after in pairwise(times_s[1:])] == pytest.approx([KEY_FRAME_S] * 2, abs=0.1)


def test_the_size_may_change_on_the_way(camera):
    with playing(camera.url("changing"), FrameRequest(5)) as frames:
        sizes = []
        for frame in islice(frames, 40):
            sizes.append(frame.size_px)
            if frame.size_px == GROWN_SIZE_PX:
                break
    assert sizes[0] == SIZE_PX
    assert sizes[-1] == GROWN_SIZE_PX


@pytest.mark.parametrize("path", ["mjpeg", "grey"])
def test_mjpeg_without_timestamps_is_timed_by_arrival(web, path):
    frames = take(f"{web}/{path}", 10)
    assert frames[0].image.shape[2] == 3
    assert frames[-1].time_s == pytest.approx(9 / MJPEG_FPS, rel=0.5)
    assert frames[0].image.mean() == pytest.approx(200, abs=5)


def test_self_made_certificates_are_accepted(tmp_path):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with http_camera(tmp_path, tls) as url:
        assert len(take(f"{url}/mjpeg", 2)) == 2


def test_hls_comes_at_its_own_pace_and_ends(tmp_path, web):
    write_segments(tmp_path)
    begin_s = time.monotonic()
    with playing(f"{web}/live.m3u8") as frames:
        assert len(list(islice(frames, 15))) == 15
        with pytest.raises(SourceUnavailable, match="ended the stream"):
            list(frames)
    assert time.monotonic() - begin_s > 1.5


def test_transport_stream_over_udp():
    with transport_stream("libx264") as url:
        assert len(take(url, 5)) == 5


def test_the_codec_may_change_on_the_way(monkeypatch):
    """What cannot be decoded any more ends the connection, and the next one finds out what it is now."""
    monkeypatch.setattr(_live, "_NO_PICTURE_S", 0.7)
    with transport_stream("libx264", "libx265") as url:
        assert "no picture that can be decoded" in failure(url)
        opened = source(url)
        assert len(list(islice(opened.frames(FrameRequest(10)), 3))) == 3
        info = opened.info
        opened.close()
    assert info.codec == "hevc"
