"""The phone as a camera: takes its pictures in, and tells it what the model sees in them."""

import asyncio
import contextlib
import json
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from movinet_edge.web.daemon import Daemon
from movinet_edge.web.guard import SESSION, Guard
from movinet_edge.web.hub import Hub
from movinet_edge.web.sessions import Role

_log = structlog.get_logger(__name__)

_MOST_BYTES = 4 << 20
_PING_S = 10.0
"""A phone that has left the house is gone after this and a half, and the next may take its place."""

_NATIVE_FPS = 10.0
"""For streams that look at every picture: more is not worth a phone's battery."""

_WIDTH_PX = 480
"""More than the model sees, so that whoever looks on sees something too; some 20 kB a picture."""

_TAKEN = struct.Struct("<d")
"""Each picture is preceded by when it was taken, in seconds of the phone's clock."""

_MOST_TOLD = 20
"""Messages that wait for a phone on a bad network; older ones are of no use to anybody."""

_DONE, _REPLACED, _REFUSED, _LOGGED_OUT = 1000, 4001, 4002, 4003
"""Why a socket is closed, for the page's script."""

_LONGEST_REASON = 120
"""Bytes; the frame that closes a socket holds no more."""


class Cameras:
    """The handlers. Of two phones for the same stream the later one stays."""

    def __init__(self, daemon: Daemon, guard: Guard, hub: Hub) -> None:
        self._daemon, self._guard, self._hub = daemon, guard, hub
        self._senders: dict[str, _Sender] = {}

    def add_routes(self, app: web.Application) -> None:
        """`/api/cameras`, and the socket of each."""
        app.router.add_get("/api/cameras", self._guard.needs(Role.CONTROL, self.list))
        app.router.add_get("/api/cameras/{stream}", self._guard.needs(Role.CONTROL, self.socket))

    async def list(self, _request: web.Request) -> web.Response:
        """The streams that a browser may be the camera of."""
        status = await asyncio.to_thread(self._daemon.commands.status)
        names = [stream.name for stream in status.streams if self._daemon.takes_pictures(stream.name)]
        return web.json_response({"cameras": [{"stream": name, "busy": name in self._senders} for name in names]})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One phone."""
        stream = request.match_info["stream"]
        if not self._daemon.takes_pictures(stream):
            raise web.HTTPNotFound(text="no browser is the camera of a stream of that name")
        socket = web.WebSocketResponse(heartbeat=_PING_S, max_msg_size=_MOST_BYTES, compress=False)
        await socket.prepare(request)
        if stream in self._senders:
            self._senders[stream].send_away(_REPLACED)
        session = request[SESSION]
        sender = _Sender(self._daemon, stream, socket, lambda: self._guard.sessions.find(session.token) is not None)
        self._senders[stream] = sender
        session.on_close.append(sender.log_out)
        unfollow = self._hub.follow(stream, sender.tell)
        _log.info("a phone is the camera", stream=stream, address=request.remote)
        try:
            await sender.run(self._daemon.fps(stream) or _NATIVE_FPS)
        finally:
            unfollow()
            if sender.log_out in session.on_close:
                session.on_close.remove(sender.log_out)
            if self._senders.get(stream) is sender:
                del self._senders[stream]
            _log.info("the phone has gone", stream=stream, pictures=sender.pictures)
        return socket


class _Sender:
    """One phone that sends pictures."""

    def __init__(
        self, daemon: Daemon, stream: str, socket: web.WebSocketResponse, is_logged_in: Callable[[], bool]
    ) -> None:
        """`is_logged_in` also says that its session is in use."""
        self._daemon, self._stream, self._socket, self._is_logged_in = daemon, stream, socket, is_logged_in
        self.pictures = 0
        self._told: deque[dict[str, Any]] = deque(maxlen=_MOST_TOLD)
        self._something = asyncio.Event()
        self._away: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    async def run(self, fps: float) -> None:
        """Take pictures until the phone leaves, or is sent away."""
        self.tell({"type": "wanted", "fps": fps, "width_px": _WIDTH_PX})
        working = [asyncio.create_task(self._read()), asyncio.create_task(self._tell())]
        ends: list[asyncio.Future[Any]] = [*working, self._away]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in working:
            task.cancel()
        await asyncio.wait(working)
        # Only now: while somebody reads, the phone would not be told why.
        code, reason = self._away.result() if self._away.done() else (_DONE, "")
        await self._socket.close(code=code, message=reason.encode()[:_LONGEST_REASON])

    def send_away(self, code: int, reason: str = "") -> None:
        """End `run`, and tell the phone why."""
        if not self._away.done():
            self._away.set_result((code, reason))

    def log_out(self) -> None:
        """Its session has ended."""
        self.send_away(_LOGGED_OUT)

    def tell(self, message: dict[str, Any]) -> None:
        """Tell the phone, unless it is far behind."""
        self._told.append(message)
        self._something.set()

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY or not self._is_logged_in():
                return
            refused = self._take(message.data)
            if refused is not None:
                self.send_away(_REFUSED, refused)
                return

    def _take(self, message: bytes) -> str | None:
        """Pass the picture on and acknowledge it; why not, when that is the phone's fault."""
        if len(message) <= _TAKEN.size:
            return "a picture is preceded by its time"
        (taken_s,) = _TAKEN.unpack_from(message)
        source = self._daemon.pushed_source(self._stream)
        if source is not None:
            try:
                source.push(message[_TAKEN.size :], taken_s)
            except ValueError as error:
                return str(error)
        self.pictures += 1
        # What is acknowledged late tells the phone to send less. A stream that is away does not cost the connection.
        self.tell({"type": "taken", "at": taken_s, "ready": source is not None})
        return None

    async def _tell(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):  # it has gone
            while await self._something.wait():
                self._something.clear()
                while self._told:
                    await self._socket.send_str(json.dumps(self._told.popleft()))
