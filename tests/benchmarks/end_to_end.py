"""CPU time of `movinet-edge classify` on 1080p25 H.264 against the official example's loop, whole processes in turn.

    python tests/benchmarks/end_to_end.py --model ../shared/models/movinet_a0_stream_int8_v1.tflite

Prints the medians of user + system time per second of video, start-up included, and the ratio round by round.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
DEMO = PROJECT / "movinet_edge" / "cli" / "demo.mp4"
LABELS = PROJECT / "movinet_edge" / "models" / "labels" / "kinetics-600.txt"
SIZE, FPS, BITS_PER_S, GOP = (1920, 1080), 25, 4_000_000, 50


def main() -> None:
    """Make the clip, run everything in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a .tflite file")
    parser.add_argument("--seconds", type=int, default=30, help="length of the clip (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--video", type=Path, help="use this video instead of making one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = args.video or make_clip(Path(folder) / "camera.mp4", args.seconds)
        with av.open(str(video)) as container:
            seconds = container.duration / av.time_base
        classify = [sys.executable, "-m", "movinet_edge.cli", "classify", str(video), "--format", "jsonl", "--model"]
        example = [sys.executable, str(Path(__file__).with_name("example_loop.py")), str(video)]
        ways = {
            "example's loop (LiteRT)": [*example, "--model", args.model, "--labels", str(LABELS)],
            "movinet-edge classify": [*classify, args.model, "--labels", "kinetics-600"],
            "movinet-edge classify --skip-loop-filter": [
                *classify, args.model, "--labels", "kinetics-600", "--skip-loop-filter",
            ],
        }  # fmt: skip
        report(measure(ways, args.rounds), seconds)


def measure(ways: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each way in each round; one round before is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-1, rounds):
        for name, command in ways.items():
            cpu_s = cpu_seconds(command)
            if number >= 0:
                times[name].append(cpu_s)
    return times


def report(times: dict[str, list[float]], seconds: float) -> None:
    """Print medians and ratios to the first way."""
    baseline, *_ = times.values()
    print(f"{seconds:.0f} s of video, {len(baseline)} rounds")
    for name, values in times.items():
        ratios = [value / base for value, base in zip(values, baseline, strict=True)]
        print(f"{name:<42} {statistics.median(values) / seconds:.4f} CPU-s/s   {statistics.median(ratios):.2f}×")


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a process and its children."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return usage.ru_utime + usage.ru_stime


def make_clip(path: Path, seconds: int) -> Path:
    """The demo clip as a camera's main stream: enlarged, with sensor noise, H.264 without B-frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = BITS_PER_S
        stream.gop_size = GOP
        stream.options = {"preset": "veryfast", "bf": "0"}
        for index, picture in enumerate(pictures(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def pictures(count: int) -> Iterator[np.ndarray]:
    """Frames of the demo clip, each shown as long as its timestamp says, with moving noise."""
    noise = np.random.default_rng(0).integers(-6, 7, (8, SIZE[1], SIZE[0], 1), np.int16)
    with av.open(str(DEMO)) as container:
        container.seek(8_000_000)  # where the jumping jacks begin
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for index in range(count):
        picture = cv2.resize(shown[int(index * 10 / FPS) % len(shown)], SIZE, interpolation=cv2.INTER_CUBIC)
        yield np.clip(picture + noise[index % len(noise)], 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
