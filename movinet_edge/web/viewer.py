"""One page that looks on: what it wants to see, and what waits to be sent to it."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web

_MOST_WAITING = 500
"""Messages that must not be lost; a page that lags behind by so many is told to begin anew."""

MOST_STREAMS, WIDEST_PX = 64, 1920
"""Bounds of what a page may ask for."""


class Viewer:
    """The sending side of one socket. Events wait in order; of scores and pictures only the newest waits."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self.widths_px: Mapping[str, int] = {}
        """The streams whose pictures it wants, with their width."""
        self._messages: deque[str] = deque()
        self._newest: dict[str, str] = {}
        self._pictures: dict[str, bytes] = {}
        self._something = asyncio.Event()

    def watch(self, message: Any) -> None:
        """Take in `{"watch": {stream: width, …}}`.

        Raises:
            ValueError: it is not of that form.
        """
        wanted = message.get("watch") if isinstance(message, dict) else None
        if not isinstance(wanted, dict) or len(wanted) > MOST_STREAMS:
            raise ValueError("a page may say which streams it watches, and nothing else")
        if not all(isinstance(width, int) and not isinstance(width, bool) and width > 0 for width in wanted.values()):
            raise ValueError("a width is a whole number of pixels")
        self.widths_px = {str(stream): min(width, WIDEST_PX) for stream, width in wanted.items()}

    def wants_picture(self, stream: str) -> bool:
        """True when it looks at the stream, and the picture before this one has left."""
        return stream in self.widths_px and stream not in self._pictures

    def send(self, message: Mapping[str, Any]) -> None:
        """Send it, after all that waits."""
        if len(self._messages) < _MOST_WAITING:
            self._messages.append(json.dumps(message))
            self._something.set()
        else:
            self.close()

    def send_newest(self, kind: str, text: str) -> None:
        """Send it instead of what waits of the same kind."""
        self._newest[kind] = text
        self._something.set()

    def send_picture(self, stream: str, picture: bytes) -> None:
        """Send a JPEG file of the stream instead of one that waits."""
        self._pictures[stream] = picture
        self._something.set()

    def close(self) -> None:
        """End `run`, and with it the socket."""
        self._messages.clear()
        self._messages.append("")
        self._something.set()

    async def run(self) -> None:
        """Send what there is until `close`; returns at the latest when the socket is closed."""
        while not self._socket.closed:
            await self._something.wait()
            self._something.clear()
            while self._messages or self._newest or self._pictures:
                if self._messages:
                    text = self._messages.popleft()
                    if not text:
                        return
                    await self._socket.send_str(text)
                elif self._newest:
                    await self._socket.send_str(self._newest.pop(next(iter(self._newest))))
                else:
                    stream = next(iter(self._pictures))
                    # Taken out afterwards: while it is under way, no other is encoded.
                    name = stream.encode()
                    await self._socket.send_bytes(bytes([len(name)]) + name + self._pictures[stream])
                    self._pictures.pop(stream, None)
