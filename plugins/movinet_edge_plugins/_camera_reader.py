"""Turns what a V4L2 camera delivers into frames: decodes those that are due, and dates them.

Imports PyAV at the top, so a plugin imports this module in its constructor.
"""

import time
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from movinet_edge.api import Frame, FrameRequest, Sampler, SourceUnavailable
from movinet_edge_plugins._lateness import STALE_S
from movinet_edge_plugins._v4l2 import BUFFERS, Device, PixelFormat

# Cameras take a second or two to their first picture, and at night expose for less than one.
_SILENCE_S = 5.0

# Rounding, and a driver that stamps the end of an exposure ahead of time; what is more is a wrong clock.
_FUTURE_S = 0.1


class ShotClock:
    """Says when pictures were taken, by the driver's timestamps as long as these can be right. Pure."""

    __slots__ = ("_stale_shots",)

    def __init__(self) -> None:
        self._stale_shots = 0

    def taken_s(self, stamp_s: float | None, now_s: float) -> float | None:
        """When a picture was taken that is fetched at `now_s`; None when it is too old to be live."""
        # After a stall of this process, as many old ones wait as there are buffers. Any more, and the stamps are wrong.
        if stamp_s is None or stamp_s > now_s + _FUTURE_S or self._stale_shots > BUFFERS:
            return now_s
        if now_s - stamp_s > STALE_S:
            self._stale_shots += 1
            return None if self._stale_shots <= BUFFERS else now_s
        self._stale_shots = 0
        return min(stamp_s, now_s)


class CameraReader:
    """Fetches the pictures of one device that was started; for one thread.

    Attributes:
        frames_read: pictures that have come so far, decoded or not.
    """

    def __init__(self, device: Device, pixels: PixelFormat, request: FrameRequest, name: object) -> None:
        self.frames_read = 0
        self._device, self._request, self._name = device, request, name
        self._decoder = _YuyvDecoder(pixels) if pixels.fourcc == "YUYV" else _JpegDecoder()
        self._reformatter = VideoReformatter()
        self._sampler, self._clock = Sampler(request.fps), ShotClock()
        self._zero_s: float | None = None
        self._before_s = 0.0
        self._owes_one = False  # a damaged picture was due; the next one stands in for it
        self._came_s = self._decoded_s = time.monotonic()

    def next_frame(self, wait_s: float) -> Frame | None:
        """The next picture if it comes within the time and is due: uint8 RGB, scaled to what was requested.

        Raises:
            SourceUnavailable: none has come for too long, or none that can be decoded.
            OSError: the device has failed.
        """
        shot = self._device.next_shot(wait_s)
        now_s = time.monotonic()
        if shot is None:
            if now_s - self._came_s > _SILENCE_S:
                raise SourceUnavailable(f"{self._name} has given no picture for {_SILENCE_S:g} s; plug it in again?")
            return None
        self.frames_read += 1
        self._came_s = now_s
        taken_s = self._clock.taken_s(shot.stamp_s, now_s)
        is_due = taken_s is not None and (self._sampler.due(self._stream_time_s(taken_s)) or self._owes_one)
        data = self._device.data(shot) if is_due and not shot.is_damaged else b""
        self._device.give_back(shot)
        if taken_s is None or not is_due:
            return None
        image = self._image(data)
        self._owes_one = image is None
        if image is None:
            if now_s - self._decoded_s > _SILENCE_S:
                raise SourceUnavailable(
                    f"{self._name} has given only damaged pictures for {_SILENCE_S:g} s; are cable and power good?"
                )
            return None
        self._decoded_s = now_s
        return Frame(image, self._stream_time_s(taken_s), "rgb", time.time() - (time.monotonic() - taken_s))

    def _stream_time_s(self, taken_s: float) -> float:
        if self._zero_s is None:
            self._zero_s = taken_s
        self._before_s = max(self._before_s, taken_s - self._zero_s)
        return self._before_s

    def _image(self, data: bytes) -> NDArray[np.uint8] | None:
        picture = self._decoder.decode(data) if data else None
        if picture is None:
            return None
        width_px, height_px = self._request.size_for(picture.width, picture.height)
        scaled = self._reformatter.reformat(picture, width_px, height_px, "rgb24", interpolation="AREA")
        return np.asarray(scaled.to_ndarray(), np.uint8)


class _JpegDecoder:
    def __init__(self) -> None:
        self._codec = av.CodecContext.create("mjpeg", "r")
        self._codec.thread_count = 1
        # What a bad cable cuts off would else be filled with grey.
        self._codec.options = {"err_detect": "explode"}

    def decode(self, data: bytes) -> Any:
        try:
            pictures = self._codec.decode(av.Packet(data))
        except av.FFmpegError:
            return None
        return pictures[0] if pictures else None


class _YuyvDecoder:
    def __init__(self, pixels: PixelFormat) -> None:
        self._pixels = pixels

    def decode(self, data: bytes) -> Any:
        pixels = self._pixels
        stride = max(pixels.stride, 2 * pixels.width_px)
        size = stride * pixels.height_px
        if len(data) < size:  # part of it was lost on the way
            return None
        rows = np.frombuffer(data, np.uint8, size).reshape(pixels.height_px, stride)[:, : 2 * pixels.width_px]
        pairs = np.ascontiguousarray(rows).reshape(pixels.height_px, pixels.width_px, 2)
        return av.VideoFrame.from_ndarray(pairs, format="yuyv422")
