"""`movinet-edge events export`: a report of a period in one HTML file, with pictures in it and clips beside it."""

import argparse
import json
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from movinet_edge.api import ActionEvent, ConfigurationError, EventType
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import DEFAULT_PATH
from movinet_edge.cli.events_report import Curve, Occurrence, Period, report

if TYPE_CHECKING:
    from movinet_edge.evidence import EvidenceItem

HELP = "make an HTML report of a period"
DESCRIPTION = """\
Write the events of a period into one HTML file that needs nothing else: a timeline, and each event with its picture and
the curve of its scores. Clips are copied into a folder beside it. The daemon may be running."""
EPILOG = """\
examples:
  movinet-edge events export --from 7d --out week.html
  movinet-edge events export --from 2026-01-31T18:00 --to 2026-01-31T23:00 --stream porch --out evening.html"""

# Wide enough for a card of the report on any screen; a tenth of a snapshot's size.
_THUMBNAIL_PX = 360
_THUMBNAIL_QUALITY = 75


def add_arguments(parser: argparse.ArgumentParser, moment: Callable[[str], datetime]) -> None:
    """The options of `export`; `moment` reads a time or an age."""
    # Without a default, which would stand above what was given before `export`.
    parser.add_argument(
        "--config",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help=f"the configuration ({DEFAULT_PATH})",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="the store's folder, instead of --config",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        type=moment,
        metavar="WHEN",
        help="a time (2026-01-31T18:00) or an age (90m, 2d); default: 1d",
    )
    parser.add_argument("--to", dest="end", type=moment, metavar="WHEN", help="likewise; default: now")
    parser.add_argument("--stream", default=argparse.SUPPRESS, metavar="NAME", help="of this stream alone")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="the report")
    parser.add_argument(
        "--clips",
        choices=("copy", "link", "none"),
        default="copy",
        help="copy them beside the report, link to where they are on this machine, or leave them out (%(default)s)",
    )


def export(args: argparse.Namespace, state_dir: Path) -> int:
    """Write the report."""
    out: Path = args.out
    if not out.absolute().parent.is_dir():
        raise ConfigurationError(f"--out {out}: there is no folder {out.absolute().parent}; make it first")
    now = datetime.now(UTC)
    period = Period(args.begin or now - timedelta(days=1), args.end or now)
    if period.begin >= period.end:
        raise ConfigurationError("--from is not before --to, so nothing can lie between them")
    # A file that is played faster than it was filmed has events ahead of now, so there is no end unless one is given.
    events = _events(state_dir, period.begin, args.end, args.stream)
    occurrences = _occurrences(state_dir, events, _clip_linker(args.clips, out))
    beside = out.with_name(f".{out.name}.new")
    beside.write_text(report(occurrences, period, args.stream), encoding="utf-8")
    beside.replace(out)
    clips = sum(one.clip is not None for one in occurrences)
    print(f"{out}: {len(occurrences)} events, {clips} of them with a clip")
    return exit_codes.OK


def _events(state_dir: Path, since: datetime, until: datetime | None, stream: str | None) -> list[ActionEvent]:
    from movinet_edge.delivery import EventHistory

    with EventHistory(state_dir / "outbox.db") as history:
        return history.query(since=since, until=until, stream=stream)


def _occurrences(
    state_dir: Path, events: Iterable[ActionEvent], link: Callable[[Path], str | None]
) -> list[Occurrence]:
    from movinet_edge.evidence import EVIDENCE_FOLDER, EvidenceStore

    store = EvidenceStore(state_dir / EVIDENCE_FOLDER)
    return [_occurrence(event, store.find(event.id), link) for event in _last_words(events)]


def _last_words(events: Iterable[ActionEvent]) -> list[ActionEvent]:
    """Of each occurrence its stop, or what was told last; by the time of the start."""
    last: dict[str, ActionEvent] = {}
    for event in events:
        if event.id not in last or last[event.id].event_type is not EventType.STOP:
            last[event.id] = event
    return sorted(last.values(), key=lambda event: (event.started_at, event.id))


def _occurrence(event: ActionEvent, items: "Iterable[EvidenceItem]", link: Callable[[Path], str | None]) -> Occurrence:
    picture: bytes | None = None
    clip: str | None = None
    curve: Curve | None = None
    for item in items:
        try:
            if item.kind == "snapshot":
                picture = picture or _thumbnail(item.path)
            elif item.kind == "clip":
                clip = link(item.path)
            else:
                curve = Curve.read(json.loads(item.path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            continue  # it was deleted a moment ago, or is damaged: the event is shown without
    return Occurrence(event, picture, clip, curve)


def _thumbnail(path: Path) -> bytes | None:
    """A small JPEG of a picture; None when it is none."""
    import cv2
    import numpy as np

    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    height, width = image.shape[:2]
    if width > _THUMBNAIL_PX:
        size_px = (_THUMBNAIL_PX, max(1, round(height * _THUMBNAIL_PX / width)))
        image = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY))[1])


def _clip_linker(how: str, out: Path) -> Callable[[Path], str | None]:
    folder = out.absolute().with_name(f"{out.stem}-clips")

    def copied(path: Path) -> str:
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / path.name)
        return f"{folder.name}/{path.name}"

    match how:
        case "copy":
            return copied
        case "link":
            return lambda path: str(path.absolute())
        case _:
            return lambda _: None
