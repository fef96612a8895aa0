"""Looking back: the stored events of a period, and the picture, the clip and the scores of each."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from movinet_edge.api import ActionEvent
from movinet_edge.delivery import EventHistory, OutboxUnavailable
from movinet_edge.evidence import EVIDENCE_FOLDER, EvidenceStore, Kind
from movinet_edge.web.daemon import Daemon
from movinet_edge.web.guard import Guard
from movinet_edge.web.live import LiveView
from movinet_edge.web.occurrences import occurrences
from movinet_edge.web.sessions import Role

_MOST_EVENTS = 4000
"""Stored events that one answer is made of: a very busy day, and about a second of work for a Raspberry Pi."""

_LONGEST_PERIOD = timedelta(days=32)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_DAY, _ROUNDED = timedelta(days=1), timedelta(seconds=1)

_BEFORE_S, _AFTER_S = 8.0, 8.0
"""How much of the scores around an event its curve shows."""


class Events:
    """The handlers."""

    def __init__(self, daemon: Daemon, guard: Guard, live: LiveView) -> None:
        self._daemon, self._guard, self._live = daemon, guard, live
        self._evidence = EvidenceStore(daemon.state_dir / EVIDENCE_FOLDER)

    def add_routes(self, app: web.Application) -> None:
        """`/api/events…` and the history of a stream's scores."""
        for path, handler in (
            ("/api/events", self.of_period),
            ("/api/events/{id}/snapshot", self.snapshot),
            ("/api/events/{id}/clip", self.clip),
            ("/api/events/{id}/curve", self.curve),
            ("/api/streams/{stream}/history", self.history),
        ):
            app.router.add_get(path, self._guard.needs(Role.VIEW, handler))

    async def of_period(self, request: web.Request) -> web.Response:
        """The occurrences of a period, newest first, perhaps of one stream, one action or from a score on."""
        query = request.query
        since, until = _moment(query, "since"), _moment(query, "until")
        if not timedelta(0) < until - since <= _LONGEST_PERIOD:
            raise web.HTTPBadRequest(text=f"a period is up to {_LONGEST_PERIOD.days} days, from since to until")
        min_score = _fraction(query, "min_score")
        events = await self._query(
            since=since,
            until=until,
            stream=query.get("stream") or None,
            action=query.get("action") or None,
            limit=_MOST_EVENTS,
        )
        rows = [row for row in occurrences(events) if row["peak_score"] >= min_score]
        return web.json_response({"events": rows, "complete": len(events) < _MOST_EVENTS})

    async def snapshot(self, request: web.Request) -> web.StreamResponse:
        """The picture of an event: of its peak if it has stopped, else of its start."""
        event_id = request.match_info["id"]
        pictures = await self._find(event_id, "snapshot")
        if not pictures:  # where it is kept by the event's own word
            events = await self._of_id(event_id)
            pictures = [Path(event.snapshot) for event in reversed(events) if event.snapshot is not None]
        return await self._file(pictures, "picture")

    async def clip(self, request: web.Request) -> web.StreamResponse:
        """The video of an event; in parts, if the browser asks so."""
        return await self._file(await self._find(request.match_info["id"], "clip"), "clip")

    async def curve(self, request: web.Request) -> web.Response:
        """The scores around an event: those that are kept with it, or else that are still remembered."""
        kept = await self._find(request.match_info["id"], "scores")
        if kept:
            with contextlib.suppress(OSError, ValueError, KeyError):  # deleted meanwhile, or of another version
                return web.json_response(_kept_curve(await asyncio.to_thread(kept[0].read_text, encoding="utf-8")))
        events = await self._of_id(request.match_info["id"])
        last = events[-1]
        began_s = last.started_at.timestamp()
        ended_s = None if last.ended_at is None else last.ended_at.timestamp()
        actions, scores = self._live.history(last.stream)
        if last.action not in actions:
            raise web.HTTPNotFound(text="the scores of this event are not kept")
        index = actions.index(last.action)
        until_s = (ended_s if ended_s is not None else datetime.now(UTC).timestamp()) + _AFTER_S
        points = [
            [round(score.at_s, 3), round(float(score.smoothed[index]), 4)]
            for score in scores
            if began_s - _BEFORE_S <= score.at_s <= until_s
        ]
        if not points or points[0][0] > began_s + 1.0:
            raise web.HTTPNotFound(text="the scores of this event are not kept")
        return web.json_response({"points": points, "started": began_s, "ended": ended_s, "levels": []})

    async def history(self, request: web.Request) -> web.Response:
        """The last minutes of a stream's scores."""
        actions, scores = self._live.history(request.match_info["stream"])
        points = [[round(s.at_s, 2), *(round(value, 3) for value in s.smoothed.tolist())] for s in scores]
        return web.json_response({"actions": actions, "points": points})

    async def _find(self, event_id: str, kind: Kind) -> list[Path]:
        found = await asyncio.to_thread(self._evidence.find, event_id)
        return [item.path for item in found if item.kind == kind]

    async def _file(self, paths: list[Path], what: str) -> web.FileResponse:
        """The first that is there."""
        for path in paths:
            if await asyncio.to_thread(self._may_hand_out, path):
                return web.FileResponse(path)  # which no browser keeps, as no other answer
        raise web.HTTPNotFound(text=f"there is no {what} of this event, or no longer")

    async def _of_id(self, event_id: str) -> list[ActionEvent]:
        if not _ID.fullmatch(event_id):
            raise web.HTTPNotFound(text="that is not the id of an event")
        # The id begins with the time of its start, in milliseconds.
        began_s = int(event_id.replace("-", "")[:12], 16) / 1000
        if began_s > time.time() + _DAY.total_seconds():  # also what no calendar has
            raise web.HTTPNotFound(text="there is no such event")
        began = datetime.fromtimestamp(began_s, UTC)
        around = await self._query(since=began - _ROUNDED, until=began + _DAY)
        events = [event for event in around if event.id == event_id]
        if not events:
            raise web.HTTPNotFound(text="there is no such event, or no longer")
        return events

    async def _query(self, **wanted: Any) -> list[ActionEvent]:
        def query() -> list[ActionEvent]:
            with EventHistory(self._daemon.events_path) as history:
                return history.query(**wanted)

        try:
            return await asyncio.to_thread(query)
        except OutboxUnavailable as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from error

    def _may_hand_out(self, path: Path) -> bool:
        """Only what the daemon itself has put into its state folder, whatever an event says."""
        return path.is_file() and path.resolve().is_relative_to(self._daemon.state_dir.resolve())


def _kept_curve(text: str) -> dict[str, Any]:
    """A curve as it is stored, with times in seconds since 1970."""
    curve = json.loads(text)
    began_s = datetime.fromisoformat(curve["started_at"]).timestamp()
    return {
        "points": [[began_s + at_s, score] for at_s, score in zip(curve["times_s"], curve["scores"], strict=True)],
        "started": began_s,
        "ended": began_s + curve["ended_s"],
        "levels": [curve["on"], curve["off"]],
    }


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(query[name])
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (KeyError, ValueError):
        raise web.HTTPBadRequest(text=f"{name} is to be a moment such as 2026-01-31T08:00:00Z") from None


def _fraction(query: Mapping[str, str], name: str) -> float:
    try:
        value = float(query.get(name) or 0.0)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise web.HTTPBadRequest(text=f"{name} is to be a score from 0 to 1")
    return value
