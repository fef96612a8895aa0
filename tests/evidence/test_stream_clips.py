"""One stream's clips: what they are made of where the video is odd, and what is said of them."""

from dataclasses import replace
from fractions import Fraction

import pytest
from video_packets import event, packet, packets

from movinet_edge.api import VideoFormat
from movinet_edge.daemon.stream_clips import StreamClips

VIDEO, JPEG = "h264", "mjpeg"


@pytest.fixture
def finished():
    return []


@pytest.fixture
def clips(finished):
    return StreamClips(keep_s=5.0, longest_s=60.0, finished=lambda event, packets: finished.append((event.id, packets)))


def play(clips, take, taken):
    """The packets, and twice a second a picture where it is asked for."""
    for index, one in enumerate(taken):
        take(one)
        if index % 5 == 0 and clips.needs_pictures(one.time_s):
            clips.picture(b"a picture", one.time_s)


def test_a_video_without_key_frames_gives_way_to_pictures(clips, finished):
    action = event()
    take = clips.tap()
    play(clips, take, packets(5, key_every=1000)[1:])
    clips.begin(action, 2.0)
    play(clips, take, packets(8, key_every=1000)[51:])
    assert clips.end(action.id, 6.0)
    ((_, made),) = finished
    assert {one.format.codec for one in made} == {JPEG}
    assert [made[0].time_s, made[-1].time_s] == pytest.approx([1.6, 6.0], abs=0.5)


def test_the_video_takes_over_as_soon_as_a_key_frame_comes(clips, finished):
    take = clips.tap()
    play(clips, take, packets(3, key_every=1000)[1:])
    play(clips, take, packets(8)[30:])
    action = event()
    clips.begin(action, 5.5)
    clips.end(action.id, 7.0)
    ((_, made),) = finished
    assert {one.format.codec for one in made} == {VIDEO}
    assert made[0].time_s == 5.0


def test_another_format_between_key_frames_is_left_out(clips, finished):
    take = clips.tap()
    play(clips, take, packets(3))
    stray = VideoFormat("hevc", Fraction(1, 1000))
    take(replace(packet(3.0), format=stray))
    play(clips, take, packets(4)[30:])
    action = event()
    clips.begin(action, 1.0)
    clips.end(action.id, 3.5)
    assert [one.time_s for one in finished[0][1]] == [one.time_s for one in packets(3.6)[10:]]


def test_a_clip_that_ended_before_its_action_is_told_of(clips, finished):
    take = clips.tap()
    play(clips, take, packets(3))
    action = event()
    clips.begin(action, 2.0)
    clips.cut()
    assert [made for made, _ in finished] == [action.id]
    assert clips.end(action.id, 9.0)
    assert not clips.end(action.id, 9.0)


def test_a_clip_that_never_had_video_is_not_told_of(clips, finished):
    action = event()
    clips.begin(action, 2.0)
    clips.forget(after_s=3.0)
    assert not clips.end(action.id, 9.0)
    assert finished == []


def test_what_is_to_be_forgotten_is_in_no_clip_though_it_came_before_that_was_known(clips, finished):
    take = clips.tap()
    play(clips, take, packets(6))
    action, later = event(), event(action="running")
    clips.begin(action, 2.0)
    clips.forget(after_s=4.0)
    assert clips.end(action.id, 9.0)
    play(clips, take, packets(8)[60:])
    clips.begin(later, 2.0)
    clips.end(later.id, 7.0)
    (_, first), (_, second) = finished
    assert first[-1].time_s == 4.0
    assert second[0].time_s == 6.0
