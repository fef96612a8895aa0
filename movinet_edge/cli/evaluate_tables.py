"""The tables of `evaluate`: how good every action is, and what would have been better."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from movinet_edge.evaluation.figures import ActionFigures
from movinet_edge.evaluation.sweep import Suggestion

# A stream that watches every label has hundreds; of these the ones that occur or were reported are told.
_SHORT = 12


def print_figures(console: Console, judged: Sequence[ActionFigures], *, hours: float, videos: int) -> None:
    """One row for each action and overlap; `right` is the share of the reports that are."""
    table = Table(
        title=Text(f"{videos} video{'' if videos == 1 else 's'}, {hours * 60:.1f} minutes"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("action", overflow="fold", min_width=8)
    for column in ("overlap", "found", "right", "F1", "told after", "end off by", "false/h"):
        table.add_column(column, justify="right")
    shown = [figures for figures in judged if len(judged) <= _SHORT or figures.occurrences or figures.false_per_hour]
    for figures in shown:
        for place, counts in enumerate(figures.counts):
            once = (
                _seconds(figures.report_delay_s, sign=False),
                _seconds(figures.end_error_s, sign=True),
                f"{figures.false_per_hour:.1f}",
            )
            table.add_row(
                Text(figures.action if place == 0 else ""),
                f"{counts.overlap:g}",
                f"{counts.right} of {counts.right + counts.missed}",
                _percent(counts.precision),
                _two(counts.f1),
                *(once if place == 0 else ("", "", "")),
            )
    console.print(table)
    if len(shown) < len(judged):
        console.print(Text(f"{len(judged) - len(shown)} actions neither happened nor were reported"))


def print_suggestions(console: Console, suggestions: Sequence[Suggestion]) -> None:
    """What would have been best, and how far to trust it."""
    table = Table(title="what would have been best", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("action", overflow="fold", min_width=12)
    for column in ("on", "off", "min_duration", "half_life", "F1 here", "F1 elsewhere"):
        table.add_column(column, justify="right")
    for suggestion in suggestions:
        trial = suggestion.trial
        table.add_row(
            Text(suggestion.action),
            f"{trial.on:g}",
            f"{trial.off:g}",
            f"{trial.min_duration_s:g} s",
            f"{trial.half_life_s:g} s",
            _two(suggestion.counts.f1),
            "" if suggestion.elsewhere is None else _two(suggestion.elsewhere.f1),
        )
    console.print(table)
    console.print(
        "here: on the videos it was chosen by, so too good. elsewhere: each video judged with what the others suggest."
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _seconds(value: float | None, *, sign: bool) -> str:
    if value is None:
        return ""
    return f"{value:+.1f} s" if sign else f"{value:.1f} s"
