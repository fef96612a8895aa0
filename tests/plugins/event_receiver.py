"""A real HTTP(S) server that takes events, with the habits of good and bad ones, and the sink that sends to it."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from movinet_edge.api import SinkError
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins.webhook import WebhookSettings, WebhookSink


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: HTTPMessage
    body: bytes

    def header(self, name: str) -> str | None:
        """As a receiver that reads headers as UTF-8 sees it."""
        value = self.headers[name]
        return None if value is None else value.encode("latin-1").decode()


Habit = Callable[["Handler"], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Habit:
    """A whole answer; `_` in the names of headers stands for `-`."""

    def send(handler: "Handler") -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


def raw(data: bytes) -> Habit:
    """Exactly these bytes, then the end of the connection."""
    return lambda handler: handler.wfile.write(data)


def trickle(data: bytes, *, begin: bytes = b"") -> Habit:
    """`begin` at once, then one byte of `data` every 20 ms, over and over until the client has enough."""

    def send(handler: "Handler") -> None:
        handler.wfile.write(begin)
        while True:
            for byte in data:
                handler.wfile.write(bytes([byte]))
                if handler.server.ending.wait(0.02):
                    return

    return send


def silence(handler: "Handler") -> None:
    """No answer, until the server ends."""
    handler.server.ending.wait(60.0)


class Handler(BaseHTTPRequestHandler):
    server: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(Request(self.command, self.path, self.headers, body))
        habit = self.server.habits.pop(0) if self.server.habits else answer(204)
        habit(self)

    do_PUT = do_GET = do_POST  # noqa: N815 - the names are http.server's

    def log_message(self, *args: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """Notes every request; each takes the next habit, afterwards all are answered with 204."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[Request] = []
        self.habits: list[Habit] = []
        self.ending = threading.Event()
        self.scheme = "http" if tls is None else "https"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def url(self, target: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_port}{target}"

    def handle_error(self, *args: object) -> None:
        """A client that hangs up is what many of these tests are about."""


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    with Receiver(tls) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.ending.set()
            receiver.shutdown()
            thread.join()


@contextmanager
def opened(url: str, **settings: object) -> Iterator[WebhookSink]:
    sink = WebhookSink(WebhookSettings(url=url, **settings))
    sink.open()
    try:
        yield sink
    finally:
        sink.close()


def failure(url: str, kind: type[SinkError], **settings: object) -> SinkError:
    with opened(url, **settings) as sink, pytest.raises(kind) as caught:
        sink.deliver(example_event(seq=1))
    assert type(caught.value) is kind
    return caught.value
