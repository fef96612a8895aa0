"""The HTML of `events export`. Pure; everything that comes from outside is escaped, and nothing is loaded or run."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from movinet_edge.api import ActionEvent, StopReason

# Distinct from each other for most eyes, on white and on black. Source: Okabe and Ito, "Color Universal Design".
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

_HOURS_SHOWN = range(0, 25, 3)

# One unit of a day's drawing is a minute and a half.
_DAY_WIDTH, _ROW_HEIGHT = 960, 18
_CURVE_WIDTH, _CURVE_HEIGHT = 320, 70

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --mute: light-dark(#595959, #adadad) }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
.mute { color: var(--mute) }
table { border-collapse: collapse } th, td { padding: .2rem 1.2rem .2rem 0; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
th { font-weight: 600; border-bottom: 1px solid var(--line) }
svg { display: block; max-width: 100% } svg text { fill: currentColor; font: 11px system-ui, sans-serif }
.events { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); padding: 0 }
.events li { list-style: none; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden;
  break-inside: avoid }
.events img { display: block; width: 100%; height: auto; background: var(--soft) }
.events div { padding: .6rem .8rem .8rem } .events h3 { margin: 0; font-size: 1rem }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em }
"""


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` on, until before `end`."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Curve:
    """The scores of an occurrence; times in seconds since its start, scores 0 to 1."""

    on: float
    off: float
    ended_s: float
    points: tuple[tuple[float, float], ...]

    @classmethod
    def read(cls, found: Any) -> "Curve":
        """From the JSON of a score curve; raises ValueError, KeyError or TypeError for anything else."""
        points = zip(map(float, found["times_s"]), map(float, found["scores"]), strict=True)
        return cls(float(found["on"]), float(found["off"]), float(found["ended_s"]), tuple(points))


@dataclass(frozen=True, slots=True)
class Shown:
    """What shows an event.

    Attributes:
        picture: a JPEG.
        clip: the path of an MP4, relative to the report or absolute.
    """

    picture: bytes | None
    clip: str | None
    curve: Curve | None


def report(
    events: Sequence[ActionEvent], period: Period, stream: str | None, shown: Callable[[ActionEvent], Shown]
) -> Iterator[str]:
    """The page, piece by piece, since its pictures may not fit into memory; times are in this machine's zone.

    `events` hold what was told last of each occurrence; `shown` is asked for one after the other.
    """
    where = "all streams" if stream is None else f"stream {stream}"
    span = f"{_moment(period.begin)} to {_moment(period.end)} ({period.end.astimezone():%Z})"
    colours = _colours(events)
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:;'
        " style-src 'unsafe-inline'\">\n"
        f"<title>Events of {_text(where)}, {_text(span)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Events of {_text(where)}</h1>\n<p class=mute>{_text(span)}</p>\n"
    )
    if events:
        yield from _overview(events, colours)
        yield from _timelines(events, colours)
        yield "<h2>Each event</h2>\n<ul class=events>\n"
        for event in events:
            yield _card(event, shown(event), colours) + "\n"
        yield "</ul>"
    else:
        yield "<p>Nothing happened in this time.</p>"
    yield "\n</body>\n</html>\n"


def _text(value: object) -> str:
    return escape(str(value), quote=True)


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _seconds(duration_s: float) -> str:
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{duration_s:.1f} s" if duration_s < 10 else f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def _colours(events: Iterable[ActionEvent]) -> dict[str, str]:
    names = sorted({event.action for event in events})
    return {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}


def _overview(events: Iterable[ActionEvent], colours: dict[str, str]) -> list[str]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        found[event.stream, event.action].append(event.duration_s)
    rows = [
        f"<tr><td>{_text(stream)}<td>{_dot(colours[action])}{_text(action)}<td class=number>{len(durations_s)}"
        f"<td class=number>{_seconds(sum(durations_s))}<td class=number>{_seconds(max(durations_s))}"
        for (stream, action), durations_s in sorted(found.items())
    ]
    head = "<tr><th>stream<th>action<th class=number>times<th class=number>in all<th class=number>longest"
    return ["<h2>In short</h2>", f"<table>{head}{''.join(rows)}</table>"]


def _dot(colour: str) -> str:
    return f'<span class=dot style="background:{colour}"></span>'


def _timelines(events: Iterable[ActionEvent], colours: dict[str, str]) -> Iterator[str]:
    days: dict[str, list[ActionEvent]] = defaultdict(list)
    for event in events:
        days[f"{event.started_at.astimezone():%Y-%m-%d}"].append(event)
    yield "<h2>When</h2>\n"
    for day, of_day in sorted(days.items()):
        yield f"<p class=mute>{day}</p>{_day(day, of_day, colours)}\n"


def _day(day: str, events: Sequence[ActionEvent], colours: dict[str, str]) -> str:
    streams = sorted({event.stream for event in events})
    left, height = 110, _ROW_HEIGHT * len(streams) + 18
    drawn = []
    for hour in _HOURS_SHOWN:
        x = left + _DAY_WIDTH * hour / 24
        drawn.append(
            f'<line x1="{x:g}" y1="0" x2="{x:g}" y2="{height - 16}" stroke="currentColor" stroke-opacity=".2"/>'
            f'<text x="{x:g}" y="{height - 3}" text-anchor="middle">{hour:02}:00</text>'
        )
    for row, stream in enumerate(streams):
        shown = stream if len(stream) <= 16 else f"{stream[:15]}…"
        drawn.append(f'<text x="0" y="{row * _ROW_HEIGHT + 13}">{_text(shown)}</text>')
    for event in events:
        begin = event.started_at.astimezone()
        since_midnight = begin - begin.replace(hour=0, minute=0, second=0, microsecond=0)
        x = left + _DAY_WIDTH * (since_midnight / timedelta(days=1))
        width = max(2.0, min(_DAY_WIDTH * event.duration_s / 86_400, left + _DAY_WIDTH - x))
        drawn.append(
            f'<rect x="{x:.1f}" y="{streams.index(event.stream) * _ROW_HEIGHT + 3}" width="{width:.1f}" height="12"'
            f' fill="{colours[event.action]}"><title>{_text(event.action)}, {begin:%H:%M:%S}</title></rect>'
        )
    label = f"{len(events)} events of {day}"
    return (
        f'<svg viewBox="0 0 {left + _DAY_WIDTH + 20} {height}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    )


def _card(event: ActionEvent, one: Shown, colours: dict[str, str]) -> str:
    begin = event.started_at.astimezone()
    name = f"{_text(event.action)} on {_text(event.stream)}"
    picture = ""
    if one.picture is not None:
        picture = f'<img alt="{name}" src="data:image/jpeg;base64,{b64encode(one.picture).decode()}">'
    facts = [f"{begin:%Y-%m-%d %H:%M:%S}", _seconds(event.duration_s), f"score up to {event.peak_score:.0%}"]
    if event.reason is not StopReason.BELOW:
        facts.append("goes on" if event.reason is None else f"cut short: {event.reason.value.replace('_', ' ')}")
    link = "" if one.clip is None else f'<p><a href="{_text(quote(one.clip))}">Play the clip</a></p>'
    curve = "" if one.curve is None else _drawn(one.curve, colours[event.action])
    return (
        f'<li id="{_text(event.id)}">{picture}<div><h3>{_dot(colours[event.action])}{name}</h3>'
        f"<p class=mute>{_text(' · '.join(facts))}</p>{curve}{link}</div></li>"
    )


def _drawn(curve: Curve, colour: str) -> str:
    if len(curve.points) < 2:
        return ""
    begin_s, end_s = curve.points[0][0], max(curve.points[-1][0], curve.points[0][0] + 0.1)

    def x(time_s: float) -> float:
        return min(1.0, max(0.0, (time_s - begin_s) / (end_s - begin_s))) * _CURVE_WIDTH

    def y(score: float) -> float:
        return (1.0 - min(1.0, max(0.0, score))) * _CURVE_HEIGHT

    def across(level: float, dash: str) -> str:
        return (
            f'<line x1="0" x2="{_CURVE_WIDTH}" y1="{y(level):.1f}" y2="{y(level):.1f}" stroke="currentColor"'
            f' stroke-opacity=".5" stroke-dasharray="{dash}"/>'
        )

    span = f'<rect x="{x(0):.1f}" width="{x(curve.ended_s) - x(0):.1f}" height="{_CURVE_HEIGHT}" fill-opacity=".15"'
    path = " ".join(f"{x(time_s):.1f},{y(score):.1f}" for time_s, score in _thinned(curve.points))
    label = f"score over time; begins at {curve.on:.0%}, ends below {curve.off:.0%}"
    return (
        f'<svg viewBox="0 0 {_CURVE_WIDTH} {_CURVE_HEIGHT}" role="img" aria-label="{label}">{span} fill="{colour}"/>'
        f"{across(curve.on, '6 3')}{across(curve.off, '2 3')}"
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/></svg>'
    )


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """A long curve with two points for each unit that it is wide: the lowest and the highest, so no peak is lost."""
    length = -(-len(points) // _CURVE_WIDTH)
    if length <= 2:
        return points
    stretches = (points[begin : begin + length] for begin in range(0, len(points), length))
    return [
        point
        for stretch in stretches
        for point in sorted({min(stretch, key=itemgetter(1)), max(stretch, key=itemgetter(1))})
    ]
