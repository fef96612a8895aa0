"""`movinet-edge events export`: a report of a period in one HTML file, with pictures in it and clips beside it."""

import argparse
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from movinet_edge.api import ActionEvent, ConfigurationError, EventType
from movinet_edge.cli import exit_codes
from movinet_edge.cli.configured import add_store_arguments
from movinet_edge.cli.events_report import Curve, Period, Shown, report

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

# The newest events, to say which streams there are.
_LOOKED_THROUGH = 1000


def add_arguments(parser: argparse.ArgumentParser, moment: Callable[[str], datetime]) -> None:
    """The options of `export`; `moment` reads a time or an age."""
    add_store_arguments(parser, again=True)
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
    if out.is_dir():
        raise ConfigurationError(f"--out {out}: that is a folder; name a file, for example {out / 'report.html'}")
    now = datetime.now(UTC)
    period = Period(args.begin or now - timedelta(days=1), args.end or now)
    if period.begin >= period.end:
        raise ConfigurationError("--from is not before --to, so nothing can lie between them")
    # A file that is played faster than it was filmed has events ahead of now, so there is no end unless one is given.
    events, others = _events(state_dir, period.begin, args.end, args.stream)
    clips = _Clips(args.clips, out)
    _write(out, report(events, period, args.stream, _looker(state_dir, clips.link)))
    print(f"{out}: {len(events)} events, {clips.linked} of them with a clip")
    if others is not None:
        known = f"; there are events of: {', '.join(others)}" if others else ""
        print(f"No event of a stream {args.stream!r} is stored at all{known}")
    return exit_codes.OK


def _write(out: Path, pieces: Iterator[str]) -> None:
    beside = out.with_name(f".{out.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(pieces)
        beside.replace(out)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _events(
    state_dir: Path, since: datetime, until: datetime | None, stream: str | None
) -> tuple[list[ActionEvent], list[str] | None]:
    """What was told last of each occurrence; and the streams that there are, when none of that name is known."""
    from movinet_edge.delivery import EventHistory

    with EventHistory(state_dir / "outbox.db") as history:
        events = _last_words(history.query(since=since, until=until, stream=stream))
        if events or stream is None or history.query(stream=stream, limit=1):
            return events, None
        return events, sorted({event.stream for event in history.query(limit=_LOOKED_THROUGH)})


def _last_words(events: Iterable[ActionEvent]) -> list[ActionEvent]:
    """Of each occurrence its stop, or what was told last; by the time of the start."""
    last: dict[str, ActionEvent] = {}
    for event in events:
        if event.id not in last or last[event.id].event_type is not EventType.STOP:
            last[event.id] = event
    return sorted(last.values(), key=lambda event: (event.started_at, event.id))


def _looker(state_dir: Path, link: Callable[[Path], str | None]) -> Callable[[ActionEvent], Shown]:
    from movinet_edge.evidence import EVIDENCE_FOLDER, EvidenceStore

    store = EvidenceStore(state_dir / EVIDENCE_FOLDER)

    def look(event: ActionEvent) -> Shown:
        picture: bytes | None = None
        clip: str | None = None
        curve: Curve | None = None
        for item in store.find(event.id):
            try:
                if item.kind == "snapshot":
                    picture = picture or _thumbnail(item.path)
                elif item.kind == "clip":
                    clip = link(item.path)
                else:
                    curve = Curve.read(json.loads(item.path.read_text(encoding="utf-8")))
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                continue  # it was deleted a moment ago, or is damaged: the event is shown without
        return Shown(picture, clip, curve)

    return look


def _thumbnail(path: Path) -> bytes | None:
    """A small JPEG of a picture; None when it is none."""
    import cv2
    import numpy as np

    data = path.read_bytes()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        return None
    height, width = image.shape[:2]
    if width > _THUMBNAIL_PX:
        size_px = (_THUMBNAIL_PX, max(1, round(height * _THUMBNAIL_PX / width)))
        image = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY))[1])


class _Clips:
    """Where the report says that clips are; counts them."""

    def __init__(self, how: str, out: Path) -> None:
        self._how = how
        self._folder = out.absolute().with_name(f"{out.stem}-clips")
        self.linked = 0

    def link(self, path: Path) -> str | None:
        if self._how == "none":
            return None
        link = str(path.absolute()) if self._how == "link" else self._copied(path)
        self.linked += 1
        return link

    def _copied(self, path: Path) -> str:
        self._folder.mkdir(exist_ok=True)
        shutil.copyfile(path, self._folder / path.name)
        return f"{self._folder.name}/{path.name}"
