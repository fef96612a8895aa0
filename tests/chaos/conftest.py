"""Paths, and what is done where there is no RTSP server."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers.missing import is_missing

# The colours of the daemon's tests, also when these alone are run.
sys.path.append(str(Path(__file__).resolve().parents[1] / "daemon"))


@pytest.fixture(scope="session")
def needs_rtsp() -> Callable[..., Any]:
    """Calls a function; without a server to start, the test is skipped, and in CI it fails."""

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except OSError as error:
            is_missing(f"needs GStreamer's RTSP server and its Python bindings: {error}")

    return call
