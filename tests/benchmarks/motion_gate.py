"""What `motion_gate` saves and what it costs: frames scored, and starts of actions, with and without it.

    python tests/benchmarks/motion_gate.py [--shared ../shared]

Clips with a known action are shown between two still pictures of their own (with a camera's noise), as an
empty room is most of the day. Told are the share of frames scored in the still parts and in all, how many actions
start, and how much later than without the gate; for several thresholds.
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from movinet_edge.actions import ActionRule, WatchList
from movinet_edge.api import EventType, Frame, FrameRequest, StopReason
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.motion_gate import MotionGate
from movinet_edge.daemon.plugins import discover_plugins
from movinet_edge.daemon.stream_parts import build_pipeline
from movinet_edge.library import load

FPS = 5.0
STILL_S = 20.0
# Of a cheap camera by daylight, in grey levels.
NOISE = 3.0
THRESHOLDS = (0.01, 0.02, 0.04, 0.08)
SETTINGS = StreamSettings.model_validate({"name": "gate", "source": {"type": "file"}, "all_labels": True})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    args = parser.parse_args()
    model = load(args.shared / "models/movinet_a0_stream_int8_v1.tflite", labels="kinetics-600")
    clips = args.shared / "clips"
    rows = csv.DictReader((clips / "clips.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t")
    known = [(clips / row["file"], row["label"]) for row in rows if row["label"] in model.labels]
    watch = WatchList.compile(
        [ActionRule(label, (label,)) for label in sorted({name for _, name in known})], model.labels
    )
    films = [(list(film(video)), label) for video, label in known]
    print(
        "| threshold | frames scored, still parts | in all | actions started | later by, worst |\n|---|---|---|---|---|"
    )
    plain = {}
    for threshold in (None, *THRESHOLDS):
        passed = still_passed = still = frames_in_all = 0
        late: list[float] = []
        for number, (frames, label) in enumerate(films):
            gate = None if threshold is None else MotionGate(threshold, 5.0, 1.0)
            pipeline = build_pipeline("gate", SETTINGS, model, watch)
            events = []
            end_s = frames[-1].time_s
            for frame in frames:
                at_rest = not STILL_S <= frame.time_s <= end_s - STILL_S
                passes = gate is None or gate.passes(frame)
                passed += passes
                still += at_rest
                still_passed += passes and at_rest
                frames_in_all += 1
                if passes:
                    events += pipeline.feed(frame)
            events += pipeline.end(StopReason.SOURCE_LOST)
            starts = [e.time_s for e in events if e.event_type is EventType.START and e.action == label]
            if threshold is None:
                plain[number] = starts[:1]
            elif starts and plain[number]:
                late.append(starts[0] - plain[number][0])
            if not starts and plain[number]:
                print(f"  missed: {label}")
            if threshold is None:
                late.append(0.0)
        started = len(late) if threshold is not None else sum(bool(starts) for starts in plain.values())
        print(
            f"| {threshold or 'no gate'} | {still_passed / still:.0%} | {passed / frames_in_all:.0%} "
            f"| {started} of {len(films)} | {max(late, default=0.0):.1f} s |"
        )


def film(video: Path) -> Iterator[Frame]:
    """A still, the clip, a still; at five frames a second."""
    plugin = discover_plugins().find("source", "file").plugin_class()
    source = plugin(plugin.Settings(path=[video], pace="fast"))
    frames = list(source.frames(FrameRequest(FPS)))
    random = np.random.default_rng(0)
    time_s = 0.0
    for still, parts in ((frames[0], None), (None, frames), (frames[-1], None)):
        for frame in parts or [still] * round(STILL_S * FPS):
            image = frame.image
            if parts is None:
                noisy = image.astype(np.float32) + random.normal(0.0, NOISE, image.shape).astype(np.float32)
                image = np.clip(noisy, 0, 255).astype(np.uint8)
            yield Frame(image=image, time_s=time_s, wall_time_s=frame.wall_time_s, colour=frame.colour)
            time_s += 1 / FPS


if __name__ == "__main__":
    main()
