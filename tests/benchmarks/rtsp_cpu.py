"""CPU time of reading 1080p25 RTSP cameras for five pictures a second: OpenCV's ways, PyAV's, and our source.

    python tests/benchmarks/rtsp_cpu.py

Needs GStreamer's RTSP server, see tests/peers/rtsp_server.py. Each way runs in a process of its own, in turn; imports,
the connecting and the server are not counted. Prints the medians of user + system time per second of video, and the
ratios that were asked for, round by round.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
from end_to_end import BITS_PER_S, FPS, GOP, SIZE, pictures

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.rtsp_server import RtspServer

from movinet_edge.api import FrameRequest
from movinet_edge_plugins.rtsp import RtspSource

PICTURES_PER_S = 5
MODEL_SIZE_PX = (172, 172)
EVERY = FPS // PICTURES_PER_S


def opencv_naive(url: str) -> Iterator[None]:
    """Every frame is read, which decodes and converts it, as in most examples."""
    capture = cv2.VideoCapture(url)
    index = 0
    while capture.isOpened():
        _, frame = capture.read()
        if index % EVERY == 0:
            cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), MODEL_SIZE_PX)
        index += 1
        yield


def opencv_grab(url: str) -> Iterator[None]:
    """Every frame is decoded, one in five is converted."""
    capture = cv2.VideoCapture(url)
    index = 0
    while capture.isOpened() and capture.grab():
        if index % EVERY == 0:
            cv2.cvtColor(cv2.resize(capture.retrieve()[1], MODEL_SIZE_PX), cv2.COLOR_BGR2RGB)
        index += 1
        yield


def pyav(url: str, *, default_threads: bool = False, scale: bool = False) -> Iterator[None]:
    """Every frame is decoded; on one thread that is what no source can do without."""
    with av.open(url, options={"rtsp_transport": "tcp"}) as container:
        codec = container.streams.video[0].codec_context
        if not default_threads:
            codec.thread_count, codec.thread_type = 1, "SLICE"
        scaler = av.video.reformatter.VideoReformatter()
        for index, frame in enumerate(container.decode(video=0)):
            if scale and index % EVERY == 0:
                scaler.reformat(frame, *MODEL_SIZE_PX, "rgb24", interpolation="AREA").to_ndarray()
            yield


def our_source(url: str, **settings: bool) -> Iterator[None]:
    """The `rtsp` source at five frames per second."""
    source = RtspSource(RtspSource.Settings(url=url, **settings))
    for _ in source.frames(FrameRequest(PICTURES_PER_S, lambda *_: MODEL_SIZE_PX)):
        yield


NAIVE, FLOOR, OURS = "OpenCV, read every frame", "PyAV, decoding alone, one thread", "rtsp source"
WAYS: dict[str, Callable[[str], Iterator[None]]] = {
    NAIVE: opencv_naive,
    "OpenCV, grab all and retrieve 1 in 5": opencv_grab,
    FLOOR: pyav,
    "PyAV, decoding alone, default threads": partial(pyav, default_threads=True),
    "PyAV, decoding and scaling 1 in 5": partial(pyav, scale=True),
    OURS: our_source,
    "rtsp source, skip_loop_filter": partial(our_source, skip_loop_filter=True),
    "rtsp source, keyframes_only": partial(our_source, keyframes_only=True),
}

# Main streams of a camera, and the small one that it offers beside them: encoder, size, pictures per second, bits.
STREAMS: dict[str, dict[str, Any]] = {
    "main.h264": {"encoder": "libx264", "size_px": SIZE, "fps": FPS, "bits_per_s": BITS_PER_S},
    "main.h265": {"encoder": "libx265", "size_px": SIZE, "fps": FPS, "bits_per_s": BITS_PER_S},
    "sub.h264": {"encoder": "libx264", "size_px": (640, 360), "fps": PICTURES_PER_S, "bits_per_s": 500_000},
}
*MAIN, SUB = STREAMS

# Until then, a way may still be catching up with what came while it connected.
SETTLING_S = 2.0

# More than what passes in the film while a way connects, and less than what it may still have before it when it ends.
STARTING_S = 8.0


def main() -> None:
    """Make the cameras, run everything in turn, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0, help="measured in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(cpu_share(WAYS[args.way](args.url), args.seconds))
        return
    runs = [(name, stream) for name in WAYS for stream in MAIN] + [(OURS, SUB)]
    with tempfile.TemporaryDirectory() as folder:
        length_s = round(args.seconds + SETTLING_S + STARTING_S)
        films = [record(Path(folder) / f"{name}.mp4", length_s, **how) for name, how in STREAMS.items()]
        with RtspServer(files=films) as server:
            shares: dict[tuple[str, str], list[float]] = {run: [] for run in runs}
            for _ in range(args.rounds):
                for name, stream in runs:
                    command = [sys.executable, __file__, "--way", name, "--url", server.url(stream)]
                    done = subprocess.run(
                        [*command, "--seconds", str(args.seconds)], stdout=subprocess.PIPE, text=True, check=True
                    )
                    shares[name, stream].append(float(done.stdout))
    report(shares, args.seconds)


def record(path: Path, seconds: int, *, encoder: str, size_px: tuple[int, int], fps: int, bits_per_s: int) -> Path:
    """The demo clip as a camera films it: with noise, without B-frames, a key frame exactly every two seconds."""
    gop = GOP * fps // FPS
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=fps)
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = bits_per_s
        fixed = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0"
        stream.options = {"preset": "veryfast", "x264-params": fixed, "x265-params": f"{fixed}:log-level=none"}
        for index, picture in enumerate(pictures(seconds * FPS)):
            if index % (FPS // fps) == 0:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(*size_px, "yuv420p")
                frame.pts, frame.time_base = index * fps // FPS, Fraction(1, fps)
                container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def cpu_share(frames: Iterator[None], seconds: float) -> float:
    """User and system seconds that this process needs per second of the stream."""
    next(frames)
    begin_s = time.monotonic() + SETTLING_S
    before_s: float | None = None
    for _ in frames:
        now_s = time.monotonic()
        if before_s is None and now_s >= begin_s:
            begin_s, before_s = now_s, used_s()
        elif before_s is not None and now_s >= begin_s + seconds:
            return (used_s() - before_s) / (now_s - begin_s)
    raise SystemExit("the stream ended too early")


def used_s() -> float:
    """User and system seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def report(shares: dict[tuple[str, str], list[float]], seconds: float) -> None:
    """Print the medians, and the ratios with what was asked for."""
    rounds = len(next(iter(shares.values())))
    print(f"CPU-seconds per second of 1080p25, medians of {rounds} rounds of {seconds:g} s")
    print(f"{'':<40}" + "".join(f"{stream:>16}" for stream in MAIN))
    for name in WAYS:
        cells = [
            f"{statistics.median(shares[name, stream]):8.4f}{ratio(shares, (name, stream), (NAIVE, stream)):7.2f}×"
            for stream in MAIN
        ]
        print(f"{name:<40}" + "".join(cells))
    print(f"rtsp source on a sub-stream, 640x360@5: {statistics.median(shares[OURS, SUB]):.4f}")
    for stream in MAIN:
        asked = {
            "rtsp source ÷ OpenCV, read every frame": ((OURS, stream), (NAIVE, stream), 0.65),
            "rtsp source ÷ PyAV, decoding alone": ((OURS, stream), (FLOOR, stream), 1.2),
            "rtsp source on the sub-stream ÷ OpenCV on this": ((OURS, SUB), (NAIVE, stream), 0.1),
        }
        for what, (one, other, limit) in asked.items():
            print(f"{stream}: {what} {ratio(shares, one, other):.3f} (asked: at most {limit})")


def ratio(shares: dict[tuple[str, str], list[float]], one: tuple[str, str], other: tuple[str, str]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(a / b for a, b in zip(shares[one], shares[other], strict=True))


if __name__ == "__main__":
    main()
