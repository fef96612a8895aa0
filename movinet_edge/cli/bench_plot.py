"""Draws what `bench` measured as a picture or a page; needs matplotlib (`pip install movinet-edge[plot]`)."""

import html
import io
from pathlib import Path
from typing import Any

from movinet_edge.api import ConfigurationError
from movinet_edge.cli.bench_report import Bench
from movinet_edge.cli.plot import check_plot

_PAGE = ".html"


def check_bench_plot(path: Path) -> None:
    """Find out before a long run whether its plot can be saved.

    Raises:
        ConfigurationError: as of `check_plot`.
    """
    check_plot(path, more=(_PAGE,))


def save_bench_plot(bench: Bench, report: str, path: Path) -> None:
    """Draw the times of the ways beside the stages of the clip; a page has the report below them.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    figure = _draw(bench)
    try:
        if path.suffix.lower() == _PAGE:
            path.write_text(_page(figure, bench, report), encoding="utf-8")
        else:
            figure.savefig(path, dpi=120)
    except OSError as error:
        raise ConfigurationError(f"{path}: the plot cannot be saved: {error.strerror or error}") from error


def _draw(bench: Bench) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    timings = [*bench.measurement.timings, *(bench.threads if len(bench.threads) > 1 else ())]
    names = [timing.name for timing in timings]
    for offset, share in ((-0.25, "p50"), (0.0, "p95"), (0.25, "p99")):
        times_ms = [getattr(timing, f"{share}_ms") for timing in timings]
        left.barh([place + offset for place in range(len(timings))], times_ms, height=0.25, label=share)
    left.set_yticks(range(len(timings)), names)
    left.invert_yaxis()
    left.set(xlabel="ms per frame", title="one stream")
    left.legend(frameon=False)
    stages, begin_ms = bench.stages, 0.0
    for name in ("decode", "convert", "infer", "actions"):
        ms = getattr(stages, f"{name}_ms")
        right.bar([stages.clip], [ms], bottom=begin_ms, width=0.5, label=name)
        begin_ms += ms
    right.set(ylabel="ms per scored frame", title="stages", xlim=(-0.5, 1.0))
    right.legend(frameon=False, loc="upper right")
    figure.suptitle(f"{bench.model} on {bench.runtime}")
    return figure


def _page(figure: Any, bench: Bench, report: str) -> str:
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg")
    picture = drawing.getvalue()
    picture = picture[picture.index("<svg") :]  # an XML declaration may not stand inside a page
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{html.escape(bench.model)}</title>\n'
        f"{picture}\n<pre>{html.escape(report)}</pre>\n</html>\n"
    )
