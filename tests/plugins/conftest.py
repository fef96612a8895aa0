"""Peers that tests of several plugins talk to."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from peers.http_camera import http_camera
from peers.rtsp_server import RtspServer


@pytest.fixture(scope="session")
def start_rtsp() -> Iterator[Callable[..., RtspServer]]:
    """Starts RTSP servers, which end with the tests."""
    with ExitStack() as stack:

        def start(**arguments: Any) -> RtspServer:
            try:
                return stack.enter_context(RtspServer(**arguments))
            except OSError as error:
                if os.environ.get("CI", "").lower() in ("true", "1"):
                    pytest.fail(str(error))
                return pytest.skip(f"needs GStreamer's RTSP server and its Python bindings: {error}")

        yield start


@pytest.fixture(scope="session")
def camera(start_rtsp: Callable[..., RtspServer]) -> RtspServer:
    """A server for the tests that do it no harm."""
    return start_rtsp()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of an HTTP camera that also serves the files in `tmp_path`."""
    with http_camera(tmp_path) as url:
        yield url
