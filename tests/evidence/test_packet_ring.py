"""The ring of packets: what it keeps, where it can be cut, and that it stays within its bounds."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_packets import packet, packets

from movinet_edge.api import VideoFormat
from movinet_edge.evidence import PacketRing, Recording


def filled(taken, keep_s=5.0, most_bytes=10**6):
    ring = PacketRing(keep_s, most_bytes)
    for one in taken:
        ring.add(one)
    return ring


@pytest.mark.parametrize(
    ("since_s", "begin_s"), [(17.0, 17.0), (17.9, 17.0), (18.0, 18.0), (19.95, 19.0), (3.0, 14.0), (100.0, 19.0)]
)
def test_a_clip_begins_with_the_last_key_frame_before(since_s, begin_s):
    ring = filled(packets(20))
    clip = ring.since(since_s)
    assert clip[0].time_s == begin_s
    assert clip[0].is_keyframe
    assert clip[-1].time_s == 19.9


def test_nothing_is_kept_that_cannot_be_decoded():
    ring = filled(packets(1)[3:])
    assert len(ring) == 0
    assert ring.since(0.0) == []


@given(
    gops=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 200)), min_size=1, max_size=30),
    keep_s=st.floats(0.0, 20.0),
    most_bytes=st.integers(100, 5000),
)
def test_it_keeps_what_was_asked_as_far_as_the_bounds_allow(gops, keep_s, most_bytes):
    ring, time_s, taken = PacketRing(keep_s, most_bytes), 0.0, []
    for length, size in gops:
        for index in range(length):
            taken.append(packet(time_s, key=index == 0, size=size))
            ring.add(taken[-1])
            time_s += 0.1
            kept = ring.since(0.0)
            assert ring.size_bytes == sum(len(one.data) for one in kept) <= most_bytes
            assert kept == taken[len(taken) - len(kept) :]
            if not kept:
                continue
            assert kept[0].is_keyframe
            # One key frame later would be too late, and there is at most one group more than is needed.
            keys_s = [one.time_s for one in kept if one.is_keyframe]
            assert len(keys_s) == 1 or keys_s[1] > taken[-1].time_s - keep_s
            dropped = taken[: len(taken) - len(kept)]
            if dropped and keys_s[0] > taken[-1].time_s - keep_s:
                last_group = next(i for i in range(len(dropped) - 1, -1, -1) if dropped[i].is_keyframe)
                assert sum(len(one.data) for one in dropped[last_group:] + kept) > most_bytes


@pytest.mark.parametrize(
    "change",
    [
        {"format": VideoFormat("h264", Fraction(1, 90_000))},
        {"dts": 900},
        {"time_s": 0.5, "dts": None},
        {"time_s": 0.5, "dts": 500, "pts": 500},
        {"dts": 9_000_000, "pts": 9_000_000},
        {"dts": None, "pts": 9_000_000},
        {"time_s": 33.1, "dts": 33_100, "pts": 33_100},
    ],
    ids=[
        "another format",
        "the decoder's clock falls",
        "the stream's clock falls",
        "both fall",
        "another recording with later timestamps",
        "the same without the decoder's",
        "after a hole",
    ],
)
def test_what_does_not_go_on_begins_anew(change):
    ring = filled(packets(3))
    assert ring.add(packet(3.0, key=True))
    assert not ring.add(replace(packet(3.1, key=True), **change))
    assert len(ring) == 1
    assert not ring.add(replace(packet(3.2), format=VideoFormat("hevc", Fraction(1, 1000))))
    assert len(ring) == 0


@pytest.mark.parametrize("stamp", [3000, 2980], ids=["the same again", "a little earlier"])
def test_a_stumbling_clock_is_no_new_beginning(stamp):
    ring = filled([*packets(3), packet(3.0, key=True)])
    assert ring.add(packet(stamp / 1000))
    assert len(ring) == 32


def test_reordered_pictures_are_no_new_beginning():
    ring = PacketRing(5.0)
    times = [(0.0, True), (0.3, False), (0.1, False), (0.2, False), (0.6, False)]
    went_on = [ring.add(replace(packet(time_s, key=key), dts=index)) for index, (time_s, key) in enumerate(times)]
    assert went_on == [False, True, True, True, True]


# Recordings


def recorded(*steps, longest_s=60.0, most_bytes=10**6):
    recording = Recording(longest_s, most_bytes)
    for step in steps:
        step(recording)
    return recording


def adds(taken):
    return lambda recording: recording.extend(taken)


def ends(until_s):
    return lambda recording: recording.end(until_s)


@pytest.mark.parametrize(
    ("steps", "last_s", "complete"),
    [
        ([adds(packets(10))], 9.9, False),
        ([adds(packets(10)), ends(12.0)], 9.9, False),
        ([adds(packets(10)), ends(12.0), adds(packets(15)[100:])], 12.0, True),
        ([adds(packets(10)), ends(7.5)], 7.5, True),
        ([ends(7.5), adds(packets(10))], 7.5, True),
        ([adds(packets(100))], 60.0, True),
        ([adds(packets(100)), ends(70.0)], 60.0, True),
    ],
    ids=[
        "goes on",
        "after it",
        "after it has come",
        "came already",
        "ended before",
        "too long",
        "too long, then ended",
    ],
)
def test_a_recording_ends_in_time(steps, last_s, complete):
    recording = recorded(*steps)
    assert recording.packets[-1].time_s == last_s
    assert recording.complete is complete
    assert all(later.time_s > earlier.time_s for earlier, later in pairwise(recording.packets))


def test_the_length_counts_from_where_the_clip_was_to_begin():
    recording = Recording(20.0, since_s=30.0)
    recording.extend(packets(100, key_every=1000))
    assert (recording.packets[0].time_s, recording.packets[-1].time_s) == (0.0, 50.0)


def test_what_came_after_a_moment_can_be_taken_out_again():
    recording = recorded(adds(packets(10)), lambda one: one.cut(4.05), adds(packets(12)[100:]))
    assert recording.packets[-1].time_s == 4.0
    assert (recording.complete, recording.has_end) == (True, False)


def test_a_recording_begins_with_a_key_frame_and_is_bounded_in_size():
    recording = recorded(adds(packets(10, size=100)[5:]), most_bytes=1000)
    assert recording.packets[0].is_keyframe
    assert len(recording.packets) == 10
    assert recording.complete
