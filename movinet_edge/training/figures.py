"""What was measured of a model, as text for people and for machines: the figures of its card."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from movinet_edge.training.clips import HELD_SUBJECT
from movinet_edge.training.errors import InputError
from movinet_edge.training.evaluate import Confusion
from movinet_edge.training.events import EARLY_S, LATE_S, FallFigures
from movinet_edge.training.labels import LABELS
from movinet_edge.training.render.catalogue import NEARLY_LEARNED

WATCHED = tuple(label for label in LABELS if label not in {"idle", "nobody"})
"""What a stream can be asked to tell: the rest is when nothing happens."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        sha256: of the file that ships.
        int8, float32: spans of held renders, by the file that ships and by the same weights before quantisation.
        unlike: as `int8`, without the clips of which training shows something near.
        falls: events on real video of a person who was never trained on.
        scenes: for each video of known actions, the starts that came: seconds and action.
        window: frames that the pool remembered.
        drift: how far an hour of stream is from fresh streams, see `running.drift_after`.
        times_slower: time per frame as a multiple of another model's, and its name; None where none was given.
    """

    sha256: str
    int8: Confusion
    float32: Confusion
    unlike: Confusion
    falls: FallFigures
    scenes: tuple[tuple[str, tuple[tuple[float, str], ...]], ...]
    window: int
    drift: float
    times_slower: tuple[float, str] | None


def as_json(figures: Figures) -> str:
    """The figures for machines."""
    falls = figures.falls
    return json.dumps(
        {
            "sha256": figures.sha256,
            "held": {"spans": figures.int8.total, "top1_int8": figures.int8.top1, "top1_float32": figures.float32.top1,
                     "mean_of_classes": figures.int8.mean_recall},
            "unlike": {"spans": figures.unlike.total, "top1_int8": figures.unlike.top1},
            "recall": {label: _number(figures.int8.recall(i)) for i, label in enumerate(LABELS)},
            "precision": {label: _number(figures.int8.precision(i)) for i, label in enumerate(LABELS)},
            "confusion": figures.int8.counts.tolist(),
            "falls": {
                "falls": falls.falls, "found": falls.found, "videos": falls.videos, "seconds": falls.seconds,
                "false": falls.false, "daily_false": falls.daily_false, "daily_seconds": falls.daily_seconds,
                "latest_s": _number(falls.latest_s),
            },
            "scenes": dict(figures.scenes),
            "window": figures.window,
            "hour": {"largest_difference": figures.drift},
            "times_slower": figures.times_slower,
        },
        indent=1,
    )  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def as_markdown(figures: Figures) -> str:
    """The figures for people: the part of the card between its marks."""
    lost = 100 * (figures.float32.top1 - figures.int8.top1)
    falls = figures.falls
    measured = f"Of the file with the SHA-256 `{figures.sha256}`."
    held = (
        f"Held-out renders (other motions, people and photographs; {figures.int8.total} spans of at least a second, "
        f"window of {figures.window} frames; each is judged by its last frame):"
    )
    real = (
        f"- falls of subject {HELD_SUBJECT} ({falls.videos} videos, {falls.seconds:.0f} s): {falls.found} of "
        f"{falls.falls} found; {falls.daily_false} false in {falls.daily_seconds:.0f} s of daily life "
        f"({falls.false_per_minute:.1f} a minute), {falls.false} at wrong moments in all; default thresholds; a "
        f"fall is found if it begins from {EARLY_S:g} s before its span in the data set to {LATE_S:g} s after it"
    )
    if falls.found:
        real += f"; those found began at most {falls.latest_s:.1f} s after their spans did"
    int8, float32 = _percent(figures.int8.top1), _percent(figures.float32.top1)
    unlike = (
        f"- top-1 {_percent(figures.unlike.top1)} of {figures.unlike.total} spans in clips without motions of which "
        f"training shows something near: {', '.join(sorted(NEARLY_LEARNED))}"
    )
    lines = [measured, "", held, ""]
    lines += [f"- top-1 {int8} (float32 {float32}: {lost:+.1f} points lost)", unlike, _by_class(figures.int8)]
    lines += ["", "Real video, never trained on:", "", real, ""]
    watched = f"watched for all {len(WATCHED)} classes that can be told"
    lines += [f"Videos of known actions ({len(figures.scenes)}), {watched}; what began:", ""]
    lines += [f"- {name}: {_told(events)}" for name, events in figures.scenes]
    lines += ["", "As a stream:", ""]
    lines += [f"- scores after an hour − of fresh streams that see the last frames alone: {figures.drift:.1g} at most"]
    if figures.times_slower is not None:
        ratio, name = figures.times_slower
        lines += [f"- time per frame ÷ that of {name}: {ratio:.2f}, in turn on the machine that measured this"]
    lines += ["", "| class | recall | precision | taken for, when wrong |", "|---|---|---|---|"]
    lines += [_row(figures.int8, number, label) for number, label in enumerate(LABELS)]
    lines += ["", "All of them: rows are what was shown, columns what it was taken for.", ""]
    lines += _matrix(figures.int8)
    return "\n".join(lines) + "\n"


def _by_class(confusion: Confusion) -> str:
    counts, idle = confusion.counts, LABELS.index("idle")
    shown = int(counts[idle].sum())
    others = confusion.total - shown
    right = float((counts.trace() - counts[idle, idle]) / others) if others else math.nan
    return (
        f"- mean of the classes {_percent(confusion.mean_recall)}; of the {shown} spans of idle "
        f"{_percent(confusion.recall(idle))}, of the {others} others {_percent(right)}"
    )


def _matrix(confusion: Confusion) -> list[str]:
    numbers = range(len(LABELS))
    rows = [["", *(str(number + 1) for number in numbers)], ["---", *("--:" for _ in numbers)]]
    for number, label in enumerate(LABELS):
        rows.append([f"{number + 1} {label}", *(str(count) if count else "" for count in confusion.counts[number])])
    return [f"| {' | '.join(row)} |" for row in rows]


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
        InputError: the card has no place for them.
    """
    before, after = around_figures(card)
    return f"{before}{BEGIN}\n{as_markdown(figures)}{END}{after}"


def around_figures(card: str) -> tuple[str, str]:
    """What stands before and after a card's figures.

    Raises:
        InputError: the card has no place for them.
    """
    before, begin, rest = card.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"the card has no lines {BEGIN} and {END} to put the figures between")
    return before, after
