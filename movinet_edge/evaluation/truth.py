"""Reads what really happened from files: plain tables and JSON, and the exports of annotation programs."""

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from movinet_edge.api import ConfigurationError
from movinet_edge.evaluation.annotation_programs import activitynet, elan, elan_table, via_project, via_table
from movinet_edge.evaluation.intervals import Interval
from movinet_edge.evaluation.marks import Mark

FORMS = """\
  a table (CSV or TSV) whose first line names the columns video, action, start and end; times in seconds or h:mm:ss
  JSON: [{"video": "a.mp4", "action": "fall", "start": 1.5, "end": 4}, …]
  ActivityNet's JSON, ELAN's .eaf or its tab-delimited text, VIA's project or CSV"""
"""The forms, for people."""

# An hour of film with a mark every second has some hundred kilobytes.
_MOST_BYTES = 50_000_000

_COLUMNS = {
    "video": ("video", "file", "filename", "file_name", "clip"),
    "action": ("action", "label", "class", "activity", "event"),
    "start": ("start", "start_s", "begin", "begin_s", "onset", "from", "t_start"),
    "end": ("end", "end_s", "stop", "offset", "to", "t_end"),
}


def read_truth(path: Path) -> list[Interval]:
    """All occurrences that a file tells of, by video and time; a mark without a video belongs to every video given.

    An empty list, or a table with nothing but its header, says that nothing happens.

    Raises:
        ConfigurationError: the file cannot be read or says something impossible, with the place.
    """
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8-sig") if size <= _MOST_BYTES else ""
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from error
    if size > _MOST_BYTES:
        raise ConfigurationError(f"{path}: has {size / 1e6:.0f} MB; this is no list of occurrences")
    try:
        marks = list(_marks(path, text))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConfigurationError(f"{path}: {_reason(error)}; it may be one of\n{FORMS}") from error
    if not marks and text.strip() != "[]" and _header(text) is None:
        raise ConfigurationError(f"{path}: tells of no occurrence; it may be one of\n{FORMS}")
    return sorted(_intervals(path, marks))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else "is of no form that is known"


def _intervals(path: Path, marks: Iterable[Mark]) -> Iterator[Interval]:
    for mark in marks:
        try:
            yield Interval(mark.video, seconds(mark.start), seconds(mark.end), mark.action.strip())
        except ValueError as error:
            raise ConfigurationError(f"{path}, {mark.place}: {error}") from error


def _marks(path: Path, text: str) -> Iterator[Mark]:
    if path.suffix.lower() == ".eaf" or text.lstrip().startswith("<?xml"):
        return elan(text)
    if text.lstrip()[:1] in ("{", "["):
        return _json(json.loads(text))
    if "# CSV_HEADER" in text:
        return via_table(text)
    return _table(text)


def _json(content: Any) -> Iterator[Mark]:
    if isinstance(content, Mapping) and "database" in content:
        return activitynet(content)
    if isinstance(content, Mapping) and "metadata" in content and "file" in content:
        return via_project(content)
    if not isinstance(content, list):
        raise ValueError("holds neither a list of occurrences nor a known program's export")
    return _json_list(content)


def _json_list(content: list[Any]) -> Iterator[Mark]:
    for number, entry in enumerate(content, 1):
        if not isinstance(entry, Mapping):
            raise ValueError(f"entry {number} is no object with video, action, start and end")
        yield _mark({str(key): value for key, value in entry.items()}, f"entry {number}")


def _table(text: str) -> Iterator[Mark]:
    found = _header(text)
    if found is None:
        yield from elan_table(text)  # which has no header, or one of its own
        return
    header, delimiter = found
    for number, row in enumerate(csv.DictReader(text.splitlines(), fieldnames=header, delimiter=delimiter), 1):
        if number > 1 and any(value for value in row.values()):
            yield _mark(row, f"line {number}")


def _header(text: str) -> tuple[list[str], str] | None:
    """A table's columns, and what is between them; None where the first line does not name them."""
    first, *_ = text.splitlines() or [""]
    delimiter = max("\t,;", key=first.count)
    header = [name.strip().casefold() for name in first.split(delimiter)]
    return (header, delimiter) if set(header) & set(_COLUMNS["start"]) else None


def _mark(entry: Mapping[str, Any], place: str) -> Mark:
    values = {}
    for what, names in _COLUMNS.items():
        found = [entry[name] for name in names if entry.get(name) not in (None, "")]
        if not found and what != "video":
            raise ValueError(f"{place} has no {what} (a column called {' or '.join(names[:3])})")
        values[what] = found[0] if found else ""
    return Mark(str(values["video"]), str(values["action"]), values["start"], values["end"], place)


def seconds(value: object) -> float:
    """Seconds from a number, or from text such as `4.5`, `1:04.5` or `0:01:04.500`.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and re.fullmatch(r"\d+(:[0-5]?\d){0,2}([.,]\d*)?", value.strip()):
        number = 0.0
        for part in value.strip().replace(",", ".").split(":"):
            number = 60.0 * number + float(part)
    else:
        raise ValueError(f"{value!r} is no time; give seconds, or h:mm:ss")
    if not math.isfinite(number) or number < 0.0:
        raise ValueError(f"{value!r} is no time; it must be zero or more and finite")
    return number


def of_videos(truth: Iterable[Interval], videos: Iterable[Path]) -> tuple[list[Interval], list[str]]:
    """The occurrences with the videos' names as given, and names of videos in `truth` that were not given.

    A name in the truth stands for a video if it is its path, its file name, or that without the ending (ActivityNet
    also puts `v_` before it).
    """
    given = [str(video) for video in videos]
    names: dict[str, list[str]] = {}
    for video in given:
        pure = PurePosixPath(video)
        for name in {video, pure.name, pure.stem, pure.stem.removeprefix("v_")}:
            names.setdefault(name, []).append(video)
    found = []
    strangers: dict[str, None] = {}
    for interval in truth:
        pure = PurePosixPath(interval.video)
        if not interval.video:
            known = given
        else:
            known = next((names[name] for name in (interval.video, pure.name, pure.stem) if name in names), [])
        if not known:
            strangers[interval.video] = None
        found += [Interval(video, interval.start_s, interval.end_s, interval.action) for video in known]
    return sorted(found), list(strangers)
