"""The `browser` source: pictures that are pushed, the clock of whoever pushes them, and files of strangers."""

import itertools
import threading
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import FrameRequest, PushedSource, SourceUnavailable
from movinet_edge.testing.sources import SourceContract
from movinet_edge_plugins._browser_clock import SenderClock
from movinet_edge_plugins._browser_picture import check_jpeg, decode
from movinet_edge_plugins.browser import BrowserSource


def jpeg(size_px=(64, 48), level=128, *options):
    return cv2.imencode(".jpg", np.full((size_px[1], size_px[0], 3), level, np.uint8), options)[1].tobytes()


def make(**settings):
    return BrowserSource(BrowserSource.Settings(**settings))


@pytest.fixture
def pushing():
    """Pushes a picture every some milliseconds into the sources of a list, from one thread for all of them."""
    sources, done = [], threading.Event()

    def push():
        for count in itertools.count():
            if done.wait(0.005):
                return
            for source in tuple(sources):
                source.push(jpeg(level=count % 200), time.monotonic())

    thread = threading.Thread(target=push)
    thread.start()
    yield sources
    done.set()
    thread.join()


class TestBrowserContract(SourceContract):
    source_class = BrowserSource
    bad_settings = (({"silence": "0s"}, "silence"), ({"silence": "soon"}, "silence"))

    @pytest.fixture(autouse=True)
    def _push(self, pushing):
        self.pushing = pushing

    def make_source(self):
        source = make()
        self.pushing.append(source)
        return source

    def make_waiting_source(self):
        return self.make_source()


def test_it_is_a_pushed_source():
    assert isinstance(make(), PushedSource)


def test_it_waits_for_a_phone_and_is_live_from_its_first_picture_on():
    source = make()
    assert not source.live
    source.push(jpeg(), 5.0)
    assert source.live
    frame = next(source.frames(FrameRequest(5.0)))
    assert (frame.time_s, frame.colour, frame.size_px) == (0.0, "bgr", (64, 48))
    assert abs(frame.wall_time_s - time.time()) < 10
    assert (source.info.codec, source.info.width_px, source.info.height_px) == ("mjpeg", 64, 48)
    source.close()


def test_a_phone_that_has_gone_is_said():
    source = make(silence=0.05)
    source.push(jpeg(), 5.0)
    frames = source.frames(FrameRequest())
    next(frames)
    with pytest.raises(SourceUnavailable, match="no phone sends pictures"):
        next(frames)


def test_only_the_newest_picture_waits():
    source = make()
    for level in (10, 90, 170):
        source.push(jpeg(level=level), 5.0)
    source_frames = source.frames(FrameRequest())
    assert abs(int(next(source_frames).image.mean()) - 170) < 4
    assert source.frames_read == 3
    source.close()
    assert list(source_frames) == []


def test_a_damaged_picture_is_passed_over():
    source = make()
    frames = source.frames(FrameRequest())
    whole = jpeg()
    source.push(whole[:400][: whole.index(b"\xff\xda")] + b"\xff\xd9", 5.0)
    threading.Timer(0.2, source.push, (whole, 5.2)).start()
    assert next(frames).size_px == (64, 48)
    source.close()


def test_a_picture_is_scaled_to_what_is_looked_at():
    source = make()
    source.push(jpeg((640, 480)), 5.0)
    frame = next(source.frames(FrameRequest(5.0, lambda width_px, height_px: (width_px // 4, height_px // 4))))
    assert frame.size_px == (160, 120)
    source.close()


@pytest.mark.parametrize("taken_s", [float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(taken_s):
    with pytest.raises(ValueError, match="finite"):
        make().push(jpeg(), taken_s)


# Files of strangers


@pytest.mark.parametrize(("size_px", "options"), [((64, 48), ()), ((33, 17), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1))])
def test_the_size_of_a_jpeg_is_read_before_it_is_decoded(size_px, options):
    data = jpeg(size_px, 128, *options)
    assert check_jpeg(data) == size_px
    assert decode(data, size_px).shape == (size_px[1], size_px[0], 3)


BOMB = jpeg().replace((48).to_bytes(2) + (64).to_bytes(2), b"\xff\xff\xff\xff", 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JPEG"),
        (b"\x89PNG\r\n\x1a\n", "no JPEG"),
        (b"\xff\xd8", "no size"),
        (b"\xff\xd8\xff\xda" + bytes(100), "no size"),
        (b"\xff\xd8" + b"\xff" * 1000, "no size"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 50, "no size"),
        (jpeg()[:20], "no size"),
        (jpeg((3000, 2000)), "pixels"),
        (BOMB, "pixels"),
        (jpeg() + b"\xff\xda" * 1000, "scans"),
        (jpeg().replace((48).to_bytes(2) + (64).to_bytes(2), bytes(4), 1), "pixels"),
    ],
)
def test_what_is_no_picture_for_us_is_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        check_jpeg(data)


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(data):
    for candidate in (data, b"\xff\xd8" + data, jpeg()[:100] + data):
        try:
            width_px, height_px = check_jpeg(candidate)
        except ValueError:
            continue
        assert width_px * height_px > 0


# The sender's clock

JITTER_S = st.floats(-0.08, 0.08)


@given(st.lists(JITTER_S, min_size=5, max_size=50), st.floats(-1e6, 1e9))
def test_pictures_at_about_the_pace_are_all_due_and_lie_on_the_grid(jitters_s, offset_s):
    clock = SenderClock(5.0)
    times_s = []
    for index, jitter_s in enumerate([0.0, *jitters_s]):
        taken_s = index / 5.0 + jitter_s
        times_s.append(clock.time_s(taken_s + offset_s, 1000.0 + taken_s + 0.05))
    assert times_s == pytest.approx([index / 5.0 for index in range(len(times_s))])


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0.0, 5.0)), max_size=60), st.sampled_from([None, 5.0]))
def test_times_rise_whatever_the_sender_says(pictures, fps):
    clock, came_s, before_s = SenderClock(fps), 0.0, -1.0
    for taken_s, later_s in pictures:
        came_s += later_s
        time_s = clock.time_s(taken_s, came_s)
        if time_s is not None:
            assert time_s > before_s
            assert time_s <= came_s + 2.2
            before_s = time_s


def test_a_sender_whose_clock_begins_anew_goes_on():
    clock = SenderClock(5.0)
    assert clock.time_s(5000.0, 100.0) == 0.0
    assert clock.time_s(5000.2, 100.2) == pytest.approx(0.2)
    assert clock.time_s(3.0, 104.0) == pytest.approx(4.0)  # another phone
    assert clock.time_s(3.2, 104.2) == pytest.approx(4.2)
