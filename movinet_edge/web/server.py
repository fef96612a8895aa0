"""The page's thread: starts the server, keeps its loop, and stops it."""

import asyncio
import ssl
import threading
from concurrent.futures import Future

import structlog
from aiohttp import web

from movinet_edge.api import MovinetEdgeError
from movinet_edge.config import WebSettings, is_loopback
from movinet_edge.daemon.observers import ScoredFrame
from movinet_edge.web.camera import Cameras
from movinet_edge.web.commands import CommandRoutes
from movinet_edge.web.daemon import Daemon
from movinet_edge.web.events import Events
from movinet_edge.web.guard import Guard, Hosts
from movinet_edge.web.hub import Hub
from movinet_edge.web.labels import Labels
from movinet_edge.web.listener import IDLE_S, listen
from movinet_edge.web.login import Login
from movinet_edge.web.metrics import Histograms
from movinet_edge.web.pages import Pages
from movinet_edge.web.passwords import Passwords
from movinet_edge.web.probes import Probes
from movinet_edge.web.sessions import Sessions

_log = structlog.get_logger(__name__)

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  # told apart, not listened at

_START_S, _STOP_S = 20.0, 2.0
_LONGEST_BODY = 16 << 10
"""Commands are short; pictures come by a socket, which has its own limit."""


class _Inference:
    """Observes nothing but how long the model took."""

    def __init__(self, histograms: Histograms) -> None:
        self._histograms = histograms

    def scored(self, seen: ScoredFrame) -> None:
        self._histograms.scored(seen)

    def size_for(self, stream: str, width_px: int, height_px: int) -> tuple[int, int]:  # noqa: ARG002 the protocol's
        return 0, 0


class WebServer:
    """Serves the page until it is closed."""

    def __init__(self, settings: WebSettings, daemon: Daemon) -> None:
        """Listen.

        Raises:
            MovinetEdgeError: it cannot be done: the port is in use, or the certificate is none.
        """
        self._settings, self._daemon = settings, daemon
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._port: Future[int] = Future()
        self._tls = _tls(settings)
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        self._thread.start()
        try:
            self.port = self._port.result(_START_S)
        except OSError as error:
            raise MovinetEdgeError(
                f"{settings.host}:{settings.port} cannot be listened at: {error.strerror or error}"
            ) from error
        _log.info("page", url=self.url)
        if not is_loopback(settings.host) and self._tls is None:
            _log.warning("the password crosses the network unencrypted; `movinet-edge web cert` makes a certificate")

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = self._settings.host
        if host in _EVERYWHERE or is_loopback(host):
            host = "localhost"
        return f"{self._settings.scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def close(self) -> None:
        """Stop. May come twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_S)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run())
        except Exception as error:  # noqa: BLE001  # the page must not take the daemon with it
            if not self._port.done():
                self._port.set_exception(error)
            else:
                _log.exception("the page has failed")
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _run(self) -> None:
        guard = Guard(Sessions(), Hosts(self._settings.names), password=self._settings.has_password)
        hub = Hub(self._daemon, guard, self._loop)
        histograms = Histograms()
        app = self._app(guard, hub, histograms)
        # Its own log of every request would wear out an SD card.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, keepalive_timeout=IDLE_S)
        await runner.setup()
        listening = None
        observers = self._daemon.supervisor.observers
        inference = _Inference(histograms)
        try:
            listening = await listen(runner, self._settings.host, self._settings.port, self._tls)
            for observer in (hub.live, inference):
                observers.add(observer)
            for listener in (hub.on_event, histograms.stored):
                observers.listen(listener)
            self._port.set_result(listening.sockets[0].getsockname()[1])
            await self._stopping.wait()
        finally:
            for observer in (hub.live, inference):
                observers.remove(observer)
            for listener in (hub.on_event, histograms.stored):
                observers.unlisten(listener)
            if listening is not None:
                listening.close()
            await hub.close()
            await runner.cleanup()

    def _app(self, guard: Guard, hub: Hub, histograms: Histograms) -> web.Application:
        settings, daemon = self._settings, self._daemon
        passwords = Passwords(settings)
        app = web.Application(client_max_size=_LONGEST_BODY, middlewares=[guard.middleware()])
        for routes in (
            Pages(guard),
            Login(guard, passwords),
            hub,
            CommandRoutes(daemon, guard, hub),
            Events(daemon, guard, hub.live),
            Labels(daemon, guard),
            Cameras(daemon, guard, hub),
            Probes(daemon, histograms, passwords if settings.has_password else None),
        ):
            routes.add_routes(app)
        return app


def _tls(settings: WebSettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise MovinetEdgeError(f"{settings.certificate}: cannot be used as a certificate: {error}") from error
    return context
