"""A broker, a Home Assistant and a daemon for each test; without Home Assistant installed there are no tests."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from peers.mosquitto import Mosquitto

try:
    version("homeassistant")
except PackageNotFoundError:
    # A tier of its own: `run.sh` installs it and says so when it cannot be had.
    collect_ignore_glob = ["test_*.py"]
else:
    from edge_daemon import EdgeDaemon
    from home_assistant import HomeAssistant


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Forgets everything when it is restarted."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


@pytest.fixture
def home(tmp_path: Path, broker: Mosquitto) -> "Iterator[HomeAssistant]":
    """Has started; any complaint about what we publish fails the test in the end."""
    folder = tmp_path / "home"
    folder.mkdir()
    with HomeAssistant(folder, broker.port) as home:
        yield home
    complaints = home.complaints()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> "Iterator[EdgeDaemon]":
    """Not started."""
    folder = tmp_path / "edge"
    folder.mkdir()
    edge = EdgeDaemon(folder, broker.port)
    yield edge
    edge.stop()
