"""What the renderer is tried with."""

from pathlib import Path

import pytest
from toy_assets import write_assets


@pytest.fixture(scope="session")
def assets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of toy assets, with everything that the catalogue names."""
    return write_assets(tmp_path_factory.mktemp("render") / "assets")
