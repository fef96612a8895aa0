"""What ways of reading an RTSP camera do when the camera freezes: how soon they say so, and what they show until then.

    python tests/benchmarks/rtsp_frozen.py

Needs GStreamer's RTSP server, see tests/peers/rtsp_server.py, which is stopped with SIGSTOP: connections stay open, and
nothing comes any more.
"""

import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import av
import cv2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.rtsp_server import FPS, RtspServer

from movinet_edge.api import FrameRequest, SourceUnavailable
from movinet_edge_plugins.rtsp import RtspSource

TIMEOUT_S = 5

# Frames that come in this time after the freeze were on their way.
ON_THEIR_WAY_S = 1.0


def opencv(url: str, timeout_s: int | None) -> Iterator[None]:
    """Read until `read` says False."""
    options = [] if timeout_s is None else [cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_s * 1000]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, options)
    while capture.read()[0]:
        yield


def pyav(url: str, timeout_s: int) -> Iterator[None]:
    """Read until an error, or until it calls the stream ended."""
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=timeout_s) as container:
        try:
            for _ in container.decode(video=0):
                yield
        except av.FFmpegError:
            return


def our_source(url: str, timeout_s: int) -> Iterator[None]:
    """Read until the source is unavailable."""
    source = RtspSource(RtspSource.Settings(url=url, read_timeout=timeout_s))
    try:
        for _ in source.frames(FrameRequest()):
            yield
    except SourceUnavailable:
        return


WAYS: dict[str, Callable[[str], Iterator[None]]] = {
    "OpenCV, as it comes": lambda url: opencv(url, None),
    f"OpenCV, read time-out {TIMEOUT_S} s": lambda url: opencv(url, TIMEOUT_S),
    f"PyAV, time-out {TIMEOUT_S} s": lambda url: pyav(url, TIMEOUT_S),
    f"rtsp source, read_timeout {TIMEOUT_S} s": lambda url: our_source(url, TIMEOUT_S),
}


def main() -> None:
    """Freeze a camera under each of them in turn."""
    print(f"{'':<34}{'says so after':>14}   frames handed out more than {ON_THEIR_WAY_S:g} s after the freeze")
    for name, read in WAYS.items():
        with RtspServer() as server:
            frames = read(server.url())
            list(islice(frames, 3 * FPS))
            server.freeze()
            frozen_s = time.monotonic()
            late = sum(time.monotonic() - frozen_s > ON_THEIR_WAY_S for _ in frames)
            print(f"{name:<34}{time.monotonic() - frozen_s:12.1f} s   {late}", flush=True)


if __name__ == "__main__":
    main()
