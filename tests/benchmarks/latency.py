"""How soon a new action is told and how soon its end, at several settings of smoothing and hysteresis.

    python tests/benchmarks/latency.py --clips ../shared/clips --model MODEL.tflite --labels LABELS.txt

Each labelled clip (10 s of it) is shown after a minute of another scene, which then returns. Printed for each setting:
starts per clip that was seen (1 is right), the median and the worst time from the real beginning to the start event and
from the real end to the stop event, the median error of the estimated end, and how often any label of the model starts
in the clips without an action, plus any wrong one in those with one. The defaults of the configuration and
END_LAG_SHARE were chosen from this table.
"""

import argparse
import csv
import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions import ActionDetector, ActionRule, Ema, RollingMean, RollingMedian, Smoother, WatchList
from movinet_edge.api import EventType, FrameRequest, StopReason
from movinet_edge.daemon.stream_parts import END_LAG_SHARE
from movinet_edge.engine import DEFAULT_WINDOW, Model, load_model, read_labels
from movinet_edge_plugins.file import FileSettings, FileSource

FPS = 5.0
SCENE, BEFORE, SHOWN, AFTER = "carving_ice_rpi.mp4", 300, 50, 60
EITHER = {"dunking or shooting basketball": ("dunking basketball", "shooting basketball")}

SMOOTHERS = {
    "none": lambda: Ema(0.0),
    "ema 100 ms": lambda: Ema(0.1),
    "ema 200 ms": lambda: Ema(0.2),
    "ema 500 ms": lambda: Ema(0.5),
    "mean 600 ms": lambda: RollingMean(0.6),
    "median 600 ms": lambda: RollingMedian(0.6),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A clip between two showings of the scene: frame numbers of its beginning and end, scores `[frames, classes]`."""

    labels: tuple[str, ...]
    first: int
    end: int
    scores: NDArray[np.float32]


def main() -> None:
    """Score all clips once, then try every setting on the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("clips", "model", "labels"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    model = load_model(args.model, labels=read_labels(args.labels))
    trials = list(read_trials(model, args.clips))
    print(f"{len(trials)} clips, window {DEFAULT_WINDOW}, END_LAG_SHARE {END_LAG_SHARE}")
    print(
        f"{'smoothing':<14} {'min':>5} {'gap':>5}  seen starts  start s (med, max)  stop s (med, max)  end error  other"
    )
    for (name, make), minimum, gap in itertools.product(SMOOTHERS.items(), (0.2, 0.4), (0.4, 0.6, 1.0)):
        print(f"{name:<14} {minimum:>5} {gap:>5}  {row(trials, model.labels, make, minimum, gap)}")


def read_trials(model: Model, folder: Path) -> Iterator[Trial]:
    """Every labelled clip but the scene itself."""
    scene = read_frames(folder / SCENE, model)
    with (folder / "clips.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for entry in rows:
        label = entry["label"].split(" (")[0]
        if entry["file"] == SCENE:
            continue
        if not label:
            yield Trial((), 0, 0, score(model, read_frames(folder / entry["file"], model)))
            continue
        clip = list(itertools.islice(itertools.cycle(read_frames(folder / entry["file"], model)), SHOWN))
        pictures = [*itertools.islice(itertools.cycle(scene), BEFORE), *clip]
        pictures += itertools.islice(itertools.cycle(scene), AFTER)
        yield Trial(EITHER.get(label, (label,)), BEFORE, BEFORE + len(clip), score(model, pictures))


def score(model: Model, pictures: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Scores `[frames, classes]` of a stream of pictures."""
    state = model.new_state()
    return np.stack([model.step(picture, state) for picture in pictures])


def read_frames(path: Path, model: Model) -> list[NDArray[Any]]:
    """A clip's frames at 5 fps, no larger than the model needs."""
    source = FileSource(FileSettings(path=path))
    request = FrameRequest(FPS, model.new_state().preprocessor.frame_size)
    return [frame.image for frame in source.frames(request)]


def row(trials: Sequence[Trial], labels: tuple[str, ...], make: Any, minimum_s: float, gap_s: float) -> str:
    """One line of the table."""
    times = {"min_duration_s": minimum_s, "max_gap_s": gap_s, "cooldown_s": 0.0}
    starts, others, begin_s, stop_s, error_s = 0, 0, [], [], []
    for trial in trials:
        every = run(WatchList.every_label(labels, ActionRule("any", ("*",), **times)), make(), trial.scores)
        right = {*trial.labels, "carving ice"}
        others += sum(event.kind is EventType.START and event.action not in right for event in every)
        if not trial.labels:
            continue
        watch = WatchList.compile([ActionRule("watched", trial.labels, **times)], labels)
        events = run(watch, make(), trial.scores)
        mine = [event for event in events if event.kind is EventType.START]
        starts += len(mine)
        if mine:
            last = [event for event in events if event.kind is EventType.STOP][-1]
            begin_s.append(mine[0].time_s - trial.first / FPS)
            stop_s.append(last.time_s - trial.end / FPS)
            error_s.append((last.ended_s or 0.0) - trial.end / FPS)
    return (
        f"{len(begin_s):>4} {starts:>6}  {statistics.median(begin_s):>9.1f} {max(begin_s):>6.1f}  "
        f"{statistics.median(stop_s):>12.1f} {max(stop_s):>6.1f}  {statistics.median(error_s):>+9.1f}  {others:>5}"
    )


def run(watch: WatchList, smoother: Smoother, scores: NDArray[np.float32]) -> list[Any]:
    """All transitions over the scores."""
    detector = ActionDetector(watch, smoother, warm_up_s=1.0, end_lag_s=END_LAG_SHARE * DEFAULT_WINDOW / FPS)
    events = [event for index, values in enumerate(scores) for event in detector.step(index / FPS, values)]
    return events + detector.close(StopReason.SHUTDOWN)


if __name__ == "__main__":
    main()
