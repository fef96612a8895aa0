"""What evidence costs: the ring of packets while a 1080p25 camera is read, pictures in its place, and a clip.

    python tests/benchmarks/evidence_cost.py
    python tests/benchmarks/evidence_cost.py --day    # 24 simulated hours of events; writes 1.7 GB

The camera is a transport stream of 4 Mbit/s in a file, which has the form of a live one and lets the CPU time be told
apart from waiting. Reading with the ring and without it take turns; the medians are printed.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import av
from end_to_end import BITS_PER_S, FPS, GOP, SIZE, pictures

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from movinet_edge.api import Frame, FrameRequest, VideoPacket
from movinet_edge.daemon.snapshots import encoded
from movinet_edge.daemon.stream_clips import StreamClips
from movinet_edge.evidence import EvidenceStore, Quota, as_mp4
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins.file import FileSource

PICTURES_PER_S = 5
SNAPSHOT_PX = (640, 360)
CLIP_S = 15


def write_camera(path: Path, seconds: int) -> None:
    """A transport stream, as cameras encode: no reordering, a key frame every two seconds."""
    options = {"g": str(GOP), "preset": "veryfast", "bf": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.bit_rate = "yuv420p", BITS_PER_S
        for image in pictures(seconds * FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def read(path: Path, clips: StreamClips | None, take: Callable[[VideoPacket], None] | None = None) -> float:
    """CPU seconds of reading all of it at five pictures a second."""
    source = FileSource(FileSource.Settings(path=path))
    if clips is not None:
        source.tap(clips.tap())
    elif take is not None:
        source.tap(take)
    began_s = time.process_time()
    for _ in source.frames(FrameRequest(PICTURES_PER_S, lambda *_: SNAPSHOT_PX)):
        pass
    return time.process_time() - began_s


def cpu_ms(work: Callable[[], object], rounds: int) -> float:
    """Median CPU time of a call."""
    times_s = []
    for _ in range(rounds):
        began_s = time.process_time()
        work()
        times_s.append(time.process_time() - began_s)
    return 1000 * statistics.median(times_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="length of the video (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="(%(default)s)")
    parser.add_argument("--day", action="store_true", help="the quota instead of the cost")
    args = parser.parse_args()
    if args.day:
        simulate_day()
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "camera.ts"
        write_camera(path, args.seconds)
        size_bytes = path.stat().st_size
        without, with_ring = [], []
        for _ in range(args.rounds):
            without.append(read(path, None))
            with_ring.append(read(path, StreamClips(keep_s=8, longest_s=60, finished=lambda *_: None)))
        packets: list[VideoPacket] = []
        read(path, None, packets.append)
        frame = next(iter(FileSource(FileSource.Settings(path=path)).frames(FrameRequest(1, lambda *_: SNAPSHOT_PX))))
    plain_s, ring_s = statistics.median(without), statistics.median(with_ring)
    share = [100 * (b - a) / args.seconds for a, b in zip(without, with_ring, strict=True)]
    print(f"video: {SIZE[0]}x{SIZE[1]} at {FPS} fps, {8 * size_bytes / args.seconds / 1e6:.1f} Mbit/s")
    print(f"reading at {PICTURES_PER_S} fps: {100 * plain_s / args.seconds:.1f} % of a core without the ring,", end=" ")
    print(f"{100 * ring_s / args.seconds:.1f} % with it; difference {statistics.median(share):+.2f} points")
    jpeg_ms = cpu_ms(lambda: jpeg(frame), 50)
    print(f"pictures instead: {jpeg_ms:.2f} ms each, {jpeg_ms * PICTURES_PER_S / 10:.2f} % of a core")
    clip = packets[: CLIP_S * FPS]
    print(f"a clip of {CLIP_S} s, {sum(len(one.data) for one in clip) / 1e6:.1f} MB:", end=" ")
    print(f"{cpu_ms(lambda: as_mp4(clip), args.rounds):.0f} ms of packets,", end=" ")
    print(f"{cpu_ms(lambda: as_mp4(picture_packets(jpeg(frame))), args.rounds):.0f} ms of {SNAPSHOT_PX[0]} px pictures")


def jpeg(frame: Frame) -> bytes:
    return encoded(frame, ".jpg", size_px=SNAPSHOT_PX, quality=80)


def picture_packets(data: bytes) -> list[VideoPacket]:
    """As many as a clip has, taken in by what the daemon takes them in."""
    kept: list[VideoPacket] = []
    clips = StreamClips(keep_s=CLIP_S + 1, longest_s=60, finished=lambda _, packets: kept.extend(packets))
    event = example_event()
    clips.begin(event, 0.0)
    for index in range(CLIP_S * PICTURES_PER_S):
        clips.picture(data, index / PICTURES_PER_S)
    clips.cut()
    return kept


def simulate_day() -> None:
    """An event every three minutes under a quota of 200 MB; what is on the disk is measured after every file."""
    now_s = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    most_bytes = written_bytes = 0
    events = range(24 * 20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "evidence"
        store = EvidenceStore(folder, Quota(max_bytes=200_000_000, keep_free_bytes=0), clock=lambda: now_s)
        for count in events:
            now_s += 180
            event = example_event(number=count, id=f"id-{count}", started_at=datetime.fromtimestamp(now_s, UTC))
            for part, size in (("peak.jpg", 50_000), ("clip.mp4", 1_000_000 + count * 10_000)):
                store.put(event, part, bytes(size))
                written_bytes += size
                taken = sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
                most_bytes = max(most_bytes, taken)
    print(f"{len(events)} events with {written_bytes / 1e6:.0f} MB of evidence:", end=" ")
    print(f"at most {most_bytes / 1e6:.1f} MB on the disk at any time")


if __name__ == "__main__":
    main()
