"""An MJPEG camera over HTTP whose pictures tell when they were made, as those of `peers.rtsp_server` do."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np
from peers.rtsp_server import LEVELS, TICKS_PER_S

FPS = 10
_SIZE_PX = (64, 48)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ending = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Clients go away whenever they like."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        threading.current_thread().name = "clock camera"
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        while not self.server.ending.wait(1 / FPS):
            picture = _picture()
            head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            self.wfile.write(head.encode() + picture + b"\r\n")

    def log_message(self, *_: Any) -> None:
        pass


def _picture() -> bytes:
    level = int(time.time() * TICKS_PER_S) % LEVELS
    width_px, height_px = _SIZE_PX
    grey = np.full((height_px, width_px, 3), round(level / (LEVELS - 1) * 255), np.uint8)
    return bytes(cv2.imencode(".jpg", grey)[1])


@contextmanager
def clock_camera() -> Iterator[int]:
    """Serve until the context is left; gives the port."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="clock camera")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
