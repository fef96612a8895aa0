"""False events per hour where nothing happens, before and after calibration, and what that costs where something does.

    python tests/benchmarks/quiet.py [--shared ../shared] [--false-per-day 1] [--prior 0.5]

Negatives: pedestrians (`opencv_vtest`), people in a hall (`intel_one-by-one…`) and the daily activities of `falls`.
Thresholds come from the first half of each video, the figures from the second; each scene is calibrated by itself, as
cameras are. Watched are (a) every label, which floods, and (b) the labels of clips with a known action, whose recall
is then told with the calibrated thresholds of each scene.

With `--prior`, scores are first divided by that power of the scene's mean score of each label (in the first half), and
made to sum to one again: a prior of the scene, which the daemon does not have, because of these figures.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions import ActionRule, WatchList
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.stream_parts import watch_list
from movinet_edge.evaluation.calibration import calibrate
from movinet_edge.evaluation.tracks import Track, record, replay
from movinet_edge.library import load

SETTINGS = StreamSettings.model_validate({"name": "quiet", "source": {"type": "file"}, "all_labels": True})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("--false-per-day", type=float, default=1.0)
    parser.add_argument("--prior", type=float, default=0.0, metavar="POWER")
    args = parser.parse_args()
    model = load(args.shared / "models/movinet_a0_stream_int8_v1.tflite", labels="kinetics-600")
    every = watch_list({}, SETTINGS.all_labels, model.labels)
    clips = args.shared / "clips"
    scenes = {
        "pedestrians": [clips / "opencv_vtest.avi"],
        "a hall": [clips / "intel_one-by-one-person-detection.mp4"],
        "daily activities": sorted((args.shared / "datasets/falls").glob("*_adl_*.mp4")),
    }
    positives = [
        (clips / row["file"], row["label"])
        for row in csv.DictReader((clips / "clips.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t")
        if row["label"] in model.labels
    ]
    known = WatchList.compile(
        [ActionRule(label, (label,)) for label in sorted({label for _, label in positives})], model.labels
    )
    shown = [(record(video, SETTINGS, model, every), label) for video, label in positives]
    rows, seen = [], []
    columns = [[rule.name for rule in every.rules].index(rule.name) for rule in known.rules]
    for scene, videos in scenes.items():
        tracks = [record(video, SETTINGS, model, every) for video in videos]
        usual = np.concatenate([track.between(0.0, track.length_s / 2).scores for track in tracks]).mean(axis=0)
        tracks = [without_the_usual(track, usual, args.prior) for track in tracks]
        rows.append((scene, "every label", *judge(tracks, every.rules, args.false_per_day)))
        few = [only(track, columns) for track in tracks]
        rows.append((scene, f"{len(known)} labels", *judge(few, known.rules, args.false_per_day)))
        positive = [(only(without_the_usual(track, usual, args.prior), columns), label) for track, label in shown]
        seen.append((scene, recall(positive, known.rules), recall(positive, rows[-1][-1])))
    print(
        "| scene | watched | minutes judged | false/h before | after | not to be kept out |\n|---|---|---|---|---|---|"
    )
    for scene, what, hours, before, after, beyond, _rules in rows:
        print(f"| {scene} | {what} | {hours * 60:.1f} | {before:.0f} | {after:.0f} | {beyond} |")
    print(f"\nseen of {len(shown)} clips with a known action, at the default thresholds and at the scene's:")
    for scene, before, after in seen:
        print(f"  {scene}: {before}, {after}")


def only(track: Track, columns: list[int]) -> Track:
    """The track of some of the actions."""
    return replace(track, scores=np.ascontiguousarray(track.scores[:, columns]))


def without_the_usual(track: Track, usual: NDArray[np.float32], power: float) -> Track:
    """Scores divided by a power of what is usual in the scene."""
    if power == 0.0:
        return track
    logits = np.log(np.clip(track.scores, 1e-8, 1.0)) - power * np.log(np.clip(usual, 1e-5, 1.0))
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return replace(track, scores=(scores / scores.sum(axis=1, keepdims=True)).astype(np.float32))


def judge(
    tracks: Sequence[Track], rules: Sequence[ActionRule], false_per_day: float
) -> tuple[float, float, float, int, list[ActionRule]]:
    """Hours judged, false events per hour before and after, rules that no threshold satisfies, the rules after."""
    first = [track.between(0.0, track.length_s / 2) for track in tracks]
    second = [track.between(track.length_s / 2, track.length_s + 1.0) for track in tracks]
    hours = sum(track.length_s for track in second) / 3600
    results = calibrate(first, rules, SETTINGS, false_per_day=false_per_day)
    tuned = [replace(rule, on=result.on, off=result.off) for rule, result in zip(rules, results, strict=True)]
    before, after = (sum(len(replay(track, some, SETTINGS)) for track in second) / hours for some in (rules, tuned))
    return hours, before, after, sum(not result.reached for result in results), tuned


def recall(tracks: Sequence[tuple[Track, str]], rules: Sequence[ActionRule]) -> int:
    """In how many clips their action starts."""
    return sum(any(found.action == label for found in replay(track, rules, SETTINGS)) for track, label in tracks)


if __name__ == "__main__":
    main()
