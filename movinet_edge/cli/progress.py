"""A progress bar on standard error for videos: how far, how many times faster than real time, how long still."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from movinet_edge.cli.consoles import stderr_console


class _RealTime(ProgressColumn):
    """Seconds of video per second."""

    def render(self, task: Task) -> Text:
        elapsed_s = task.elapsed or 0.0
        return Text(f"{task.completed / elapsed_s:6.1f}× real time" if elapsed_s > 0.05 else "")


@contextmanager
def video_progress(console: Console | None = None) -> Iterator[Progress]:
    """A bar that counts seconds of video, on standard error or on `console`; hidden where that is no terminal."""
    console = console or stderr_console()
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        _RealTime(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.file.isatty(),
    ) as progress:
        yield progress
