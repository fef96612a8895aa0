"""Daemons with a page: one that anybody may use, and one with passwords."""

from collections.abc import Callable, Iterator
from pathlib import Path

import argon2
import numpy as np
import pytest
from clips import write_clip
from page import CONTROL, VIEW, PageDaemon, Visitor
from toy_model import Block, ToySpec, write

LABELS = ("red", "green", "blue", "other")
# With these weights each colour is the label of its name, and black is none: all labels get a quarter.
SPEC = ToySpec(size_px=12, classes=len(LABELS), head=16, spread=20.0, blocks=(Block(3, (1,)),), labels_metadata=LABELS)


@pytest.fixture(scope="session")
def web_toy(tmp_path_factory) -> Path:
    """A model that knows colours."""
    return write(SPEC, tmp_path_factory.mktemp("toy") / "toy.tflite")


@pytest.fixture(scope="session")
def web_clip(tmp_path_factory) -> Path:
    """Two seconds of black, two of red, and so on: 160 × 90."""

    def paint(index, width_px, height_px):
        return np.full((height_px, width_px, 3), (255, 0, 0) if index % 40 >= 20 else (0, 0, 0), np.uint8)

    path = tmp_path_factory.mktemp("clip") / "red.mkv"
    return write_clip(path, size_px=(160, 90), frames=400, fps=10, codec="ffv1", paint=paint)


@pytest.fixture(scope="session")
def start(tmp_path_factory, web_toy, web_clip) -> Iterator[Callable[..., PageDaemon]]:
    """Starts daemons, which are stopped in the end."""
    started = []

    def begin(**web: object) -> PageDaemon:
        daemon = PageDaemon(tmp_path_factory.mktemp("daemon"), web=web, toy=web_toy, clip=web_clip)
        started.append(daemon)
        return daemon.start()

    yield begin
    for daemon in started:
        daemon.stop()


@pytest.fixture(scope="session")
def hashes() -> dict[str, str]:
    """The settings of both passwords, quick to check."""
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    return {"control_password": quick.hash(CONTROL), "view_password": quick.hash(VIEW)}


@pytest.fixture(scope="session")
def open_daemon(start) -> PageDaemon:
    """On loopback, without a password."""
    return start()


@pytest.fixture(scope="session")
def locked_daemon(start, hashes) -> PageDaemon:
    """With both passwords."""
    return start(**hashes)


@pytest.fixture
def visitor(open_daemon) -> Iterator[Visitor]:
    """Somebody on the open page."""
    with Visitor(open_daemon.url) as visitor:
        yield visitor.enter()


@pytest.fixture
def stranger(locked_daemon) -> Iterator[Visitor]:
    """Somebody before the login of the locked page."""
    with Visitor(locked_daemon.url) as visitor:
        yield visitor


@pytest.fixture
def owner(locked_daemon) -> Iterator[Visitor]:
    """Who may do everything."""
    with Visitor(locked_daemon.url) as visitor:
        yield visitor.enter(CONTROL)


@pytest.fixture
def guest(locked_daemon) -> Iterator[Visitor]:
    """Who may look."""
    with Visitor(locked_daemon.url) as visitor:
        yield visitor.enter(VIEW)
