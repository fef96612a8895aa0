"""Says in plain words how good a head is, and what to collect next."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from movinet_edge.heads import BACKGROUND
from movinet_edge.teaching.compare import Comparison
from movinet_edge.teaching.figures import Figures, Share
from movinet_edge.teaching.lesson import Lesson

# With fewer of them the range of every share is wider than the share tells.
_FEW_EXAMPLES = 20
_FEW_SOURCES = 5
_NAMED = 3
# A head that takes this share of background for the action would ring all day.
_MANY_MISTAKEN = 0.1
_MANY_MISSED = 0.2


def sentences(lesson: Lesson, comparisons: dict[str, Comparison | str] | None = None) -> Iterator[str]:
    """What to tell the person who taught, a line each."""
    for action, figures in lesson.figures.items():
        yield from _quality(action, figures, lesson.learned[action].folds)
    for action, comparison in (comparisons or {}).items():
        yield _compared(action, comparison)
    advice = list(_advice(lesson))
    if advice:
        yield "What to collect next:"
        yield from (f"  - {line}" for line in advice)


def _quality(action: str, figures: Figures | None, folds: int) -> Iterator[str]:
    if figures is None:
        yield (
            f"{action}: nobody can say how good it is, because its examples, or those of the background, all come from "
            "one source. Add examples from another recording or another day."
        )
        return
    yield (
        f"{action}: recognises {_of(figures.found)} examples from recordings that it had not seen, and takes "
        f"{_of(figures.mistaken)} of the background for it ({folds} parts tried; {_word(figures)})."
    )
    yield f"  A start threshold of {figures.on:.2f} would have kept quiet on {_all_or_most(figures)} of the background."


def _of(share: Share) -> str:
    low, high = share.range
    return f"{share.count} of {share.of} ({low:.0%} to {high:.0%})"


def _word(figures: Figures) -> str:
    if figures.area >= 0.98:
        return "the two are clearly apart"
    if figures.area >= 0.9:
        return "good, with some doubtful ones"
    if figures.area >= 0.75:
        return "better than chance, but not yet to be relied on"
    return "hardly better than chance"


def _all_or_most(figures: Figures) -> str:
    return "all" if figures.on < 0.95 else "most"


def _compared(action: str, comparison: Comparison | str) -> str:
    if isinstance(comparison, str):
        return f"{action}: not compared with the old head: {comparison}."
    verdict = "better" if comparison.new_is_better else "not better"
    old, new = comparison.old, comparison.new
    return (
        f"{action}: the new head is {verdict} than the old one: {new.accuracy:.0%} right instead of "
        f"{old.accuracy:.0%}, on {new.found.of + new.mistaken.of} examples whose sources neither had learned from."
    )


def _advice(lesson: Lesson) -> Iterator[str]:
    counts = Counter(unit.span.label for unit in lesson.units)
    for label in (*lesson.figures, BACKGROUND):
        sources = {unit.example.source for unit in lesson.units if unit.span.label == label}
        if not sources:
            continue
        if len(sources) < _FEW_SOURCES:
            yield f"{label}: other recordings or days; {len(sources)} so far, {_FEW_SOURCES} or more show what varies"
        elif counts[label] < _FEW_EXAMPLES:
            yield f"{label}: more examples; {counts[label]} so far, {_FEW_EXAMPLES} or more make the figures firm"
    for action, figures in lesson.figures.items():
        if figures is None:
            continue
        held_out = lesson.learned[action].held_out
        is_action = np.array([label == action for label in lesson.rows.labels])
        if figures.mistaken.value > _MANY_MISTAKEN:
            worst = _worst(lesson, np.where(is_action, np.nan, -held_out))
            yield f"background like what is taken for {action}: {worst}"
        if figures.found.value < 1 - _MANY_MISSED:
            yield f"{action} like what is missed: {_worst(lesson, np.where(is_action, held_out, np.nan))}"
    if lesson.unusable:
        names = ", ".join(str(unit) for unit in lesson.unusable[:_NAMED])
        yield f"longer clips: {len(lesson.unusable)} were too short to learn from ({names})"


def _worst(lesson: Lesson, rank: Iterable[float]) -> str:
    """The units with the lowest rank; those without one do not count."""
    known = [(value, str(unit)) for value, unit in zip(rank, lesson.units, strict=True) if not np.isnan(value)]
    return ", ".join(name for value, name in sorted(known)[:_NAMED] if value < 0)
