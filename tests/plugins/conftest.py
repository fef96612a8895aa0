"""Peers that tests of several plugins talk to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peers.http_camera import http_camera
from peers.rtsp_server import RtspServer


@pytest.fixture(scope="session")
def camera(start_rtsp: Callable[..., RtspServer]) -> RtspServer:
    """A server for the tests that do it no harm."""
    return start_rtsp()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of an HTTP camera that also serves the files in `tmp_path`."""
    with http_camera(tmp_path) as url:
        yield url
