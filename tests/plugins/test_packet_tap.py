"""What the `file` and `rtsp` sources hand out still compressed: all of it, at the right times, or nothing."""

from itertools import pairwise

import av
import pytest
from clips import write_clip
from live_streams import source as rtsp_source
from peers.http_camera import http_camera

from movinet_edge.api import FrameRequest, PacketSource
from movinet_edge_plugins.file import FileSource


def tapped(source, frames=None):
    """The packets, and the times of the frames."""
    assert isinstance(source, PacketSource)
    packets, times_s = [], []
    source.tap(packets.append)
    for frame in source.frames(FrameRequest()):
        times_s.append(frame.time_s)
        if len(times_s) == frames:
            break
    source.close()
    return packets, times_s


def file_source(*paths, **settings):
    return FileSource(FileSource.Settings(path=list(paths), **settings))


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mp4", {}), ("a.mkv", {"bf": "2"}), ("a.ts", {}), ("a.flv", {})],
)
def test_every_packet_has_the_time_of_its_picture(tmp_path, name, options):
    packets, times_s = tapped(file_source(write_clip(tmp_path / name, frames=30, options=options)))
    assert sorted(packet.time_s for packet in packets) == pytest.approx(times_s, abs=0.002)
    assert packets[0].is_keyframe
    assert all(packet.data.startswith((b"\0\0\1", b"\0\0\0\1")) for packet in packets)
    assert all(a.dts is None or b.dts is None or a.dts < b.dts for a, b in pairwise(packets))


def test_the_stream_goes_on_over_files(tmp_path):
    first, second = (write_clip(tmp_path / f"{name}.mp4", frames=20) for name in "ab")
    packets, times_s = tapped(file_source(first, second))
    assert [packet.time_s for packet in packets] == pytest.approx(times_s, abs=0.002)
    assert packets[0].format != packets[20].format or packets[19].dts >= packets[20].dts  # where one begins is seen


def test_a_codec_that_browsers_do_not_play_is_not_handed_out(tmp_path):
    packets, times_s = tapped(file_source(write_clip(tmp_path / "a.avi", frames=10, codec="mpeg4")))
    assert (packets, len(times_s)) == ([], 10)


def test_what_has_no_timestamps_of_its_own_is_not_handed_out(tmp_path):
    with http_camera(tmp_path) as url:
        packets, times_s = tapped(rtsp_source(f"{url}/mjpeg"), frames=5)
    assert (packets, len(times_s)) == ([], 5)


def test_a_video_that_is_to_be_turned_is_handed_out_no_longer(tmp_path):
    path = tmp_path / "turned.mp4"
    with av.open(str(write_clip(tmp_path / "plain.mp4", frames=20))) as plain, av.open(str(path), "w") as turned:
        stream = turned.add_stream_from_template(plain.streams.video[0], opaque=True)
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a rotation")
        stream.set_display_rotation(90)
        for packet in plain.demux(video=0):
            if packet.size:
                packet.stream = stream
                turned.mux(packet)
    packets, times_s = tapped(file_source(path))
    assert len(times_s) == 20
    assert len(packets) <= 2  # before the first picture nobody knows
