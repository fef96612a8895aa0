"""Saves what `evaluate` saw: a self-contained page with every video's scores, or a picture of the curves."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from movinet_edge.api import ConfigurationError
from movinet_edge.cli.plot import check_plot
from movinet_edge.evaluation.figures import ActionFigures
from movinet_edge.evaluation.intervals import Found, Interval
from movinet_edge.evaluation.sweep import Suggestion
from movinet_edge.evaluation.tracks import Track

_WIDTH, _HEIGHT, _LEFT, _BAR = 900, 150, 40, 12
# Told apart by people who see few colours (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

_STYLE = """\
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse}
th,td{padding:.2rem .8rem .2rem 0;text-align:right}th:first-child,td:first-child{text-align:left}
svg{width:100%;height:auto}text{font:11px system-ui,sans-serif}
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}text{fill:#eee}}"""


def check_report(path: Path) -> None:
    """Find out before a long run whether the report can be saved.

    Raises:
        ConfigurationError: it cannot.
    """
    if path.suffix.lower() != ".html":
        check_plot(path)
    elif not path.parent.is_dir():
        raise ConfigurationError(f"{path}: the report cannot be saved: there is no folder {path.parent}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that an evaluation has found. `actions` are the columns of the tracks."""

    model: str
    actions: tuple[str, ...]
    tracks: Sequence[Track]
    truth: Sequence[Interval]
    found: Sequence[Found]
    judged: Sequence[ActionFigures]
    suggestions: Sequence[Suggestion]


def save_report(path: Path, outcome: Outcome) -> None:
    """Save it as the file's ending says.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    try:
        if path.suffix.lower() == ".html":
            path.write_text(_page(outcome), encoding="utf-8")
        else:
            _picture(path, outcome)
    except OSError as error:
        raise ConfigurationError(f"{path}: the report cannot be saved: {error.strerror or error}") from error


def _page(outcome: Outcome) -> str:
    videos = "".join(_video(track, outcome) for track in outcome.tracks)
    curves = "".join(_curve(suggestion) for suggestion in outcome.suggestions)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>How good is it?</title><style>{_STYLE}</style><h1>Reported events against what really happened</h1>"
        f"<p>Model {html.escape(outcome.model)}. Dark bars: what happened; pale bars: what was reported; the line is"
        f" the score before smoothing.</p>{_table(outcome.judged)}{curves}{videos}</html>\n"
    )


def _table(judged: Sequence[ActionFigures]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(figures.action)}<td>{counts.overlap:g}<td>{counts.right}<td>{counts.missed}"
        f"<td>{counts.false}<td>{_two(counts.precision)}<td>{_two(counts.recall)}<td>{_two(counts.f1)}</tr>"
        for figures in judged
        if figures.occurrences or figures.false_per_hour
        for counts in figures.counts
    )
    heads = ("action", "overlap", "found", "missed", "false", "precision", "recall", "F1")
    return f"<table><tr>{''.join(f'<th>{head}' for head in heads)}</tr>{rows}</table>"


def _video(track: Track, outcome: Outcome) -> str:
    real = [interval for interval in outcome.truth if interval.video == track.video]
    reported = [finding for finding in outcome.found if finding.video == track.video]
    occurring = {interval.action for interval in real} | {finding.action for finding in reported}
    shown = [name for name in outcome.actions if name in occurring]
    scale = (_WIDTH - _LEFT) / max(track.length_s, 1e-9)
    parts = [_axes(track.length_s)]
    for number, name in enumerate(shown):
        colour = _COLOURS[number % len(_COLOURS)]
        scores = track.scores[:, outcome.actions.index(name)]
        line = " ".join(
            f"{_LEFT + time_s * scale:.1f},{(1 - score) * _HEIGHT:.1f}"
            for time_s, score in zip(track.times_s.tolist(), scores.tolist(), strict=True)
        )
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{line}"/>')
        spans = [(s.start_s, s.end_s, 1.0, "happened") for s in real if s.action == name]
        spans += [(s.start_s, s.end_s, 0.4, "reported") for s in reported if s.action == name]
        top = _HEIGHT + 20 + number * (2 * _BAR + 6)
        for start_s, end_s, opacity, what in spans:
            y = top if opacity == 1.0 else top + _BAR
            parts.append(
                f'<rect x="{_LEFT + start_s * scale:.1f}" y="{y}" width="{max(2.0, (end_s - start_s) * scale):.1f}"'
                f' height="{_BAR}" fill="{colour}" opacity="{opacity}"><title>{html.escape(name)} {what}'
                f" {start_s:.1f} to {end_s:.1f} s</title></rect>"
            )
        parts.append(f'<text x="{_LEFT + 4}" y="{top + _BAR - 2}">{html.escape(name)}</text>')
    height = _HEIGHT + 24 + len(shown) * (2 * _BAR + 6)
    title = html.escape(Path(track.video).name)
    nothing = "" if shown else "<p>Nothing happened and nothing was reported.</p>"
    return (
        f'<h2>{title}</h2>{nothing}<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="scores over time of '
        f'{title}">{"".join(parts)}</svg>'
    )


def _axes(length_s: float) -> str:
    step_s = next((step for step in (1, 2, 5, 10, 30, 60, 300, 600) if length_s / step <= 12), 3600)
    scale = (_WIDTH - _LEFT) / max(length_s, 1e-9)
    ticks = "".join(
        f'<text x="{_LEFT + second * scale:.1f}" y="{_HEIGHT + 14}" text-anchor="middle">{second} s</text>'
        for second in range(0, int(length_s) + 1, step_s)
    )
    levels = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{(1 - level) * _HEIGHT}" y2="{(1 - level) * _HEIGHT}" stroke="#888"'
        f' stroke-width="0.5"/><text x="{_LEFT - 4}" y="{(1 - level) * _HEIGHT + 4}" text-anchor="end">{level:g}</text>'
        for level in (0.0, 0.5, 1.0)
    )
    return ticks + levels


def _curve(suggestion: Suggestion) -> str:
    kinds = ("precision", "recall", "f1")
    lines = []
    for colour, kind in zip(_COLOURS, kinds, strict=False):
        points = [(on, getattr(counts, kind)) for on, counts in suggestion.curve]
        known = [(on, value) for on, value in points if value is not None]
        for (on, value), (next_on, next_value) in pairwise(known):
            lines.append(
                f'<line x1="{_LEFT + on * 400:.1f}" y1="{(1 - value) * _HEIGHT:.1f}" x2="{_LEFT + next_on * 400:.1f}"'
                f' y2="{(1 - next_value) * _HEIGHT:.1f}" stroke="{colour}" stroke-width="2"/>'
            )
    legend = "".join(
        f'<text x="{_LEFT + 420}" y="{20 + 18 * row}" style="fill:{colour}">{"F1" if kind == "f1" else kind}</text>'
        for row, (colour, kind) in enumerate(zip(_COLOURS, kinds, strict=False))
    )
    at = _LEFT + suggestion.trial.on * 400
    mark = f'<line x1="{at}" x2="{at}" y1="0" y2="{_HEIGHT}" stroke="#888" stroke-dasharray="4"/>'
    ticks = "".join(
        f'<text x="{_LEFT + on * 400}" y="{_HEIGHT + 14}" text-anchor="middle">{on:g}</text>' for on in (0.0, 0.5, 1.0)
    )
    name = html.escape(suggestion.action)
    return (
        f'<h2>{name}: what the threshold decides</h2><svg viewBox="0 0 {_WIDTH} {_HEIGHT + 24}" role="img"'
        f' aria-label="precision, recall and F1 of {name} by threshold">{mark}{"".join(lines)}{legend}{ticks}</svg>'
    )


def _picture(path: Path, outcome: Outcome) -> None:
    from matplotlib.figure import Figure

    tracks, suggestions = outcome.tracks, outcome.suggestions
    rows = len(suggestions) + len(tracks)
    figure = Figure(figsize=(10, 2.2 * rows), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, 1))
    for axes, suggestion in zip(panels, suggestions, strict=False):
        for kind in ("precision", "recall", "f1"):
            points = [(on, getattr(counts, kind)) for on, counts in suggestion.curve]
            axes.plot(*zip(*points, strict=True), label="F1" if kind == "f1" else kind)
        axes.axvline(suggestion.trial.on, color="grey", linestyle="--")
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="threshold", title=suggestion.action)
        axes.legend(frameon=False, loc="lower left")
    for axes, track in zip(panels[len(suggestions) :], tracks, strict=True):
        for number, name in enumerate(outcome.actions):
            real = [span for span in outcome.truth if (span.video, span.action) == (track.video, name)]
            told = [span for span in outcome.found if (span.video, span.action) == (track.video, name)]
            if not real and not told:
                continue
            colour = f"C{number % 10}"
            axes.plot(track.times_s, track.scores[:, number], color=colour, label=name)
            for span in real:
                axes.axvspan(span.start_s, span.end_s, 0.5, 1.0, color=colour, alpha=0.15)
            for found in told:
                axes.axvspan(found.start_s, found.end_s, 0.0, 0.5, color=colour, alpha=0.15)
        axes.set(ylim=(0, 1), title=Path(track.video).name)
        axes.margins(x=0)
        if axes.lines:
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    panels[-1].set(xlabel="seconds of video; upper half shaded: happened, lower half: reported")
    figure.savefig(path, dpi=110)


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
