"""What many tests need: the files beside the project that are never committed, and the bundled demo clip."""

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog
from peers.missing import in_ci, is_missing
from peers.rtsp_server import RtspServer

from movinet_edge.models import ModelStore, catalogue
from movinet_edge.models.catalogue import BUNDLED_FOLDER

PROJECT = Path(__file__).resolve().parent.parent
BUILD_REQUIREMENT = "hatchling"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite-golden`."""
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write the golden timelines anew instead of comparing with them"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Golden files are what a person has looked at, so a machine may not write them; and Ctrl-C is heeded.

    A script's background commands are told to ignore Ctrl-C and hand that on, also to what tests start and interrupt.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--rewrite-golden") and in_ci():
        raise pytest.UsageError(
            "--rewrite-golden is refused in CI: rewrite on your own machine and look at the changes"
        )


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of clips and models beside the project. Outside CI a test that needs it is skipped without it."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        if in_ci():
            pytest.fail(f"{folder} is missing, and in CI nothing that needs it may be skipped")
        pytest.skip("needs the files of ../shared")
    return folder


@pytest.fixture(scope="session")
def clips_dir(shared: Path) -> Path:
    """Labelled clips of third parties."""
    return shared / "clips"


@pytest.fixture(scope="session")
def models_dir(shared: Path) -> Path:
    """Model files."""
    return shared / "models"


@pytest.fixture(scope="session")
def a0_int8(models_dir: Path) -> Path:
    """The official MoViNet-A0-Stream, int8, Kinetics-600."""
    return models_dir / "movinet_a0_stream_int8_v1.tflite"


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The bundled clip: idle, jumping jacks, idle, push-ups, idle."""
    return PROJECT / "movinet_edge" / "cli" / "demo.mp4"


@pytest.fixture(scope="session")
def build_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pip needs to build a package of ours, which not every test environment has."""
    folder = tmp_path_factory.mktemp("build_tools")
    if importlib.util.find_spec(BUILD_REQUIREMENT) is None:
        fetch = [sys.executable, "-m", "pip", "install", "--target", str(folder), BUILD_REQUIREMENT]
        fetched = subprocess.run(fetch, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if fetched.returncode != 0:
            is_missing(f"needs {BUILD_REQUIREMENT}, which is not installed and cannot be: {fetched.stderr}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models that tests rewrite are not kept among the developer's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOVINET_EDGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _log_as_by_default() -> Iterator[None]:
    """A command that ran in this process has pointed the log at a standard error that pytest has closed since."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def start_rtsp() -> Iterator[Callable[..., RtspServer]]:
    """Starts RTSP servers, which end with the tests."""
    with ExitStack() as stack:

        def start(**arguments: Any) -> RtspServer:
            try:
                return stack.enter_context(RtspServer(**arguments))
            except OSError as error:
                is_missing(f"needs GStreamer's RTSP server and its Python bindings: {error}")

        yield start


@pytest.fixture(params=["missing", "corrupted"])
def broken_builtin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `verify` calls the package's own model, which is looked for in a folder where it is not whole."""
    folder = tmp_path / "package"
    folder.mkdir()
    if request.param == "corrupted":  # by one bit, which leaves it a model
        content = bytearray((BUNDLED_FOLDER / "builtin.tflite").read_bytes())
        content[len(content) // 2] ^= 1
        (folder / "builtin.tflite").write_bytes(content)
    monkeypatch.setattr("movinet_edge.models.store.BUNDLED_FOLDER", folder)
    return str(request.param)


@pytest.fixture
def unreachable(tmp_path: Path) -> ModelStore:
    """The models of a machine with an empty cache that reaches no address."""
    cards = {
        name: card if card.bundled else card.model_copy(update={"urls": ("http://127.0.0.1:9/model.tflite",)})
        for name, card in catalogue().items()
    }
    return ModelStore(cache=tmp_path / "cache", search=[], cards=cards)
