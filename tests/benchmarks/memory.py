"""Resident memory over an hour of simulated video: the demo clip in a loop through source, engine, actions and outbox.

    python tests/benchmarks/memory.py --model ../shared/models/movinet_a0_stream_int8_v1.tflite [--minutes 60]

Prints the resident size after one minute of video and after the last, and their ratio; takes about a minute an hour.
"""

import argparse
import tempfile
from pathlib import Path

import psutil

from movinet_edge.api import StopReason
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.delivery import DeliveryWorker, Outbox
from movinet_edge.library import load
from movinet_edge_plugins.file import FileSettings, FileSource
from movinet_edge_plugins.jsonl import JsonlSettings, JsonlSink

DEMO = Path(__file__).resolve().parents[2] / "movinet_edge" / "cli" / "demo.mp4"
ACTIONS = {"jumping jacks": {"labels": ["jumping jacks"]}, "push up": {"labels": ["push up"], "update_every": "1s"}}


def main() -> None:
    """Run the loop and print the sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--minutes", type=int, default=60, help="of video (%(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sizes = run(args.model, args.minutes, Path(folder))
    first, last = sizes[0], sizes[-1]
    for minute in sorted({1, 2, 5, 10, 20, 30, 45, args.minutes}):
        if minute <= len(sizes):
            print(f"after {minute:>3} min of video: {sizes[minute - 1]:.1f} MiB")
    print(f"last / first minute: {last / first:.4f}")


def run(model_path: Path, minutes: int, folder: Path) -> list[float]:
    """Resident MiB after each minute of video."""
    model = load(model_path, labels="kinetics-600")
    settings = StreamSettings.model_validate({"name": "demo", "source": {"type": "file"}, "actions": ACTIONS})
    pipeline = build_pipeline("demo", settings, model, watch_list(settings.actions, None, model.labels))
    outbox = Outbox(folder / "outbox.db")
    outbox.register_sinks(["jsonl"])
    worker = DeliveryWorker("jsonl", lambda: JsonlSink(JsonlSettings(path=folder / "events.jsonl")), outbox)
    worker.start()
    source = FileSource(FileSettings(path=DEMO, loop=True, concat=True))
    process, sizes, events = psutil.Process(), [], 0
    for frame in source.frames(pipeline.request):
        decided = pipeline.feed(frame)
        if decided:
            events += len(outbox.append(decided))
        while frame.time_s >= 60.0 * (len(sizes) + 1):
            sizes.append(process.memory_info().rss / 2**20)
        if len(sizes) >= minutes:
            break
    source.close()
    outbox.append(pipeline.end(StopReason.SHUTDOWN))
    delivered = worker.stop(10.0)
    outbox.close()
    print(f"{pipeline.figures.scored} frames scored, {events} events, delivered: {delivered}")
    return sizes


if __name__ == "__main__":
    main()
