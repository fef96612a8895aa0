"""Clips: the very same packets in an MP4 that plays, or an MP4 made of pictures."""

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from video_packets import packet, packets_of, picture_units, write_video

from movinet_edge.api import VideoFormat, VideoPacket
from movinet_edge.evidence import ClipImpossible, as_mp4


@pytest.fixture
def saved(tmp_path):
    def _saved(mp4):
        path = tmp_path / "clip.mp4"
        path.write_bytes(mp4)
        return path

    return _saved


VIDEOS = [
    ("libx264", "mp4", {}),
    ("libx264", "mkv", {"bf": "2"}),
    ("libx264", "ts", {"bf": "0"}),
    ("libx265", "mp4", {"bf": "0"}),
    ("libx265", "mp4", {"x265-params": "keyint=10:min-keyint=10:open-gop=1:bframes=3:b-adapt=0:log-level=none"}),
]


@pytest.mark.parametrize(("encoder", "container", "options"), VIDEOS)
def test_no_packet_is_changed(tmp_path, saved, encoder, container, options):
    taken = packets_of(write_video(tmp_path / f"video.{container}", encoder, **options))
    begin = [index for index, one in enumerate(taken) if one.is_keyframe][1]
    clip = saved(as_mp4(taken[begin:]))
    codec = taken[0].format.codec
    # Pictures that are shown before the first refer to what is not in the clip; browsers give up at them.
    kept = [one for one in taken[begin:] if one.time_s >= taken[begin].time_s]
    before = [unit for one in kept for unit in picture_units(codec, one.data)]
    after = [unit for one in packets_of(clip) for unit in picture_units(codec, one.data)]
    assert len(before) >= 20
    assert after == before


@pytest.mark.parametrize(("encoder", "container", "options"), VIDEOS)
def test_the_clip_plays_from_its_first_picture_at_the_right_pace(tmp_path, saved, encoder, container, options):
    taken = packets_of(write_video(tmp_path / f"video.{container}", encoder, **options))
    with av.open(str(saved(as_mp4(taken)))) as clip:
        pictures = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in clip.decode(video=0)]
        assert clip.streams.video[0].codec_context.codec_tag in ("avc1", "hvc1")  # what browsers know
    times_s, greys = zip(*pictures, strict=True)
    assert len(pictures) == 40
    assert np.diff(times_s) == pytest.approx(np.full(39, 0.1), abs=0.002)
    assert list(greys) == sorted(greys)


@pytest.mark.parametrize("options", [{"bf": "2", "x264-params": "open-gop=1"}, {"intra-refresh": "1"}])
def test_a_picture_that_needs_earlier_ones_is_no_beginning(tmp_path, options):
    taken = packets_of(write_video(tmp_path / "video.mp4", "libx264", **options))
    assert [index for index, one in enumerate(taken) if one.is_keyframe] == [0]


def test_parameter_sets_from_a_session_description_are_enough(tmp_path, saved):
    taken = packets_of(write_video(tmp_path / "video.mp4", "libx264"))
    first = taken[0].data
    end = first.index(b"\x00\x00\x01\x65")  # where the first picture begins
    end -= first[end - 1 : end] == b"\0"
    form = replace(taken[0].format, header=first[:end])
    bare = [replace(one, data=one.data[end:] if one is taken[0] else one.data, format=form) for one in taken[:10]]
    with av.open(str(saved(as_mp4(bare)))) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 10


def test_timestamps_that_are_missing_or_repeat_are_put_right(tmp_path, saved):
    taken = packets_of(write_video(tmp_path / "video.mp4", "libx264", bf="0"))
    odd = [replace(one, dts=None) if index % 3 == 0 else one for index, one in enumerate(taken)]
    odd[4] = replace(odd[4], pts=odd[3].pts, dts=odd[3].dts)
    odd[8] = replace(odd[8], pts=None, dts=None)
    with av.open(str(saved(as_mp4(odd)))) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 40


def jpeg(level, size_px=(65, 49)):
    return bytes(cv2.imencode(".jpg", np.full((size_px[1], size_px[0], 3), level, np.uint8))[1])


def test_pictures_become_a_video_that_browsers_play(saved):
    form = VideoFormat("mjpeg", Fraction(1, 1000))
    taken = [VideoPacket(jpeg(10 * i), 100 + i / 5, None, None, True, form) for i in range(20)]
    with av.open(str(saved(as_mp4(taken)))) as clip:
        assert clip.streams.video[0].codec_context.name == "h264"
        pictures = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in clip.decode(video=0)]
    assert [time_s for time_s, _ in pictures] == pytest.approx([i / 5 for i in range(20)], abs=0.002)
    assert [grey for _, grey in pictures] == pytest.approx([10 * i for i in range(20)], abs=4)


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        ([], "no video of that time"),
        ([packet(0, key=True, form=VideoFormat("vp9", Fraction(1, 1000)))], "no browser plays vp9"),
        ([packet(0, key=True, size=300)], "cannot be put into an MP4"),
        ([packet(0, key=True, form=VideoFormat("mjpeg", Fraction(1, 1000)))], "cannot be put into an MP4"),
    ],
    ids=["nothing", "codec", "damaged", "no picture"],
)
def test_what_cannot_be_a_clip_is_told(taken, why):
    with pytest.raises(ClipImpossible, match=why):
        as_mp4(taken)


def test_a_damaged_packet_of_a_file_is_left_out_as_the_decoder_does(tmp_path):
    path = write_video(tmp_path / "video.mp4", "libx264")
    with av.open(str(path)) as video:
        begin = [one.pos for one in video.demux(video=0) if one.size][15]
    data = bytearray(path.read_bytes())
    data[begin : begin + 4] = b"\x7f\xff\xff\xff"  # the length of what follows
    path.write_bytes(data)
    assert len(packets_of(path)) == 39
