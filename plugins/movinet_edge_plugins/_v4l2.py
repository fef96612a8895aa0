"""Cameras as Linux shows them (V4L2): what a device is, which formats it has, and its pictures as they come.

Neither FFmpeg nor OpenCV stands between, because of what they do with a camera that stops to deliver, which USB cameras
do: FFmpeg waits in the kernel without an end, and the device stays taken, so that every later try finds it busy; OpenCV
waits for as long as an environment variable says, for all cameras alike. Here a wait ends when it should, the time of a
picture is the driver's, and what nobody will look at goes back to the driver as it is.

Source: https://docs.kernel.org/userspace-api/media/v4l/v4l2.html and linux/videodev2.h.
"""

import contextlib
import fcntl
import mmap
import os
import select
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Enough that none is lost while one is decoded; more would only be older when this process gets to them.
BUFFERS = 4

_VIDEO_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
_MMAP = 1  # V4L2_MEMORY_MMAP
_CAN_CAPTURE, _CAN_STREAM, _HAS_DEVICE_CAPS = 0x1, 0x0400_0000, 0x8000_0000
_DAMAGED = 0x40  # V4L2_BUF_FLAG_ERROR
_TIMESTAMP_MASK, _TIMESTAMP_MONOTONIC = 0xE000, 0x2000

# Layouts as the C compiler makes them ("@"), so that they fit 32-bit and 64-bit systems alike.
_CAPABILITY = struct.Struct("@16s32s32sIII12x")
_FORMAT_DESCRIPTION = struct.Struct("@III32sII12x")
_REQUEST = struct.Struct("@5I")
_BUFFER = struct.Struct("@5I2l2I8x2ILI8x0L")
_PARAMETERS = struct.Struct("@5I184x")
_PICTURE_AT = struct.calcsize("@I0P")  # the union behind `type` holds pointers, in members that are not used here
_PICTURE = struct.Struct("@6I")
_FORMAT_SIZE = _PICTURE_AT + 200
_TYPE = struct.Struct("@i")


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


_WRITE, _READ, _BOTH = 1, 2, 3
QUERYCAP = _request(_READ, 0, _CAPABILITY.size)
ENUM_FMT = _request(_BOTH, 2, _FORMAT_DESCRIPTION.size)
S_FMT = _request(_BOTH, 5, _FORMAT_SIZE)
REQBUFS = _request(_BOTH, 8, _REQUEST.size)
QUERYBUF = _request(_BOTH, 9, _BUFFER.size)
QBUF = _request(_BOTH, 15, _BUFFER.size)
DQBUF = _request(_BOTH, 17, _BUFFER.size)
STREAMON = _request(_WRITE, 18, _TYPE.size)
STREAMOFF = _request(_WRITE, 19, _TYPE.size)
S_PARM = _request(_BOTH, 22, _PARAMETERS.size)


def _wait(descriptor: int, timeout_s: float) -> bool:
    poll = select.poll()  # unlike select(), for any number of descriptor
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


@dataclass(frozen=True, slots=True)
class Kernel:
    """The ways to a device, to be replaced where there is none.

    Attributes:
        ioctl: as `fcntl.ioctl` with a bytearray, which it changes.
        wait: descriptor, seconds → True when there is something to fetch, if only an error.
        dev: the folder of devices.
    """

    ioctl: Callable[[int, int, bytearray], object] = fcntl.ioctl
    wait: Callable[[int, float], bool] = _wait
    dev: Path = Path("/dev")


@dataclass(frozen=True, slots=True)
class Capability:
    """What a device says of itself."""

    driver: str
    card: str
    can_capture: bool


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How pictures lie in memory; `stride` is the bytes from one row to the next, 0 when compressed."""

    fourcc: str
    width_px: int
    height_px: int
    stride: int


@dataclass(frozen=True, slots=True)
class Shot:
    """A filled buffer: the driver's to fill again once it was given back.

    Attributes:
        used: bytes of it that hold the picture.
        stamp_s: when the picture was taken, on the clock of `time.monotonic`; None when the driver uses another.
        is_damaged: the driver knows that part of the data is missing.
    """

    index: int
    used: int
    stamp_s: float | None
    is_damaged: bool


class Device:
    """An open device; for one thread. Every method raises OSError."""

    def __init__(self, path: Path, kernel: Kernel) -> None:
        self._kernel = kernel
        self._buffers: list[mmap.mmap] = []
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def capability(self) -> Capability:
        """What the device is."""
        driver, card, _bus, _version, whole, node = _CAPABILITY.unpack(self._ask(QUERYCAP, _CAPABILITY.size))
        # One camera has several nodes; `whole` is what they can do together.
        flags = node if whole & _HAS_DEVICE_CAPS else whole
        return Capability(_text(driver), _text(card), flags & _CAN_CAPTURE != 0 and flags & _CAN_STREAM != 0)

    def formats(self) -> list[str]:
        """The four-character codes of the formats on offer, the driver's favourite first."""
        return list(self._formats())

    def _formats(self) -> Iterator[str]:
        with contextlib.suppress(OSError):  # EINVAL behind the last one
            for index in range(1000):
                question = _FORMAT_DESCRIPTION.pack(index, _VIDEO_CAPTURE, 0, b"", 0, 0)
                answer = _FORMAT_DESCRIPTION.unpack(self._ask(ENUM_FMT, question))
                yield _fourcc_text(answer[4])

    def set_format(self, fourcc: str, width_px: int, height_px: int) -> PixelFormat:
        """Choose a format; returns what it has become, since the driver takes the nearest that it has."""
        argument = bytearray(_FORMAT_SIZE)
        _TYPE.pack_into(argument, 0, _VIDEO_CAPTURE)
        code = int.from_bytes(fourcc.encode("ascii"), "little")
        _PICTURE.pack_into(argument, _PICTURE_AT, width_px, height_px, code, 0, 0, 0)
        self._kernel.ioctl(self._descriptor, S_FMT, argument)
        width_px, height_px, code, _field, stride, _size = _PICTURE.unpack_from(argument, _PICTURE_AT)
        return PixelFormat(_fourcc_text(code), width_px, height_px, stride)

    def set_rate(self, fps: float) -> float | None:
        """Choose the frames per second; returns what they have become, or None when the driver does not say."""
        question = _PARAMETERS.pack(_VIDEO_CAPTURE, 0, 0, 1000, round(fps * 1000))
        try:
            _type, _can, _mode, numerator, denominator = _PARAMETERS.unpack(self._ask(S_PARM, question))
        except OSError:  # not every driver has a choice
            return None
        return float(denominator / numerator) if numerator and denominator else None

    def start(self) -> None:
        """Begin to take pictures."""
        count = _REQUEST.unpack(self._ask(REQBUFS, _REQUEST.pack(BUFFERS, _VIDEO_CAPTURE, _MMAP, 0, 0)))[0]
        for index in range(count):
            about = _BUFFER.unpack(self._ask(QUERYBUF, _buffer(index)))
            offset, length = about[11] & 0xFFFF_FFFF, about[12]
            self._buffers.append(mmap.mmap(self._descriptor, length, prot=mmap.PROT_READ, offset=offset))
            self._ask(QBUF, _buffer(index))
        self._ask(STREAMON, _TYPE.pack(_VIDEO_CAPTURE))

    def next_shot(self, timeout_s: float) -> Shot | None:
        """The next picture in order, or None when there was none within the time; it must be given back."""
        if not self._kernel.wait(self._descriptor, timeout_s):
            return None
        try:
            answer = _BUFFER.unpack(self._ask(DQBUF, _buffer(0)))
        except BlockingIOError:
            return None
        index, _type, used, flags, _field, seconds, microseconds = answer[:7]
        is_monotonic = flags & _TIMESTAMP_MASK == _TIMESTAMP_MONOTONIC
        stamp_s = seconds + microseconds / 1e6 if is_monotonic else None
        return Shot(index, used, stamp_s, flags & _DAMAGED != 0)

    def data(self, shot: Shot) -> bytes:
        """A copy of the picture's bytes."""
        return self._buffers[shot.index][: shot.used]

    def give_back(self, shot: Shot) -> None:
        """Let the driver fill the buffer again."""
        self._ask(QBUF, _buffer(shot.index))

    def close(self) -> None:
        """End it; may be called twice."""
        if self._descriptor < 0:
            return
        with contextlib.suppress(OSError):  # an unplugged camera
            self._ask(STREAMOFF, _TYPE.pack(_VIDEO_CAPTURE))
        for buffer in self._buffers:
            buffer.close()
        os.close(self._descriptor)
        self._descriptor = -1

    def _ask(self, request: int, argument: bytes | int) -> bytearray:
        answer = bytearray(argument)
        self._kernel.ioctl(self._descriptor, request, answer)
        return answer


def _buffer(index: int) -> bytes:
    return _BUFFER.pack(index, _VIDEO_CAPTURE, 0, 0, 0, 0, 0, 0, 0, 0, _MMAP, 0, 0)


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "replace")


def _fourcc_text(code: int) -> str:
    return (code & 0x7FFF_FFFF).to_bytes(4, "little").decode("ascii", "replace")
