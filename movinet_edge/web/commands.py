"""What the page can change: the same commands as by the control socket and MQTT."""

import asyncio

from aiohttp import web

from movinet_edge.web.daemon import Daemon
from movinet_edge.web.guard import Guard
from movinet_edge.web.hub import Hub
from movinet_edge.web.login import json_object
from movinet_edge.web.sessions import Role


class CommandRoutes:
    """The handlers. What is refused is answered with the daemon's own words."""

    def __init__(self, daemon: Daemon, guard: Guard, hub: Hub) -> None:
        self._daemon, self._guard, self._hub = daemon, guard, hub

    def add_routes(self, app: web.Application) -> None:
        """`/api/streams/…`."""
        app.router.add_post("/api/streams/{stream}/enabled", self._guard.needs(Role.CONTROL, self.enable))
        app.router.add_post("/api/streams/{stream}/threshold", self._guard.needs(Role.CONTROL, self.set_threshold))

    async def enable(self, request: web.Request) -> web.Response:
        """`{"on": true}` switches the stream on."""
        on = (await json_object(request)).get("on")
        if not isinstance(on, bool):
            raise web.HTTPBadRequest(text="on is to be true or false")
        await asyncio.to_thread(self._daemon.commands.set_enabled, request.match_info["stream"], on)
        await self._hub.tell_status()
        return web.json_response({})

    async def set_threshold(self, request: web.Request) -> web.Response:
        """`{"action": "waving", "on": 0.6}` sets the score over which the action begins."""
        body = await json_object(request)
        action, on = body.get("action"), body.get("on")
        if not isinstance(action, str) or isinstance(on, bool) or not isinstance(on, int | float):
            raise web.HTTPBadRequest(text="an action and a number are needed")
        on = float(max(-1, min(on, 2)))  # a whole number may be larger than a float can be
        stream = request.match_info["stream"]
        await asyncio.to_thread(self._daemon.commands.set_threshold, stream, action, round(on, 4))
        await self._hub.tell_status()
        return web.json_response({})
