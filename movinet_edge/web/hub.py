"""The live socket: status, scores, events and pictures to every page that is open, and nothing when none is."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import structlog
from aiohttp import WSMsgType, web

from movinet_edge.api import ActionEvent
from movinet_edge.daemon.observers import ScoredFrame
from movinet_edge.daemon.snapshots import encoded
from movinet_edge.web.daemon import Daemon
from movinet_edge.web.guard import SESSION, Guard
from movinet_edge.web.live import MOST_ACTIONS, LiveView
from movinet_edge.web.sessions import Role, Session
from movinet_edge.web.viewer import Viewer

_log = structlog.get_logger(__name__)

_STATUS_EVERY_S = 1.0
_MOST_VIEWERS = 24
"""Each is a connection and a share of the encoding; a household has fewer."""

_QUALITY = 70
"""Of the JPEGs: about 25 kB at 640×360."""

_TOP = 5
_PING_S = 20.0
"""A phone that has left the room is noticed by this."""

_LONGEST_MESSAGE = 8192


class Hub:
    """Everybody who looks on. Its own methods run in the page's loop, except those that say otherwise."""

    def __init__(self, daemon: Daemon, guard: Guard, loop: asyncio.AbstractEventLoop) -> None:
        self._daemon, self._guard, self._sessions, self._loop = daemon, guard, guard.sessions, loop
        self.live = LiveView(self._on_scored)
        self._viewers: dict[Viewer, Session] = {}
        self._followers: dict[str, set[Callable[[dict[str, Any]], None]]] = {}
        self._encoding: set[tuple[str, int]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling: asyncio.Task[None] | None = None

    def add_routes(self, app: web.Application) -> None:
        """`/api/live`."""
        app.router.add_get("/api/live", self._guard.needs(Role.VIEW, self.socket))

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """`/api/live`."""
        if len(self._viewers) >= _MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"{_MOST_VIEWERS} pages are open already; close one of them")
        session = request[SESSION]
        # Not compressed: JPEGs cannot be, and to try would take more than to encode them.
        socket = web.WebSocketResponse(heartbeat=_PING_S, max_msg_size=_LONGEST_MESSAGE, compress=False)
        await socket.prepare(request)
        viewer = Viewer(socket)
        session.on_close.append(viewer.close)
        self._viewers[viewer] = session
        if self._telling is None or self._telling.done():
            self._telling = self._spawn(self._tell_status())
        sending = asyncio.create_task(self._send(viewer, socket))
        try:
            viewer.send_newest("status", await self._status())
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                viewer.watch(json.loads(message.data))
                self._wanted_changed()
        except (ValueError, RecursionError):  # of a page that is not ours
            await socket.close(code=1008)
        finally:
            del self._viewers[viewer]
            if viewer.close in session.on_close:
                session.on_close.remove(viewer.close)
            self._wanted_changed()
            sending.cancel()
        return socket

    def follow(self, stream: str, follower: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
        """Tell somebody of each scored frame of a stream and of its events; call the result to end that."""
        self._followers.setdefault(stream, set()).add(follower)

        def leave() -> None:
            self._followers[stream].discard(follower)

        return leave

    def on_event(self, event: ActionEvent) -> None:
        """An event was stored. From any thread."""
        if self._viewers or self._followers:
            self._loop.call_soon_threadsafe(self._tell_event, event)

    async def tell_status(self) -> None:
        """Something was changed by command: show it at once."""
        status = await self._status()
        for viewer in self._viewers:
            viewer.send_newest("status", status)

    async def close(self) -> None:
        """Send everybody away."""
        for viewer in list(self._viewers):
            viewer.close()
        for task in list(self._tasks):
            task.cancel()

    async def _send(self, viewer: Viewer, socket: web.WebSocketResponse) -> None:
        try:
            await viewer.run()
        except (ConnectionError, RuntimeError):  # it has gone
            return
        await socket.close(code=1001)

    def _wanted_changed(self) -> None:
        widest: dict[str, int] = {}
        for viewer in self._viewers:
            for stream, width_px in viewer.widths_px.items():
                widest[stream] = max(widest.get(stream, 0), width_px)
        self.live.watch(widest)

    def _on_scored(self, seen: ScoredFrame, at_s: float) -> None:
        """From the thread that scores."""
        if self._viewers or self._followers.get(seen.stream):
            self._loop.call_soon_threadsafe(self._tell_scores, seen, at_s)

    def _tell_scores(self, seen: ScoredFrame, at_s: float) -> None:
        message = scores_message(seen, at_s, self._daemon.labels(seen.stream))
        for follower in list(self._followers.get(seen.stream, ())):
            follower(message)
        if not self._viewers:
            return
        text = json.dumps(message)
        widths_px = set()
        for viewer in self._viewers:
            viewer.send_newest(f"scores {seen.stream}", text)
            if viewer.wants_picture(seen.stream):
                widths_px.add(viewer.widths_px[seen.stream])
        for width_px in widths_px:
            if (seen.stream, width_px) not in self._encoding:
                self._spawn(self._picture(seen, width_px))

    async def _picture(self, seen: ScoredFrame, width_px: int) -> None:
        self._encoding.add((seen.stream, width_px))
        try:
            size_px = self.live.picture_size(seen, width_px)
            picture = await asyncio.to_thread(encoded, seen.frame, ".jpg", size_px=size_px, quality=_QUALITY)
        except Exception as error:  # noqa: BLE001  # OpenCV's errors are its own; without a picture the scores go on
            _log.debug("no picture for the page", stream=seen.stream, reason=str(error))
            return
        finally:
            self._encoding.discard((seen.stream, width_px))
        for viewer in self._viewers:
            if viewer.wants_picture(seen.stream) and viewer.widths_px[seen.stream] == width_px:
                viewer.send_picture(seen.stream, picture)

    def _tell_event(self, event: ActionEvent) -> None:
        message = {"type": "event", "event": event.model_dump(mode="json", by_alias=True)}
        for viewer in list(self._viewers):
            viewer.send(message)
        for follower in list(self._followers.get(event.stream, ())):
            follower(message)

    async def _tell_status(self) -> None:
        """While somebody looks."""
        while self._viewers:
            for viewer, session in list(self._viewers.items()):
                if self._sessions.find(session.token) is None:  # to ask counts as seen: an open page stays logged in
                    viewer.close()
            await self.tell_status()
            await asyncio.sleep(_STATUS_EVERY_S)

    async def _status(self) -> str:
        # In a thread, since it waits for the outbox, and that perhaps for an SD card.
        status = await asyncio.to_thread(self._daemon.commands.status)
        cameras = [stream.name for stream in status.streams if self._daemon.takes_pictures(stream.name)]
        return json.dumps({"type": "status", "status": status.model_dump(mode="json"), "cameras": cameras})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop alone would not keep it alive
        task.add_done_callback(self._tasks.discard)
        return task


def scores_message(seen: ScoredFrame, at_s: float, labels: tuple[str, ...]) -> dict[str, Any]:
    """What the page shows of a frame: the scores of the watched actions, and the model's strongest labels."""
    top = np.argsort(seen.scores)[: -_TOP - 1 : -1]
    shown = seen.actions if len(seen.actions) <= MOST_ACTIONS else seen.active
    smoothed = dict(zip(seen.actions, seen.smoothed.tolist(), strict=True))
    return {
        "type": "scores",
        "stream": seen.stream,
        "at": round(at_s, 3),
        "actions": {name: round(smoothed[name], 3) for name in shown},
        "active": list(seen.active),
        "top": [[labels[index], round(float(seen.scores[index]), 3)] for index in top if index < len(labels)],
    }
