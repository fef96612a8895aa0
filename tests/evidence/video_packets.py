"""What the tests of evidence share: events, packets with and without pictures in them, and NAL units to compare."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from movinet_edge.api import ActionEvent, FrameRequest, VideoFormat, VideoPacket
from movinet_edge.daemon.stream_events import time_ordered_id
from movinet_edge_plugins.file import FileSource

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

FORMAT = VideoFormat("h264", Fraction(1, 1000))

# Parameter sets and the like are repeated or left out by containers; these hold the pictures.
_PICTURE_UNITS = {"h264": range(1, 6), "hevc": range(32)}


def event(at: datetime = NOON, *, stream: str = "porch", event_type: str = "start", **changes: Any) -> ActionEvent:
    """An event of an occurrence that started then, with an id as the daemon makes them."""
    values = {
        "event_type": event_type,
        "id": time_ordered_id(at.timestamp()),
        "stream": stream,
        "action": "waving",
        "labels": ("waving hand",),
        "score": 0.8,
        "peak_score": 0.9,
        "time_s": 10.5,
        "started_s": 10.0,
        "started_at": at,
        "duration_s": 0.5,
        "model": {"name": "toy", "memory": "window", "window": 5, "fps": 5.0},
    }
    if event_type == "stop":
        values |= {"ended_s": 12.0, "ended_at": at + timedelta(seconds=2), "duration_s": 2.0, "reason": "below"}
    return ActionEvent.model_validate(values | changes)


def packet(time_s: float, *, key: bool = False, size: int = 10, form: VideoFormat = FORMAT) -> VideoPacket:
    """A packet without a picture, for what does not look into it."""
    stamp = round(time_s * 1000)
    return VideoPacket(bytes(size), time_s, stamp, stamp, key, form)


def packets(seconds: float, *, fps: float = 10.0, key_every: int = 10, size: int = 10) -> list[VideoPacket]:
    """A video of empty packets, with a key frame every so many."""
    return [packet(i / fps, key=i % key_every == 0, size=size) for i in range(round(seconds * fps))]


def write_video(
    path: Path, codec: str, *, frames: int = 40, fps: int = 10, key_every: int = 10, **options: str
) -> Path:
    """A small video whose pictures get brighter."""
    common = {"g": str(key_every), "x265-params": f"keyint={key_every}:min-keyint={key_every}:log-level=none"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=common | options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(frames):
            image = np.full((48, 64, 3), 5 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    return path


def packets_of(path: Path) -> list[VideoPacket]:
    """The packets that the `file` source hands out."""
    taken: list[VideoPacket] = []
    source = FileSource(FileSource.Settings(path=path))
    source.tap(taken.append)
    for _ in source.frames(FrameRequest(fps=5.0)):
        pass
    return taken


def picture_units(codec: str, data: bytes) -> Iterator[bytes]:
    """The NAL units with pictures in them, of data with start codes."""
    for unit in re.split(rb"\x00\x00(?:\x00)?\x01", data):
        kind = unit[:1] and (unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63)
        if unit and kind in _PICTURE_UNITS[codec]:
            yield unit.rstrip(b"\0")
