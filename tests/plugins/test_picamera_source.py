"""The `picamera2` source against a stand-in for picamera2, which can be installed on a Raspberry Pi alone."""

import sys
import threading
import time
from concurrent.futures import Future
from itertools import islice
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from movinet_edge.api import DescribedSource, FrameRequest, SourceRejected, SourceUnavailable
from movinet_edge.testing.sources import SourceContract
from movinet_edge_plugins import picamera
from movinet_edge_plugins.picamera import PicameraSettings, PicameraSource


def mode(width, height, fps, view, bit_depth=10):
    return {"size": (width, height), "fps": fps, "bit_depth": bit_depth, "crop_limits": (0, 0, *view)}


# As `rpicam-hello --list-cameras` has them; the smallest mode of the first shows the middle alone.
IMX219 = (
    mode(640, 480, 103.33, (1280, 960)),
    mode(1640, 1232, 41.85, (3280, 2464), bit_depth=8),
    mode(1640, 1232, 41.85, (3280, 2464)),
    mode(1920, 1080, 47.57, (1920, 1080)),
    mode(3280, 2464, 21.19, (3280, 2464)),
)
OV5647 = (mode(640, 480, 58.92, (2560, 1920)), mode(1296, 972, 46.34, (2592, 1944)))


class FakePicamera2:
    """Keeps to what picamera2 does: one thread hands out requests, RGB888 is BGR in rows that are padded."""

    modes = IMX219
    cameras = ({"Model": "imx219"}, {"Model": "ov5647"})
    start_fails = False
    is_silent = False
    age_s = 0.0
    made = ()

    @classmethod
    def global_camera_info(cls):
        return list(cls.cameras)

    def __init__(self, number):
        self.number, self.sensor_modes = number, list(self.modes)
        self.configured, self.jobs, self.released, self.taken = None, [], 0, []
        self.is_closed = False
        self._stopping, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        type(self).made = (*self.made, self)

    def create_video_configuration(self, *, main, raw, sensor, transform, buffer_count, controls):
        assert main["size"][0] % 2 == main["size"][1] % 2 == 0, "width and height should be even"
        return locals()

    def configure(self, configuration):
        self.configured = configuration

    def camera_configuration(self):
        return self.configured

    def start(self):
        if self.start_fails:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        self._thread.start()

    def capture_request(self, wait):
        assert wait is False
        job = SimpleNamespace(future=Future())
        job.get_result = job.future.result
        with self._lock:
            self.jobs.append(job)
        return job

    def cancel_all_and_flush(self):
        with self._lock:
            self.jobs = []

    def close(self):
        assert not self.jobs, "picamera2 does not stop before the captures that wait are done"
        self._stopping.set()
        if self._thread.ident:
            self._thread.join()
        self.is_closed = True

    def _run(self):
        while not self._stopping.wait(0.005):
            with self._lock:
                if self.jobs and not self.is_silent:
                    self.jobs.pop(0).future.set_result(FakeRequest(self))


class FakeRequest:
    def __init__(self, camera):
        self._camera = camera
        self._taken_s = time.clock_gettime(time.CLOCK_BOOTTIME) - camera.age_s
        camera.taken.append(self._taken_s)

    def get_metadata(self):
        return {"SensorTimestamp": int(self._taken_s * 1e9), "ExposureTime": 9000}

    def make_array(self, name):
        assert name == "main"
        assert self._camera.configured["main"]["format"] == "RGB888"
        width_px, height_px = self._camera.configured["main"]["size"]
        stride = -(-3 * width_px // 64) * 64
        memory = np.zeros((height_px, stride), np.uint8)
        memory[:, 2 : 3 * (width_px // 2) : 3] = 255  # the left half red, which is the third byte of a pixel
        return np.asarray(memory[:, : 3 * width_px], order="C").reshape(height_px, width_px, 3)

    def release(self):
        self._camera.released += 1


@pytest.fixture(autouse=True)
def library(monkeypatch):
    """The class that stands in for Picamera2; a new one for each test."""
    fake = type("Picamera2", (FakePicamera2,), {})
    modules = {"picamera2": ModuleType("picamera2"), "libcamera": ModuleType("libcamera")}
    modules["picamera2"].Picamera2 = fake
    modules["libcamera"].Transform = lambda **flips: flips
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    yield fake
    for camera in fake.made:
        assert camera.is_closed


MODEL = FrameRequest(fps=5, size_for=lambda *_view_px: (172, 172))


def take(count, request=MODEL, **settings):
    source = PicameraSource(PicameraSettings(**settings))
    frames = source.frames(request)
    try:
        return list(islice(frames, count))
    finally:
        source.close()
        frames.close()


def configured(library, request=MODEL, **settings):
    take(1, request, **settings)
    return library.made[-1].configured


def failure(kind, **settings):
    with pytest.raises(kind) as caught:
        take(1000, **settings)
    return str(caught.value)


class TestContract(SourceContract):
    source_class = PicameraSource
    bad_settings = (
        ({"camera": -1}, "camera"),
        ({"fps": 0}, "fps"),
        ({"width": 1, "height": 480}, "width"),
        ({"hflip": "sideways"}, "hflip"),
    )

    def make_source(self):
        return PicameraSource(PicameraSettings())

    make_waiting_source = make_source


# What it gives


def test_a_picture_is_bgr_and_as_large_as_the_model_needs():
    (frame,) = take(1)
    assert frame.colour == "bgr"
    assert frame.size_px == (230, 172)  # with the shape of 1640 x 1232
    assert (frame.image[:, :115] == (0, 0, 255)).all()
    assert (frame.image[:, 115:] == 0).all()


def test_times_are_those_of_the_sensor(library):
    library.age_s = 0.3
    frames = take(3, FrameRequest())
    taken_s = library.made[0].taken
    assert [frame.time_s for frame in frames] == pytest.approx([at_s - taken_s[0] for at_s in taken_s[:3]], abs=1e-6)
    since_start_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert frames[0].wall_time_s == pytest.approx(time.time() - (since_start_s - taken_s[0]), abs=0.1)


def test_frames_that_are_not_due_are_given_back_untouched(library):
    source = PicameraSource(PicameraSettings())
    frames = list(islice(source.frames(FrameRequest(fps=20)), 4))
    assert len(frames) == 4
    assert source.frames_read > 8  # at about 200 per second
    assert library.made[0].released == source.frames_read


def test_old_frames_are_not_taken_for_live_ones(library, monkeypatch):
    library.age_s = 1.5
    source = PicameraSource(PicameraSettings())
    closing = threading.Timer(0.2, source.close)
    closing.start()
    assert list(source.frames(FrameRequest())) == []
    assert source.frames_read > 0
    closing.join()


def test_it_tells_what_it_reads():
    source = PicameraSource(PicameraSettings())
    assert isinstance(source, DescribedSource)
    assert source.info is None
    frames = source.frames(MODEL)
    next(frames)
    assert (source.info.width_px, source.info.height_px, source.info.fps) == (230, 172, 15.0)
    source.close()
    list(frames)
    assert source.info.cpu_s > 0


# How the camera is set up


@pytest.mark.parametrize(
    ("modes", "settings", "size", "bit_depth"),
    [
        (IMX219, {}, (1640, 1232), 10),
        (OV5647, {}, (640, 480), 10),
        (IMX219, {"width": 1920, "height": 1080}, (1920, 1080), 10),
        (OV5647, {"fps": 58}, (640, 480), 10),
        ((*OV5647[1:], mode(2592, 1944, 90, (2592, 1944))), {"fps": 60}, (2592, 1944), 10),  # the first is too slow
    ],
)
def test_the_mode_of_the_sensor(library, modes, settings, size, bit_depth):
    library.modes = modes
    configuration = configured(library, **settings)
    assert configuration["sensor"] == {"output_size": size, "bit_depth": bit_depth}
    assert configuration["raw"] is None


@pytest.mark.parametrize(
    ("settings", "fps", "frame_us"),
    [({}, 5, 66667), ({"fps": 10}, 5, 100000), ({}, None, 33333), ({"fps": 90}, 5, 23895)],
)
def test_the_rate(library, settings, fps, frame_us):
    configuration = configured(library, FrameRequest(fps=fps), **settings)
    assert configuration["controls"] == {"FrameDurationLimits": (frame_us, frame_us)}


def test_flips(library):
    assert configured(library)["transform"] == {"hflip": False, "vflip": False}
    assert configured(library, hflip=True, vflip=True)["transform"] == {"hflip": True, "vflip": True}


def test_the_size_never_exceeds_the_view(library):
    assert configured(library, FrameRequest())["main"]["size"] == (1640, 1232)


def test_another_camera(library):
    take(1, camera=1)
    assert library.made[0].number == 1


# What goes wrong


@pytest.mark.parametrize("missing", ["picamera2", "libcamera"])
def test_without_the_library_it_says_how_to_install_it(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SourceRejected, match=rf"{missing} cannot be imported") as caught:
        PicameraSource(PicameraSettings())
    assert "sudo apt install python3-picamera2" in str(caught.value)
    assert "--system-site-packages" in str(caught.value)


def test_a_library_for_another_numpy(monkeypatch, tmp_path):
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.delitem(sys.modules, "picamera2")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceRejected, match=r"numpy\.dtype size changed.*'numpy<2'"):
        PicameraSource(PicameraSettings())


def test_a_camera_that_is_not_there():
    assert "no camera 2; cameras that are there: 0 (imx219), 1 (ov5647)" in failure(SourceRejected, camera=2)


def test_no_camera_at_all(library):
    library.cameras = ()
    assert "no camera 0; cameras that are there: none" in failure(SourceRejected)


def test_a_mode_that_the_sensor_does_not_have():
    text = failure(SourceRejected, width=800, height=600)
    assert "no mode of 800x600; it has 640x480, 1640x1232, 1920x1080, 3280x2464" in text


def test_a_usb_camera_needs_the_other_source(library):
    library.modes = ({"format": "MJPEG"},)
    assert "`type: camera`" in failure(SourceRejected)


def test_a_camera_in_use(library):
    library.start_fails = True
    text = failure(SourceUnavailable)
    assert "Device or resource busy); does another program use it?" in text


def test_a_camera_that_falls_silent(library, monkeypatch):
    monkeypatch.setattr(picamera, "_SILENCE_S", 0.1)
    library.is_silent = True
    assert "has given no frame for 0.1 s" in failure(SourceUnavailable)


def test_width_and_height_belong_together():
    with pytest.raises(ValidationError, match="`width` and `height` belong together"):
        PicameraSettings(height=480)
