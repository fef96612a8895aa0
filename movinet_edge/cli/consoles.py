"""Where a command writes to: results on standard output, progress and remarks on standard error."""

import sys

from rich.console import Console

# A pipe has no width. Tables are as wide as what is in them, so this only has to be more than anybody needs.
_UNFOLDED_COLUMNS = 1000


class _Results(Console):
    def on_broken_pipe(self) -> None:
        # Rich would leave with SystemExit, which ends a thread in silence; `main` knows what this error means.
        raise BrokenPipeError


def stdout_console(*, fold_in_pipes: bool = True) -> Console:
    """For results. Without `fold_in_pipes` no cell is broken where a program reads instead of a person."""
    unfolded = not fold_in_pipes and not sys.stdout.isatty()
    return _Results(highlight=False, width=_UNFOLDED_COLUMNS if unfolded else None)


def stderr_console() -> Console:
    """For progress and remarks."""
    return Console(stderr=True, highlight=False)
