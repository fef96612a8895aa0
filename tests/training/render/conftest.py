"""What the renderer is tried with."""

from pathlib import Path

import pytest
from toy_assets import write_assets

from movinet_edge.training.render.assets import Assets


@pytest.fixture(scope="session")
def assets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of toy assets, with everything that the catalogue names."""
    return write_assets(tmp_path_factory.mktemp("render") / "assets")


@pytest.fixture(scope="session")
def real_assets(shared: Path) -> Assets:
    """The real motions and Mesh2Motion's bodies; the two packages are not among them."""
    return Assets(shared / "assets")
