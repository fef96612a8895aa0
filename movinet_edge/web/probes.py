"""For machines: the figures for Prometheus, whether the daemon lives, and whether it is ready."""

import asyncio
import base64
import time

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from movinet_edge.web.daemon import Daemon
from movinet_edge.web.metrics import Histograms, StatusCollector
from movinet_edge.web.passwords import Passwords, TooMany

HANGS_AFTER_S = 30.0
"""An engine that is at one frame for so long does not live."""


class Probes:
    """The handlers. Who asks for figures logs in with each request: HTTP Basic, any name, either password."""

    def __init__(self, daemon: Daemon, histograms: Histograms, passwords: Passwords | None) -> None:
        """`passwords`: None where none is asked."""
        self._daemon, self._registry, self._passwords = daemon, histograms.registry, passwords
        self._registry.register(StatusCollector(daemon))

    def add_routes(self, app: web.Application) -> None:
        """`/metrics`, `/healthz` and `/readyz`."""
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)

    async def metrics(self, request: web.Request) -> web.Response:
        """Everything, as Prometheus reads it."""
        await self._log_in(request)
        text = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 while the daemon lives. Says nothing else, for everybody may ask."""
        well = self._daemon.supervisor.busy_s(time.monotonic()) < HANGS_AFTER_S
        return web.Response(text="ok\n" if well else "the engine hangs\n", status=200 if well else 503)

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 when every stream that is switched on gives frames or waits for a phone; how many do, but not which."""
        status = await asyncio.to_thread(self._daemon.commands.status)
        streams = status.streams
        well = sum(map(self._daemon.is_well, streams))
        text = f"{well} of {len(streams)} streams are well\n"
        return web.Response(text=text, status=200 if well == len(streams) else 503)

    async def _log_in(self, request: web.Request) -> None:
        if self._passwords is None:
            return
        challenge = {"WWW-Authenticate": 'Basic realm="movinet-edge", charset="UTF-8"'}
        password = _basic_password(request.headers.get("Authorization", ""))
        if password is None:
            raise web.HTTPUnauthorized(text="the password is needed", headers=challenge)
        try:
            role = await self._passwords.role_again(password, request.remote or "")
        except TooMany as error:
            raise web.HTTPTooManyRequests(text=str(error)) from None
        if role is None:
            raise web.HTTPUnauthorized(text="that is not the password", headers=challenge)


def _basic_password(header: str) -> str | None:
    """The password of an `Authorization` header. Source: RFC 7617."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return None
