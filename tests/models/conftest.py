"""A server, and an environment in which nothing of the developer's machine is seen."""

import pytest
from model_server import ModelServer


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in ("MOVINET_EDGE_CACHE", "MOVINET_EDGE_MODEL_PATH", "CACHE_DIRECTORY", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def server():
    running = ModelServer()
    yield running
    running.close()
