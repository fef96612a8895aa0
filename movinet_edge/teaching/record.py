"""The record of a lesson, kept in the head's card: all that is needed to teach the same head again."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from movinet_edge.api import ConfigurationError
from movinet_edge.heads import Head
from movinet_edge.teaching.examples import Example, Span
from movinet_edge.teaching.seeing import Signals


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RecordedSpan(_Part):
    """A labelled part of a recording."""

    label: str
    start_s: float = 0.0
    end_s: float | None = None


class RecordedExample(_Part):
    """A recording, known again by its content."""

    path: str
    sha256: str | None = Field(default=None, description="null for a live stream, which cannot be seen again")
    source: str
    spans: tuple[RecordedSpan, ...]

    @classmethod
    def of(cls, example: Example) -> "RecordedExample":
        """Note an example down."""
        spans = tuple(RecordedSpan(label=s.label, start_s=s.start_s, end_s=s.end_s) for s in example.spans)
        digest = None if example.seconds is not None else content_digest(Path(example.path))
        path = example.path if digest else example.source  # an address may hold a login
        return cls(path=path, sha256=digest, source=example.source, spans=spans)

    def example(self) -> Example:
        """The example again.

        Raises:
            ConfigurationError: it is gone, or is another file now.
        """
        path = Path(self.path)
        if self.sha256 is None:
            raise ConfigurationError(f"{self.path}: a live stream cannot be seen again, so neither can this lesson")
        if not path.is_file():
            raise ConfigurationError(f"{path}: this example of the record is gone (paths are seen from {Path.cwd()})")
        if content_digest(path) != self.sha256:
            raise ConfigurationError(f"{path}: this file has changed since the head was taught")
        return Example(self.path, tuple(Span(s.label, s.start_s, s.end_s) for s in self.spans), self.source)


class Record(_Part):
    """A lesson's examples and settings, and the penalties that were chosen."""

    examples: tuple[RecordedExample, ...]
    windows: tuple[int, ...]
    fps: float
    memory_window: int
    mirror: bool
    seed: int
    folds: int
    penalties: dict[str, float]

    @property
    def signals(self) -> Signals:
        """What the head looks at."""
        return Signals(self.windows, self.fps, self.memory_window)

    @property
    def digests(self) -> frozenset[str]:
        """Checksums of what was seen."""
        return frozenset(example.sha256 for example in self.examples if example.sha256 is not None)

    @property
    def sources(self) -> frozenset[str]:
        """What the examples came from."""
        return frozenset(example.source for example in self.examples)


def record_of(head: Head) -> Record:
    """The record in a head's card; raises ConfigurationError where there is none."""
    try:
        return Record.model_validate(head.card.record)
    except ValidationError as error:
        raise ConfigurationError(f"head {head.name} has no record of how it was taught: {error}") from error


def content_digest(path: Path) -> str:
    """The sha256 of a file, by which it is known again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
