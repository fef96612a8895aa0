"""A progress bar on standard error for downloads; nothing is loaded for it until one begins."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from movinet_edge.library import Progress as BytesProgress

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def download_progress(what: str) -> Iterator[BytesProgress]:
    """A bar that counts bytes and appears with the first of them."""
    with ExitStack() as stack:
        bars: list[Progress] = []

        def advance(done: int, total: int | None) -> None:
            if not bars:
                bars.append(stack.enter_context(_bar()))
                bars[0].add_task(what, total=total)
            bars[0].update(bars[0].task_ids[0], completed=done, total=total)

        yield advance


def _bar() -> "Progress":
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from movinet_edge.cli.consoles import stderr_console

    console = stderr_console()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.file.isatty(),
    )
