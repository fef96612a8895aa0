"""A toy model that sees actions in colours, for all tests of the daemon."""

from pathlib import Path

import pytest
import toy_model
from coloured_scenes import SPEC

from movinet_edge.engine import Model, load_model


@pytest.fixture(scope="session")
def toy_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy as a file, with its labels packed in."""
    return toy_model.write(SPEC, tmp_path_factory.mktemp("models") / "toy.tflite")


@pytest.fixture(scope="session")
def model(toy_path: Path) -> Model:
    """The toy, loaded."""
    return load_model(toy_path)
