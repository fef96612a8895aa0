"""Measures a trained model and writes what came out: the model card that goes with the file."""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from movinet_edge.engine import load_model
from movinet_edge.training.clips import ClipFolder
from movinet_edge.training.evaluate import Confusion, judge
from movinet_edge.training.events import FallFigures, falls_on, starts
from movinet_edge.training.falls import HELD_SUBJECT, read_videos
from movinet_edge.training.labels import LABELS
from movinet_edge.training.render.catalogue import NEARLY_LEARNED
from movinet_edge.training.usage import clips_in, errors_told, whole_number


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        int8, float32: spans of held renders, by the file that ships and by the same weights before quantisation.
        unlike: as `int8`, without the clips of which training shows something near.
        falls: events on real video of a person who was never trained on.
        scenes: for each video of known actions, the starts that came: seconds and action.
        window: frames that the pool remembered.
    """

    int8: Confusion
    float32: Confusion
    unlike: Confusion
    falls: FallFigures
    scenes: tuple[tuple[str, tuple[tuple[float, str], ...]], ...]
    window: int


def measure(
    int8: Path, float32: Path, held: ClipFolder, *, falls: Path, scenes: Sequence[Path], window: int
) -> Figures:
    """All figures of the card; takes some minutes."""
    model = load_model(int8)
    watched = [label for label in LABELS if label not in {"idle", "nobody"}]
    videos = [video for video in read_videos(falls) if video.subject == HELD_SUBJECT]
    return Figures(
        judge(model, held, window),
        judge(load_model(float32), held, window),
        judge(model, held, window, without=NEARLY_LEARNED),
        falls_on(model, videos, window),
        tuple(
            (scene.name, tuple((event.started_s, event.action) for event in starts(model, scene, watched, window)[0]))
            for scene in scenes
        ),
        window,
    )


def as_json(figures: Figures) -> str:
    """The figures for machines."""
    falls = figures.falls
    return json.dumps(
        {
            "held": {"spans": figures.int8.total, "top1_int8": figures.int8.top1, "top1_float32": figures.float32.top1},
            "unlike": {"spans": figures.unlike.total, "top1_int8": figures.unlike.top1},
            "recall": {label: _number(figures.int8.recall(i)) for i, label in enumerate(LABELS)},
            "precision": {label: _number(figures.int8.precision(i)) for i, label in enumerate(LABELS)},
            "confusion": figures.int8.counts.tolist(),
            "falls": {
                "falls": falls.falls, "found": falls.found, "videos": falls.videos, "seconds": falls.seconds,
                "false": falls.false, "daily_false": falls.daily_false, "daily_seconds": falls.daily_seconds,
            },
            "scenes": dict(figures.scenes),
            "window": figures.window,
        },
        indent=1,
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def as_markdown(figures: Figures) -> str:
    """The figures for people: the part of the card between its marks."""
    lost = 100 * (figures.float32.top1 - figures.int8.top1)
    falls = figures.falls
    held = (
        f"Held-out renders (other motions, shapes, skins and clothes; {figures.int8.total} spans of at least a second, "
        f"window of {figures.window} frames):"
    )
    real = (
        f"- falls of subject {HELD_SUBJECT} ({falls.videos} videos, {falls.seconds:.0f} s): {falls.found} of "
        f"{falls.falls} found; {falls.daily_false} false in {falls.daily_seconds:.0f} s of daily life "
        f"({falls.false_per_minute:.1f} a minute), {falls.false} at wrong moments in all"
    )
    int8, float32 = _percent(figures.int8.top1), _percent(figures.float32.top1)
    unlike = (
        f"- top-1 {_percent(figures.unlike.top1)} of {figures.unlike.total} spans in clips without motions of which "
        f"training shows something near: {', '.join(sorted(NEARLY_LEARNED))}"
    )
    lines = [held, "", f"- top-1 {int8} (float32 {float32}: {lost:+.1f} points lost)", unlike, ""]
    lines += ["Real video, never trained on:", "", real]
    lines += [f"- {name}: {_told(events)}" for name, events in figures.scenes]
    lines += ["", "| class | recall | precision | taken for, when wrong |", "|---|---|---|---|"]
    lines += [_row(figures.int8, number, label) for number, label in enumerate(LABELS)]
    return "\n".join(lines) + "\n"


def _row(confusion: Confusion, number: int, label: str) -> str:
    return (
        f"| {label} | {_percent(confusion.recall(number))} | {_percent(confusion.precision(number))} | "
        f"{confusion.taken_for(number) or '–'} |"
    )


def _told(events: Sequence[tuple[float, str]]) -> str:
    return ", ".join(f"{action} at {seconds:.1f} s" for seconds, action in events) or "no event"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def with_figures(card: str, figures: Figures) -> str:
    """The card with its figures replaced.

    Raises:
        ValueError: the card has no place for them.
    """
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the card has no lines {BEGIN} and {END} to put the figures between")
    return f"{before}{BEGIN}\n{as_markdown(figures)}{END}{after}"


def main() -> None:
    """Measure a model and renew its card."""
    parser = argparse.ArgumentParser(
        prog="python -m movinet_edge.training.card",
        description=__doc__,
        epilog="example: python -m movinet_edge.training.card --int8 model.tflite --float32 model_f32.tflite "
        "--held clips/held --falls datasets/falls --scene demo.mp4 --card card.md --json figures.json",
    )
    parser.add_argument("--int8", type=Path, required=True, help="the model file that ships")
    parser.add_argument("--float32", type=Path, required=True, help="the same weights, exported without ranges")
    parser.add_argument("--held", type=Path, required=True, help="folder of shards that were never learnt")
    parser.add_argument("--falls", type=Path, required=True, help="folder of the falls data set")
    parser.add_argument("--scene", type=Path, action="append", default=[], help="a video whose events are listed")
    parser.add_argument("--window", type=whole_number, default=16, help="frames that the pool remembers (default: 16)")
    parser.add_argument("--card", type=Path, help="Markdown file whose figures are replaced")
    parser.add_argument("--json", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    with errors_told(parser):
        figures = measure(
            arguments.int8, arguments.float32, clips_in([arguments.held]),
            falls=arguments.falls, scenes=arguments.scene, window=arguments.window,
        )  # fmt: skip
        if arguments.json:
            arguments.json.write_text(as_json(figures) + "\n")
        if arguments.card:
            card = arguments.card.read_text(encoding="utf-8")
            arguments.card.write_text(with_figures(card, figures), encoding="utf-8")


if __name__ == "__main__":
    main()
