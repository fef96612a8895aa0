"""Writes small synthetic videos for tests: any size, rate, codec, pixel format and timestamps, and damaged ones."""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

TIME_BASE = Fraction(1, 1000)
LEVEL_STEP = 8  # wide enough to survive lossy coding

Painter = Callable[[int, int, int], NDArray[np.uint8]]


def flat(index: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """A picture of one grey that tells its index (modulo 32), uint8 RGB `[height, width, 3]`."""
    return np.full((height_px, width_px, 3), index % 32 * LEVEL_STEP, np.uint8)


def quadrants(index: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Red, green over blue, white, so that turning, mirroring and swapped channels show; uint8 RGB."""
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    top, left = height_px // 2, width_px // 2
    picture[:top, :left] = 255, 0, 0
    picture[:top, left:] = 0, 255, 0
    picture[top:, :left] = 0, 0, 255
    picture[top:, left:] = 255, 255, 255
    return picture


def index_of(image: NDArray[np.uint8]) -> int:
    """The index that `flat` painted into an image."""
    return round(float(image.mean()) / LEVEL_STEP)


def write_clip(
    path: Path,
    *,
    size_px: tuple[int, int] = (64, 48),
    frames: int = 20,
    fps: float = 10,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: Mapping[str, str] | None = None,
    times_s: Sequence[float] | None = None,
    paint: Painter = flat,
) -> Path:
    """Write a clip; `times_s` are the frames' timestamps (default: evenly at `fps`). B-frames only when asked for."""
    width_px, height_px = size_px
    stamps = [index / fps for index in range(frames)] if times_s is None else times_s
    with av.open(str(path), "w") as container:
        options = {"bf": "0", **(options or {})} if codec.startswith("libx26") else dict(options or {})
        stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, pix_fmt
        stream.codec_context.time_base = TIME_BASE if times_s is not None else 1 / stream.codec_context.framerate
        for index, stamp_s in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(paint(index, width_px, height_px), format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(stamp_s / frame.time_base)
            container.mux(stream.encode(frame.reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, *, codec: str = "pcm_s16le", cover: bool = False, seconds: float = 0.5) -> Path:
    """Write a file that holds sound alone, or sound and a cover picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8000, layout="mono")
        if cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
            picture.disposition = Disposition.attached_pic.value
            container.mux(picture.encode(av.VideoFrame.from_ndarray(quadrants(0, 64, 48)).reformat(format="yuvj420p")))
            container.mux(picture.encode())
        tone = [int(8000 * math.sin(index / 4)) for index in range(int(8000 * seconds))]
        frame = av.AudioFrame.from_ndarray(np.array([tone], np.int16), format="s16", layout="mono")
        frame.rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def truncated(path: Path, fraction: float) -> Path:
    """Cut a file off after this part of its bytes, in place."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    return path


def rotated(path: Path, degrees: int) -> Path:
    """Say in an MP4 that its pictures are to be shown turned clockwise by quarter turns, as phones do; in place."""
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one, unit = 1 << 16, 1 << 30  # fixed point 16.16, last column 2.30
    matrix = struct.pack(">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, unit)
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # behind the fields of a version 0 track header
    data[start : start + len(matrix)] = matrix
    path.write_bytes(data)
    return path
