"""Writes configurations and reads them back, with an environment of the test's own."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from movinet_edge.config import Configuration, ConfigurationProblems, load

Write = Callable[..., Path]
Complaints = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write dedented text under a file's name (default config.yaml), in a folder made for the test."""

    def _write(text: str, name: str = "config.yaml") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return file

    return _write


@pytest.fixture
def complaints(write: Write, tmp_path: Path) -> Complaints:
    """The lines of the error that a configuration gives, without the folder."""

    def _complaints(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigurationProblems) as caught:
            load(write(text), environ=environ or {})
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return _complaints


@pytest.fixture
def loaded(write: Write) -> Callable[..., Configuration]:
    """The configuration that a text gives."""

    def _loaded(text: str, environ: Mapping[str, str] | None = None) -> Configuration:
        return load(write(text), environ=environ or {})

    return _loaded
