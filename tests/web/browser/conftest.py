"""A daemon and a Chromium for each test; without Selenium there are no tests."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from peers.missing import is_missing

try:
    version("selenium")
except PackageNotFoundError:
    # A tier of its own: `tests/web/run.sh` installs it and says so when Chromium cannot be had.
    collect_ignore_glob = ["test_*.py"]
else:
    if not os.environ.get("MOVINET_EDGE_SCREENSHOTS"):
        collect_ignore_glob = ["test_*.py"]
    else:
        from chromium import Chromium


@pytest.fixture
def chromium(tmp_path: Path) -> "Iterator[Callable[..., Chromium]]":
    """Starts browsers, which end with the test. What their consoles complain about fails it."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        is_missing("needs chromium and chromedriver")
    started: list[Chromium] = []

    def start(url: str, **options: Any) -> Chromium:
        started.append(Chromium(url, tmp_path / f"profile {len(started)}", **options))
        return started[-1]

    yield start
    complaints = [line for browser in started for line in browser.complaints()]
    for browser in started:
        browser.quit()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def axe() -> str:
    """The script that looks for accessibility faults."""
    path = Path(os.environ.get("MOVINET_EDGE_AXE", ""))
    if not path.is_file():
        is_missing("needs axe-core, which npm fetches")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def free_port() -> int:
    """A port that stays the same when a daemon is restarted."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where the pictures of the views go."""
    folder = Path(os.environ["MOVINET_EDGE_SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder
