"""Saves scores over time as a picture, the occurrences shaded; needs matplotlib (`pip install movinet-edge[plot]`)."""

from pathlib import Path

from movinet_edge.api import ConfigurationError
from movinet_edge.cli.occurrences import Findings

_SUFFIXES = (".png", ".svg", ".pdf")


def check_plot(path: Path, *, more: tuple[str, ...] = ()) -> None:
    """Find out before a long run whether its plot can be saved; `more` are endings that the caller draws besides.

    Raises:
        ConfigurationError: matplotlib or the folder is missing, or the file's ending is none that we draw.
    """
    if path.suffix.lower() not in (*_SUFFIXES, *more):
        raise ConfigurationError(f"{path}: a plot is saved as {', '.join((*_SUFFIXES, *more))}")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: the plot cannot be saved: there is no folder {path.parent}")
    try:
        import matplotlib.figure  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise ConfigurationError(
            f"--plot needs matplotlib ({error}); install it with: pip install 'movinet-edge[plot]'"
        ) from error


def save_plot(findings: Findings, path: Path, title: str) -> None:
    """Draw the watched actions, or of a long list those that were seen.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.add_subplot()
    for number, action in enumerate(findings.shown_actions):
        colour = f"C{number % 10}"
        axes.plot(findings.times_s, findings.series(action), color=colour, label=action)
        for occurrence in findings.occurrences.values():
            if occurrence.start.action == action:
                ended_s = occurrence.stop.ended_s if occurrence.stop else None
                end_s = findings.times_s[-1] if ended_s is None else ended_s
                axes.axvspan(occurrence.start.started_s, end_s, color=colour, alpha=0.15)
    axes.set(xlabel="seconds of video", ylabel="smoothed score", ylim=(0, 1), title=title)
    axes.margins(x=0)
    if findings.shown_actions:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise ConfigurationError(f"{path}: the plot cannot be saved: {error.strerror or error}") from error
