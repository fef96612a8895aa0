"""A real HTTP server with the habits of good and bad model hosts, and contents to serve."""

import gzip
import hashlib
import io
import re
import tarfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from movinet_edge.models import ModelCard


def model_bytes(size: int = 300_000, seed: int = 0) -> bytes:
    """Looks like a TFLite file to whoever reads the first eight bytes."""
    return b"\x1c\0\0\0TFL3" + hashlib.shake_128(b"%d" % seed).digest(size - 8)


def make_card(name: str = "movinet-x0-int8", urls: Iterable[str] = (), **known) -> ModelCard:
    return ModelCard(
        name=name,
        family="MoViNet-X0-Stream",
        quantisation="int8",
        version=1,
        urls=tuple(urls),
        labels="kinetics-600",
        input_px=172,
        fps=5,
        top1_percent=50,
        pixel4_ms=1,
        licence="none",
        **known,
    )


def tar_gz(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """Plain files as (name, content), anything else as a TarInfo."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def header_bomb(size: int) -> bytes:
    """A tar.gz of a few kB whose first header announces `size` bytes of attributes, which tarfile reads at once."""
    info = tarfile.TarInfo("attributes")
    info.type, info.size = tarfile.XHDTYPE, size
    return gzip.compress(info.tobuf() + bytes(size))


@dataclass
class Reply:
    """What one address answers.

    Attributes:
        cut_after: bytes after which the connection ends, for each of the first answers; later ones are whole.
        stall_after: bytes after which nothing more comes, although the connection stays.
        pause_s: pause after each `piece` bytes.
        etag: its validator; "" for none.
    """

    content: bytes = b""
    status: int = 200
    location: str = ""
    etag: str = '"one"'
    ranges: bool = True
    length: bool = True
    cut_after: list[int] = field(default_factory=list)
    stall_after: int | None = None
    piece: int = 1 << 16
    pause_s: float = 0.0
    content_range: str = ""


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


class ModelServer:
    """Serves `replies` by path on 127.0.0.1 and notes each request with the bytes of content that it sent."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self._released = threading.Event()
        self._http = _Quiet(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def add(self, path: str, content: bytes = b"", **habits) -> str:
        self.replies[path] = Reply(content, **habits)
        return self.root + path

    def close(self) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        noted = Request(handler.path, dict(handler.headers.items()))
        self.requests.append(noted)
        reply = self.replies.get(handler.path, Reply(status=404))
        start = _start(reply, handler)
        noted.status = status = 416 if start > len(reply.content) else 206 if start else reply.status
        body = reply.content[start:] if status < 400 else b"<html>sorry</html>"
        handler.send_response(status)
        if reply.location:
            handler.send_header("Location", reply.location)
        if reply.etag:
            handler.send_header("ETag", reply.etag)
        if status == 206:
            total = len(reply.content)
            handler.send_header("Content-Range", reply.content_range or f"bytes {start}-{total - 1}/{total}")
        if reply.length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        cut = reply.cut_after.pop(0) if reply.cut_after else None
        stop = min(x for x in (len(body), cut, reply.stall_after) if x is not None)
        for position in range(0, stop, reply.piece):
            piece = body[position : min(position + reply.piece, stop)]
            noted.sent += len(piece)  # before the client can have it, so that it never sees an older count
            handler.wfile.write(piece)
            time.sleep(reply.pause_s)
        if reply.stall_after is not None:
            self._released.wait(30)


def _start(reply: Reply, handler: BaseHTTPRequestHandler) -> int:
    wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if wanted is None or not reply.ranges or reply.status != 200 or handler.headers.get("If-Range") != reply.etag:
        return 0
    return int(wanted[1])


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """The client went away, as it should in these tests."""


def _handler(server: ModelServer) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
