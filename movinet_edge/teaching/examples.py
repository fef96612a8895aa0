"""What a person shows while teaching: videos, the seconds in which something happens, and where each comes from."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from movinet_edge.api import ConfigurationError, Source
from movinet_edge.heads import BACKGROUND

# As the file source has it; a file named in a table may have any ending.
_VIDEO_SUFFIXES = frozenset({".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm"})
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")
_COLUMNS = ("file", "label", "start_s", "end_s", "source")


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of a video with one label. `end_s` None: to the end."""

    label: str
    start_s: float = 0.0
    end_s: float | None = None

    def holds(self, time_s: float) -> bool:
        """Whether the moment belongs to it."""
        return self.start_s <= time_s and (self.end_s is None or time_s <= self.end_s)

    def meets(self, other: "Span") -> bool:
        """Whether the two share more than a moment."""
        return (other.end_s is None or self.start_s < other.end_s) and (
            self.end_s is None or other.start_s < self.end_s
        )


@dataclass(frozen=True, slots=True)
class Example:
    """A video and what happens in it.

    Attributes:
        path: the file, or the address of a live stream.
        spans: its labelled parts; the rest is not looked at.
        source: what it shares with others, such as the recording it was cut from or the day. Examples of one source
            are never on both sides when a head is tried out.
        seconds: how much of a live stream to look at; None for a file.
        make: makes the source of a stream that is known by a name; None where `path` says it all.
    """

    path: str
    spans: tuple[Span, ...]
    source: str
    seconds: float | None = None
    make: Callable[[], Source] | None = None


def read_examples(given: Iterable[str | Path], label: str, *, stream_s: float) -> list[Example]:
    """Examples from folders, tables, single videos and addresses of streams.

    A folder holds videos of `label`; those in a sub-folder have the sub-folder's name as their label. A table (.csv or
    .tsv) has the columns `file` and `label`, and may have `start_s`, `end_s` and `source`. `stream_s`: how much of a
    live stream to look at.

    Raises:
        ConfigurationError: there is nothing there, or a table is wrong; the text says where.
    """
    examples: list[Example] = []
    for item in given:
        if "://" in str(item):
            # The source ends up in the head's card, and an address may hold a login or a key.
            examples.append(Example(str(item), (Span(label),), f"stream {urlsplit(str(item)).hostname}", stream_s))
            continue
        path = Path(item).expanduser()
        if path.is_dir():
            examples += _from_folder(path, label)
        elif path.suffix.lower() in (".csv", ".tsv"):
            examples += _from_table(path, label)
        elif path.is_file():
            examples.append(Example(str(path), (Span(label),), source_of(path)))
        else:
            raise ConfigurationError(f"{path}: no such folder, table or video, nor the name of a stream in --config")
    return examples


def without_repeats(examples: Iterable[Example]) -> list[Example]:
    """Each example once; what was given twice in the same words counts once.

    Raises:
        ConfigurationError: the same seconds of a recording are given as two different things.
    """
    kept: dict[Example, None] = {}
    seen: dict[Path, list[Span]] = {}
    for example in dict.fromkeys(examples):
        before = seen.setdefault(Path(example.path).resolve(), []) if example.seconds is None else []
        for span in example.spans:
            other = next((one for one in before if one.label != span.label and one.meets(span)), None)
            if other is not None:
                raise ConfigurationError(
                    f"{example.path}: is given as {other.label!r} and as {span.label!r} at once; leave it out of one"
                )
        if not set(example.spans) <= set(before):
            kept[example] = None
        before += example.spans
    return list(kept)


def source_of(path: Path) -> str:
    """What a video shares with others, by its name: the day it was taken on where the name tells, else itself."""
    day = _DAY.search(path.name)
    return "day " + "-".join(day.groups()) if day else path.name


def _from_folder(folder: Path, label: str) -> Iterator[Example]:
    found = False
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.suffix.lower() not in _VIDEO_SUFFIXES or any(part.startswith(".") for part in inside):
            continue
        found = True
        yield Example(str(path), (Span(_named(inside[0]) if len(inside) > 1 else label),), source_of(path))
    if not found:
        raise ConfigurationError(f"{folder}: no videos are in this folder ({', '.join(sorted(_VIDEO_SUFFIXES))})")


def _from_table(table: Path, label: str) -> list[Example]:
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{table}: cannot read the table: {error}") from error
    reader = csv.DictReader(text.splitlines(), delimiter="\t" if table.suffix.lower() == ".tsv" else ",")
    columns = reader.fieldnames or []
    if "file" not in columns or (unknown := [name for name in columns if name not in _COLUMNS]):
        wrong = f"the column {unknown[0]!r} means nothing here" if "file" in columns else "there is no column 'file'"
        raise ConfigurationError(f"{table}: {wrong}; its first line must name some of {', '.join(_COLUMNS)}")
    spans: dict[Path, list[Span]] = {}
    sources: dict[Path, str] = {}
    for row in reader:
        where = f"{table}:{reader.line_num}"
        path = table.parent / (row["file"] or "")
        if not path.is_file():
            raise ConfigurationError(f"{where}: there is no video {path}")
        span = Span(
            _named(row.get("label") or "") or label,
            _seconds(row.get("start_s"), where) or 0.0,
            _seconds(row.get("end_s"), where),
        )
        if span.end_s is not None and span.end_s <= span.start_s:
            raise ConfigurationError(f"{where}: it ends ({span.end_s:g} s) before it starts ({span.start_s:g} s)")
        spans.setdefault(path, []).append(span)
        sources[path] = (row.get("source") or "").strip() or sources.get(path) or source_of(path)
    if not spans:
        raise ConfigurationError(f"{table}: the table is empty")
    return [Example(str(path), tuple(parts), sources[path]) for path, parts in spans.items()]


def _named(text: str) -> str:
    """A label as somebody wrote it; whoever writes Background means none of the actions."""
    text = text.strip()
    return BACKGROUND if text.casefold() == BACKGROUND else text


def _seconds(text: str | None, where: str) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise ConfigurationError(f"{where}: {text!r} is no number of seconds")
    return value
