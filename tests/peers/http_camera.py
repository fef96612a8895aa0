"""A real HTTP(S) camera on the standard library: endless MJPEG, files, and the answers of servers that will not."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

MJPEG_FPS = 20
SIZE_PX = (64, 48)
_BOUNDARY = "picture"


class _Handler(SimpleHTTPRequestHandler):
    """`/mjpeg`, `/grey` and `/spoilt` (soon no pictures any more) go on for ever, a number is a status, else a file."""

    server: "_Server"

    def do_GET(self) -> None:
        name = self.path.strip("/").partition("?")[0]
        if name in ("mjpeg", "grey", "spoilt"):
            self._film(_jpeg(1 if name == "grey" else 3), spoilt_after=MJPEG_FPS // 2 if name == "spoilt" else None)
        elif name.isdecimal():
            self.send_response(int(name))
            if int(name) == HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def _film(self, picture: bytes, *, spoilt_after: int | None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        count = 0
        while not self.server.ending.wait(1 / MJPEG_FPS):
            count += 1
            if count == spoilt_after:
                picture = b"no picture " * 50
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            self.wfile.write(head.encode() + picture + b"\r\n")

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        self.ending = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Clients go away whenever they like."""


def _jpeg(channels: int) -> bytes:
    width_px, height_px = SIZE_PX
    return bytes(cv2.imencode(".jpg", np.full((height_px, width_px, channels), 200, np.uint8))[1])


@contextmanager
def http_camera(folder: Path, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve until the context is left; gives the address without a slash at its end."""
    server = _Server(folder)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
