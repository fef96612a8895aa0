"""V4L2 devices for tests: a folder of nodes that are plain files, and the calls that the kernel would answer.

Written after linux/videodev2.h and on its own, so that a wrong layout on the other side is noticed. Opening and
mapping are the real thing. At the end, pictures to give and ways to take them.
"""

import ctypes
import errno
import os
import time
from ctypes import c_char, c_long, c_uint8, c_uint32, c_ulong
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from movinet_edge.api import FrameRequest
from movinet_edge_plugins._v4l2 import Kernel
from movinet_edge_plugins.camera import CameraSettings, CameraSource

CAPTURE, STREAMING, DEVICE_CAPS, METADATA = 0x1, 0x04000000, 0x80000000, 0x00800000
BUFFER_BYTES = 65536
MONOTONIC, ERROR = 0x2000, 0x40


class Capability(ctypes.Structure):
    _fields_ = [("driver", c_char * 16), ("card", c_char * 32), ("bus_info", c_char * 32), ("version", c_uint32),
                ("capabilities", c_uint32), ("device_caps", c_uint32), ("reserved", c_uint32 * 3)]  # fmt: skip


class FormatDescription(ctypes.Structure):
    _fields_ = [("index", c_uint32), ("type", c_uint32), ("flags", c_uint32), ("description", c_char * 32),
                ("pixelformat", c_uint32), ("mbus_code", c_uint32), ("reserved", c_uint32 * 3)]  # fmt: skip


class Picture(ctypes.Structure):
    _fields_ = [(name, c_uint32) for name in ("width", "height", "pixelformat", "field", "bytesperline", "sizeimage")]


class _FormatUnion(ctypes.Union):
    _fields_ = [("pix", Picture), ("window", ctypes.c_void_p), ("raw_data", c_uint8 * 200)]


class Format(ctypes.Structure):
    _fields_ = [("type", c_uint32), ("fmt", _FormatUnion)]


class Parameters(ctypes.Structure):
    _fields_ = [("type", c_uint32), ("capability", c_uint32), ("capturemode", c_uint32), ("numerator", c_uint32),
                ("denominator", c_uint32), ("rest", c_uint8 * 184)]  # fmt: skip


class Buffers(ctypes.Structure):
    _fields_ = [("count", c_uint32), ("type", c_uint32), ("memory", c_uint32), ("capabilities", c_uint32),
                ("flags", c_uint8), ("reserved", c_uint8 * 3)]  # fmt: skip


class _Place(ctypes.Union):
    _fields_ = [("offset", c_uint32), ("userptr", c_ulong)]


class Buffer(ctypes.Structure):
    _fields_ = [("index", c_uint32), ("type", c_uint32), ("bytesused", c_uint32), ("flags", c_uint32),
                ("field", c_uint32), ("seconds", c_long), ("microseconds", c_long), ("timecode", c_uint32 * 4),
                ("sequence", c_uint32), ("memory", c_uint32), ("m", _Place), ("length", c_uint32),
                ("reserved", c_uint32 * 2)]  # fmt: skip


_LAYOUTS = {
    0: Capability,
    2: FormatDescription,
    5: Format,
    8: Buffers,
    9: Buffer,
    15: Buffer,
    17: Buffer,
    22: Parameters,
}


def fourcc(text):
    return int.from_bytes(text.encode(), "little")


class FakeCamera:
    """One node: what it says of itself, and the pictures it gives.

    `pictures` is the bytes of each picture or both bytes and flags, or takes the number of a shot and returns these.
    """

    def __init__(self, pictures=b"", *, driver="uvcvideo", card="Cam", formats=("MJPG", "YUYV"),
                 size_px=(64, 48), stride=0, caps=CAPTURE | STREAMING, fps=200.0, rates=True):  # fmt: skip
        self.pictures, self.driver, self.card, self.formats = pictures, driver, card, formats
        self.size_px, self.stride, self.caps, self.fps, self.rates = size_px, stride, caps, fps, rates
        self.asked_fps = self.format = None
        self.is_on = self.is_silent = self.is_gone = False
        self.fails = {}  # number of a call → errno
        self.queued, self.shots, self.stamps, self.age_s = [], 0, [], 0.0
        self._next_s = 0.0

    def wait(self, timeout_s):
        if self.is_gone:
            return True
        ready_in_s = max(0.0, self._next_s - time.monotonic())
        if self.is_silent or ready_in_s > timeout_s:
            time.sleep(timeout_s)
            return self.is_gone
        time.sleep(ready_in_s)
        return True

    def answer(self, descriptor, number, about):
        if self.is_gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        if number in self.fails:
            raise OSError(self.fails[number], os.strerror(self.fails[number]))
        self.descriptor = descriptor
        getattr(self, f"_{number}")(about)

    def _0(self, about):
        about.driver, about.card = self.driver.encode(), self.card.encode()
        about.capabilities = CAPTURE | METADATA | STREAMING | DEVICE_CAPS  # of all its nodes together
        about.device_caps = self.caps

    def _2(self, about):
        if about.index >= len(self.formats):
            raise OSError(errno.EINVAL, "no more formats")
        about.pixelformat = fourcc(self.formats[about.index])

    def _5(self, about):
        self.format = about.fmt.pix.pixelformat.to_bytes(4, "little").decode()
        about.fmt.pix.width, about.fmt.pix.height = self.size_px
        about.fmt.pix.bytesperline = self.stride

    def _22(self, about):
        if not self.rates:
            raise OSError(errno.ENOTTY, "no choice")
        self.asked_fps = about.denominator / about.numerator
        about.numerator, about.denominator = 1, round(self.fps)

    def _8(self, about):
        os.truncate(self.descriptor, about.count * BUFFER_BYTES)

    def _9(self, about):
        about.m.offset, about.length = about.index * BUFFER_BYTES, BUFFER_BYTES

    def _15(self, about):
        assert about.index not in self.queued, "given back twice"
        self.queued.append(about.index)

    def _17(self, about):
        if not self.queued:
            raise BlockingIOError(errno.EAGAIN, "no picture")
        picture = self.pictures(self.shots) if callable(self.pictures) else self.pictures
        data, about.flags = picture if isinstance(picture, tuple) else (picture, 0)
        about.flags |= MONOTONIC
        about.index = self.queued.pop(0)
        os.pwrite(self.descriptor, data, about.index * BUFFER_BYTES)
        stamp_s = time.monotonic() - self.age_s
        about.bytesused, about.seconds, about.microseconds = len(data), int(stamp_s), int(stamp_s % 1 * 1e6)
        self.stamps.append(stamp_s)
        self.shots += 1
        self._next_s = time.monotonic() + 1 / self.fps

    def _18(self, _about):
        self.is_on = True

    def _19(self, _about):
        self.is_on, self.queued = False, []


class FakeDevices:
    """The folder of devices; `plug` puts a camera in, `unplug` takes it away."""

    def __init__(self, folder):
        self.folder, self.cameras = folder, {}
        self.kernel = Kernel(self._ioctl, self._wait, folder)

    def plug(self, camera, number=0, name=None):
        node = self.folder / f"video{number}"
        node.write_bytes(b"")
        self.cameras[str(node)] = camera
        camera.is_gone, camera.queued = False, []
        if name:
            link = self.folder / "v4l" / "by-id" / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(node)
        return node

    def unplug(self, camera):
        for node in [node for node, there in self.cameras.items() if there is camera]:
            Path(node).unlink()
        camera.is_gone = True

    def _of(self, descriptor):
        return self.cameras.get(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removesuffix(" (deleted)"))

    def _wait(self, descriptor, timeout_s):
        return self._of(descriptor).wait(timeout_s)

    def _ioctl(self, descriptor, request, argument):
        number, size = request & 0xFF, request >> 16 & 0x3FFF
        assert request >> 8 & 0xFF == ord("V")
        assert size == len(argument)
        camera = self._of(descriptor)
        if camera is None:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        layout = _LAYOUTS.get(number)
        assert layout is None or size == ctypes.sizeof(layout)
        camera.answer(descriptor, number, layout.from_buffer(argument) if layout else None)


# Pictures, and a source that takes them

WIDTH_PX, HEIGHT_PX = 64, 48


def red_and_blue():
    """The left half red, the right half blue: BGR, as OpenCV has it."""
    image = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    image[:, : WIDTH_PX // 2, 2] = image[:, WIDTH_PX // 2 :, 0] = 255
    return image


JPEG = cv2.imencode(".jpg", red_and_blue(), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
# A plain JPEG is so small that all of it is the table; this one can be cut in the picture.
NOISE = np.random.default_rng(0).integers(0, 255, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
CUT_JPEG = cv2.imencode(".jpg", NOISE)[1].tobytes()[:-400]


def yuyv(padding=0):
    """The same picture as raw YUYV (ITU-R BT.601), with `padding` bytes behind each row."""
    left, right = [81, 90, 81, 240], [41, 240, 41, 110]
    row = left * (WIDTH_PX // 4) + right * (WIDTH_PX // 4) + [77] * padding
    return bytes(row * HEIGHT_PX)


def source(devices, **settings):
    return CameraSource(CameraSettings(**settings), devices.kernel)


def take(devices, count, request=None, **settings):
    opened = source(devices, **settings)
    try:
        return list(islice(opened.frames(request or FrameRequest()), count))
    finally:
        opened.close()


def failure(kind, devices, **settings):
    with pytest.raises(kind) as caught:
        take(devices, 1000, **settings)
    return str(caught.value)
