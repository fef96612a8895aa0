"""Commands in this process, a toy model with clips it is sure about, and nothing of the developer's machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import structlog
from clips import write_clip
from commands import Ran
from peers.missing import is_missing
from peers.mosquitto import Mosquitto
from toy_model import Block, ToySpec, write

from movinet_edge.cli.main import main

CLIP_FPS = 10.0

# Found by trying seeds: this toy is sure of the second label at red and of the third at green, never of another.
TOY = ToySpec(size_px=32, classes=4, head=16, spread=40.0, seed=21, blocks=(Block(4, (3,)),))
TOY_LABELS = ("waiting", "turning red", "turning green", "falling over")
COLOURS = {"black": (0, 0, 0), "red": (255, 0, 0), "green": (0, 255, 0)}

Cli = Callable[..., Ran]
ClipOf = Callable[..., Path]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """No model, cache, setting or proxy of this machine counts, and no test leaves its logging to the next."""
    for name in list(os.environ):
        if name.startswith("MOVINET_EDGE") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "CACHE_DIRECTORY", "COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOVINET_EDGE_CACHE", str(tmp_path / "cache"))
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def official(models_dir, monkeypatch):
    """The official model is found by its catalogue name."""
    monkeypatch.setenv("MOVINET_EDGE_MODEL_PATH", str(models_dir))


@pytest.fixture
def offline(monkeypatch):
    """Every address refuses to be reached, wherever the tests run."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture
def cli(capsys) -> Cli:
    """Run a command in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as left:  # argparse: help, version, wrong arguments
            code = left.code if isinstance(left.code, int) else 0
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Path:
    """A toy model with labels beside it."""
    path = write(TOY, tmp_path_factory.mktemp("toy") / "toy.tflite")
    path.with_suffix(".txt").write_text("".join(f"{label}\n" for label in TOY_LABELS), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def clip_of(tmp_path_factory) -> ClipOf:
    """Write a clip of flat colours, each for some seconds: `clip_of("name.mkv", ("black", 2), ("red", 3))`.

    It is lossless, so that cutting a recording in two changes no pixel.
    """
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *parts: tuple[str, float]) -> Path:
        pictures = [colour for colour, seconds in parts for _ in range(round(seconds * CLIP_FPS))]

        def paint(index: int, width_px: int, height_px: int):
            return np.full((height_px, width_px, 3), COLOURS[pictures[index]], np.uint8)

        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        return write_clip(folder / name, frames=len(pictures), fps=CLIP_FPS, codec="ffv1", paint=paint)

    return make


@pytest.fixture(scope="session")
def red_clip(clip_of) -> Path:
    """Ten seconds: 2 black, 4 red, 4 black."""
    return clip_of("red.mkv", ("black", 2), ("red", 4), ("black", 4))


@pytest.fixture(scope="session")
def toy_actions(tmp_path_factory) -> Path:
    """An actions file that fits the toy."""
    path = tmp_path_factory.mktemp("actions") / "actions.yaml"
    path.write_text("actions:\n  reddening: {labels: [turning red]}\n  changing: {labels: ['turning *']}\n")
    return path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """An MQTT broker on a port of its own."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with ExitStack() as stack:
        try:
            running = stack.enter_context(Mosquitto(folder))
        except OSError as error:
            is_missing(error)
        yield running
