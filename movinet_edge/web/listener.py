"""Listens for browsers, and lets in no more than the daemon can bear: its cameras and files need descriptors too."""

import asyncio
import ssl
from typing import cast

from aiohttp import web

MOST_CONNECTIONS = 256
"""Of 1024 descriptors that a process commonly may have; a page takes up to seven."""

IDLE_S = 30.0
"""A connection that asks nothing for so long is closed; aiohttp would keep it for an hour."""

_HANDSHAKE_S = 10.0
"""A Raspberry Pi takes some ten milliseconds."""


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def listen(runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> asyncio.Server:
    """Serve from now on; the runner has been set up.

    Raises:
        OSError: it cannot be listened there.
    """
    server = cast("web.Server", runner.server)

    def accept() -> asyncio.Protocol:
        return server() if len(server.connections) < MOST_CONNECTIONS else _Refusal()

    handshake_s = None if tls is None else _HANDSHAKE_S
    return await asyncio.get_running_loop().create_server(
        accept, host, port, ssl=tls, ssl_handshake_timeout=handshake_s, reuse_address=True
    )
