"""What is wrong with a configuration, told to the person who wrote it: where, what, and what would be right."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from movinet_edge.api import ConfigurationError

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top of the document down to a value."""

_PLAIN_KEY = re.compile(r"[\w-]+")


def format_key_path(path: KeyPath) -> str:
    """`("streams", 0, "actions", "waving")` → `streams[0].actions.waving`; odd keys are quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was most likely meant to be, or None when nothing is close."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    matches = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right.

    Attributes:
        file: the file, or in words the environment variable or credential, that the value came from.
        line: counted from 1; None where there is no line to point at.
        column: counted from 1.
        key_path: for example `streams[0].actions.waving.on`; empty when it concerns the whole file.
        reason: what is wrong, in plain words.
        suggestion: what was probably meant.
    """

    file: str | None
    line: int | None
    column: int | None
    key_path: str
    reason: str
    suggestion: str | None = None

    def __str__(self) -> str:
        where = self.file or ""
        if self.file and self.line is not None:
            where += f":{self.line}"
        hint = f"; did you mean {self.suggestion!r}?" if self.suggestion else ""
        return ": ".join(part for part in (where, self.key_path, self.reason + hint) if part)


class ConfigurationProblems(ConfigurationError):
    """Everything that is wrong with a configuration, at once; its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
