"""The `camera` source against devices that behave as the kernel's do."""

import os
import sys
import threading
import time
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_v4l2 import CUT_JPEG, ERROR, HEIGHT_PX, JPEG, WIDTH_PX, FakeCamera, FakeDevices, failure, source, take, yuyv
from pydantic import ValidationError
from structlog.testing import capture_logs

from movinet_edge.api import DescribedSource, FrameRequest, SourceRejected, SourceUnavailable
from movinet_edge.testing.sources import SourceContract
from movinet_edge_plugins import _camera_reader, _v4l2
from movinet_edge_plugins._camera_rate import camera_fps
from movinet_edge_plugins._camera_reader import ShotClock
from movinet_edge_plugins.camera import CameraSettings, CameraSource


@pytest.fixture
def devices(tmp_path):
    return FakeDevices(tmp_path)


@pytest.fixture
def camera(devices):
    """The only camera there is."""
    camera = FakeCamera(JPEG)
    devices.plug(camera)
    return camera


class TestContract(SourceContract):
    source_class = CameraSource
    bad_settings = (
        ({"device": -1}, "device"),
        ({"fps": 0}, "fps"),
        ({"width": 0, "height": 480}, "width"),
        ({"format": "h264"}, "format"),
    )

    @pytest.fixture(autouse=True)
    def _plug(self, devices):
        devices.plug(FakeCamera(JPEG))
        self.devices = devices

    def make_source(self):
        return source(self.devices)

    make_waiting_source = make_source


# What it gives


@pytest.mark.parametrize(
    ("fourcc", "data", "stride"),
    [("MJPG", JPEG, 0), ("JPEG", JPEG, 0), ("YUYV", yuyv(), 2 * WIDTH_PX), ("YUYV", yuyv(32), 2 * WIDTH_PX + 32)],
)
def test_a_picture_is_rgb_upright_and_not_mirrored(devices, fourcc, data, stride):
    devices.plug(FakeCamera(data, formats=(fourcc,), stride=stride))
    (frame,) = take(devices, 1)
    assert (frame.colour, frame.size_px) == ("rgb", (WIDTH_PX, HEIGHT_PX))
    assert np.abs(frame.image[:, 4:28].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(frame.image[:, 36:60].astype(int) - (0, 0, 255)).max() < 12


def test_a_picture_is_scaled_to_what_is_requested(devices, camera):
    (frame,) = take(devices, 1, FrameRequest(size_for=lambda width_px, height_px: (width_px // 4, height_px // 3)))
    assert frame.size_px == (16, 16)


def test_times_are_those_of_the_driver(devices, camera):
    camera.age_s = 0.2
    frames = take(devices, 3)
    taken_s = [stamp_s - camera.stamps[0] for stamp_s in camera.stamps[:3]]
    assert [frame.time_s for frame in frames] == pytest.approx(taken_s, abs=1e-5)
    assert frames[-1].wall_time_s == pytest.approx(time.time() - (time.monotonic() - camera.stamps[2]), abs=0.1)


def test_only_pictures_that_are_due_are_decoded(devices, camera, monkeypatch):
    decoded, decode = [], _camera_reader._JpegDecoder.decode
    monkeypatch.setattr(
        _camera_reader._JpegDecoder, "decode", lambda self, data: decoded.append(1) or decode(self, data)
    )
    opened = source(devices)
    frames = list(islice(opened.frames(FrameRequest(fps=20)), 5))
    assert len(decoded) == 5
    assert opened.frames_read > 10  # at 200 per second
    assert all(after.time_s - before.time_s > 0.03 for before, after in pairwise(frames))


def open_files():
    return len([*Path("/proc/self/fd").iterdir()])


def test_every_buffer_goes_back_and_the_device_is_released(devices, camera):
    before = open_files()
    opened = source(devices)
    frames = opened.frames(FrameRequest(fps=50))
    for _ in range(6):
        next(frames)
        assert sorted(camera.queued) == [*range(_v4l2.BUFFERS)]
    assert camera.is_on
    opened.close()
    assert list(frames) == []
    assert not camera.is_on
    assert open_files() == before


def test_it_tells_what_it_reads(devices, camera):
    opened = source(devices)
    assert isinstance(opened, DescribedSource)
    assert opened.info is None
    next(opened.frames(FrameRequest()))
    info = opened.info
    assert (info.codec, info.width_px, info.height_px, info.fps) == ("mjpeg", WIDTH_PX, HEIGHT_PX, 200.0)
    assert info.cpu_s > 0


# Damage and silence


@pytest.mark.parametrize("damaged", [CUT_JPEG, b"\0" * 900, b"", (JPEG, ERROR)], ids=["cut", "zeros", "empty", "flag"])
def test_a_damaged_picture_is_left_out_and_the_next_one_stands_in(devices, camera, damaged):
    camera.pictures = lambda number: damaged if number == 0 else JPEG
    camera.fps = 100
    (frame,) = take(devices, 1, FrameRequest(fps=1))
    assert frame.time_s == pytest.approx(camera.stamps[1] - camera.stamps[0], abs=1e-5)


def test_a_raw_picture_that_is_too_short_is_left_out(devices):
    devices.plug(FakeCamera(lambda number: yuyv()[: -900 * (number == 0) or None], formats=("YUYV",)))
    frames = take(devices, 1)
    assert len(frames) == 1


def test_only_damaged_pictures_are_a_failure(devices, camera, monkeypatch):
    monkeypatch.setattr(_camera_reader, "_SILENCE_S", 0.1)
    camera.pictures = CUT_JPEG
    assert "damaged pictures" in failure(SourceUnavailable, devices)


def test_a_silent_camera_is_a_failure(devices, camera, monkeypatch):
    monkeypatch.setattr(_camera_reader, "_SILENCE_S", 0.1)
    camera.is_silent = True
    assert "has given no picture for 0.1 s" in failure(SourceUnavailable, devices)


def test_close_ends_a_wait_for_a_silent_camera(devices, camera):
    camera.is_silent = True
    opened = source(devices)
    closing = threading.Timer(0.1, opened.close)
    closing.start()
    begun_s = time.monotonic()
    assert list(opened.frames(FrameRequest())) == []
    assert time.monotonic() - begun_s < 2.0  # of a silence that would be borne for five
    closing.join()


@pytest.mark.parametrize(
    ("stamp_s", "taken_s"),
    [(99.9, 99.9), (99.01, 99.01), (98.9, None), (0.0, None), (100.05, 100.0), (101.0, 100.0), (None, 100.0)],
)
def test_when_a_picture_was_taken(stamp_s, taken_s):
    assert ShotClock().taken_s(stamp_s, 100.0) == taken_s


def test_wrong_timestamps_are_found_out_and_old_pictures_are_not_mistaken_for_them():
    clock = ShotClock()
    # A stall leaves at most as many old pictures as there are buffers …
    assert [clock.taken_s(50.0, 100.0) for _ in range(_v4l2.BUFFERS)] == [None] * _v4l2.BUFFERS
    assert clock.taken_s(99.9, 100.0) == 99.9
    # … so when more come, the clock is not ours.
    clock = ShotClock()
    assert [clock.taken_s(now_s - 50.0, now_s) for now_s in range(100, 110)] == [None] * 4 + [*range(104, 110)]


# Plugging


def test_unplugged_and_plugged_in_again_under_another_number(devices, camera):
    devices.plug(camera, 0, "usb-Cam-video-index0")
    device = devices.folder / "v4l/by-id/usb-Cam-video-index0"
    frames = source(devices, device=device).frames(FrameRequest())
    next(frames)
    devices.unplug(camera)
    with pytest.raises(SourceUnavailable, match="unplugged"):
        list(frames)
    assert "is not there; no camera is plugged in" in failure(SourceUnavailable, devices, device=device)
    devices.plug(camera, 3, "usb-Cam-video-index0")
    assert len(take(devices, 2, device=device)) == 2
    assert len(take(devices, 2)) == 2  # also as the only one there is
    assert len(take(devices, 2, device=3)) == 2


@pytest.mark.parametrize("device", [0, "0", "{dev}/video0", None])
def test_ways_to_name_a_camera(devices, camera, device):
    device = device.format(dev=devices.folder) if isinstance(device, str) else device
    assert len(take(devices, 1, device=device)) == 1


# Formats, sizes and rates


@pytest.mark.parametrize(
    ("wanted", "offered", "taken"),
    [
        ("auto", ("YUYV", "MJPG"), "MJPG"),
        ("auto", ("YUYV", "NV12"), "YUYV"),
        ("mjpg", ("YUYV", "JPEG"), "JPEG"),
        ("yuyv", ("MJPG", "YUYV"), "YUYV"),
    ],
)
def test_the_format_that_is_taken(devices, wanted, offered, taken):
    camera = FakeCamera(yuyv() if taken == "YUYV" else JPEG, formats=offered)
    devices.plug(camera)
    assert take(devices, 1, format=wanted)
    assert camera.format == taken


@pytest.mark.parametrize(
    ("wanted", "offered", "words"),
    [
        ("auto", ("NV12", "H264"), "does not offer MJPG or JPEG or YUYV; it has NV12, H264"),
        ("mjpg", ("YUYV",), "does not offer MJPG or JPEG; it has YUYV"),
        ("yuyv", (), "does not offer YUYV; it has nothing"),
    ],
)
def test_a_format_that_is_not_offered(devices, wanted, offered, words):
    devices.plug(FakeCamera(formats=offered))
    assert words in failure(SourceRejected, devices, format=wanted)


def test_a_size_that_the_camera_does_not_have_is_told(devices, camera):
    with capture_logs() as logs:
        take(devices, 1, width=1000, height=700)
        take(devices, 1)  # nobody has asked for a size
    (warning,) = [line for line in logs if line["log_level"] == "warning"]
    assert (warning["wanted"], warning["given"]) == ("1000x700", "64x48")


def test_width_and_height_belong_together():
    with pytest.raises(ValidationError, match="`width` and `height` belong together"):
        CameraSettings(width=640)


@pytest.mark.parametrize(("set_fps", "looked_at_fps", "asked_fps"), [(None, 5, 15), (10, 5, 10), (None, None, 30)])
def test_the_rate_that_is_asked_for(devices, camera, set_fps, looked_at_fps, asked_fps):
    assert camera_fps(set_fps, looked_at_fps) == asked_fps
    take(devices, 1, FrameRequest(fps=looked_at_fps), fps=set_fps)
    assert camera.asked_fps == pytest.approx(asked_fps)


def test_a_camera_without_a_choice_of_rates(devices, camera):
    camera.rates = False
    opened = source(devices)
    assert next(opened.frames(FrameRequest()))
    assert opened.info.fps is None


@pytest.mark.skipif(sys.maxsize < 2**32, reason="the numbers hold the sizes of structures, here those of 64 bits")
def test_the_numbers_of_the_calls_are_the_kernels():
    # As printed by a C program with linux/videodev2.h on x86-64; they are the same on arm64.
    assert [hex(getattr(_v4l2, name)) for name in ("QUERYCAP", "ENUM_FMT", "S_FMT", "REQBUFS", "QUERYBUF")] == [
        "0x80685600", "0xc0405602", "0xc0d05605", "0xc0145608", "0xc0585609",
    ]  # fmt: skip
    assert [hex(getattr(_v4l2, name)) for name in ("QBUF", "DQBUF", "STREAMON", "STREAMOFF", "S_PARM")] == [
        "0xc058560f", "0xc0585611", "0x40045612", "0x40045613", "0xc0cc5616",
    ]  # fmt: skip


def test_a_wait_is_for_the_descriptor_and_no_longer_than_told():
    reading, writing = os.pipe()
    try:
        assert not _v4l2.Kernel().wait(reading, 0.01)
        os.write(writing, b"x")
        assert _v4l2.Kernel().wait(reading, 10)
    finally:
        os.close(reading)
        os.close(writing)
