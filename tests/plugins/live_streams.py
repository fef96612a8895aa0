"""Plays live streams with the `rtsp` source, for its tests."""

import math
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import write_clip
from peers.rtsp_server import FPS

from movinet_edge.api import Frame, FrameRequest, SourceUnavailable
from movinet_edge_plugins.rtsp import RtspSource

# What is between the server's making a picture and a test's looking at it, on a busy machine.
PATH_S = 0.8

_LIVE = {"tune": "zerolatency", "g": "10", "x265-params": "keyint=10:log-level=none"}


def source(url: str, **settings: Any) -> RtspSource:
    return RtspSource(RtspSource.Settings(url=url, **settings))


@contextmanager
def playing(url: str, request: FrameRequest | None = None, **settings: Any) -> Iterator[Iterator[Frame]]:
    """An iterator over the frames of a source that is closed afterwards."""
    opened = source(url, **settings)
    frames = opened.frames(request or FrameRequest())
    try:
        yield frames
    finally:
        opened.close()
        frames.close()


def take(url: str, count: int, request: FrameRequest | None = None, **settings: Any) -> list[Frame]:
    with playing(url, request, **settings) as frames:
        return list(islice(frames, count))


def failure(url: str, **settings: Any) -> str:
    """The text of the error that ends a source."""
    with pytest.raises(SourceUnavailable) as caught, playing(url, **settings) as frames:
        for _ in frames:
            pass
    return str(caught.value)


@contextmanager
def transport_stream(*codecs: str, frames: int = 50) -> Iterator[str]:
    """The address of a live transport stream over UDP: so many frames of each codec, of the last one without end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        url = f"udp://127.0.0.1:{free.getsockname()[1]}"
    over = threading.Event()

    def send() -> None:
        picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))
        for codec in codecs:
            with av.open(url, "w", format="mpegts") as container:
                stream = container.add_stream(codec, rate=FPS, options=_LIVE)
                stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
                left = math.inf if codec is codecs[-1] else frames
                while left and not over.wait(1 / FPS):
                    container.mux(stream.encode(picture))
                    left -= 1

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield url
    finally:
        over.set()
        sender.join()


def write_segments(folder: Path, *, frames: int = 20, fps: int = 10) -> None:
    """Write `live.m3u8` (HLS) and what it names."""
    clip = write_clip(folder / "clip.mp4", frames=frames, fps=fps, options={"g": "5"})
    with (
        av.open(str(clip)) as recorded,
        av.open(str(folder / "live.m3u8"), "w", format="hls", options={"hls_time": "0.5"}) as container,
    ):
        stream = container.add_stream_from_template(recorded.streams.video[0])
        for packet in recorded.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
