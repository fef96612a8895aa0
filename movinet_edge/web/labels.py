"""What an event really was, said on the page: the examples from which heads learn."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from movinet_edge.api import ConfigurationError
from movinet_edge.daemon.event_labels import EventLabel, EventLabels
from movinet_edge.delivery import OutboxUnavailable
from movinet_edge.web.daemon import Daemon
from movinet_edge.web.guard import Guard
from movinet_edge.web.login import json_object
from movinet_edge.web.sessions import Role

_T = TypeVar("_T")


class Labels:
    """The handlers."""

    def __init__(self, daemon: Daemon, guard: Guard) -> None:
        self._daemon, self._guard = daemon, guard
        self._labels = EventLabels(daemon.state_dir)

    def add_routes(self, app: web.Application) -> None:
        """`/api/events/{id}/label`."""
        app.router.add_get("/api/events/{id}/label", self._guard.needs(Role.VIEW, self.label))
        app.router.add_post("/api/events/{id}/label", self._guard.needs(Role.CONTROL, self.add))

    async def label(self, request: web.Request) -> web.Response:
        """What was said last; `action` is null while nobody has said anything."""
        label = (await _done(self._labels.all)).get(request.match_info["id"])
        return await self._answer(label)

    async def add(self, request: web.Request) -> web.Response:
        """`{"said": "right"}`, `"wrong"`, or the action that it was."""
        said = (await json_object(request)).get("said")
        if not isinstance(said, str):
            raise web.HTTPBadRequest(text="right, wrong, or the name of an action is needed")
        event_id = request.match_info["id"]
        return await self._answer(await _done(lambda: self._labels.add(event_id, said, pre_roll_s=self._pre_roll_s)))

    async def _answer(self, label: EventLabel | None) -> web.Response:
        if label is None:
            return web.json_response({"action": None, "clip": False})
        clip = await _done(lambda: self._labels.clip_of(label))
        return web.json_response({"action": label.action, "clip": clip is not None})

    def _pre_roll_s(self, stream: str) -> float | None:
        parts = self._daemon.supervisor.parts(stream)
        return None if parts is None or parts.settings is None else parts.settings.clip.pre_roll_s


async def _done(work: Callable[[], _T]) -> _T:
    """What the work gives, done beside the loop; what hinders it becomes an answer."""
    try:
        return await asyncio.to_thread(work)
    except ConfigurationError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error
    except OutboxUnavailable as error:
        raise web.HTTPServiceUnavailable(text=str(error)) from error
    except OSError as error:
        raise web.HTTPInsufficientStorage(text=f"the label cannot be kept: {error.strerror or error}") from error
