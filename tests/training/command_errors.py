"""What a command of training says when it refuses its input."""

import importlib

import pytest


def refusal(name: str, arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a command that has to refuse what it is given, and return its one line."""
    monkeypatch.setattr("sys.argv", [name, *arguments.split()])
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module(f"movinet_edge.training.{name}").main()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"python -m movinet_edge.training.{name}: error: ")
    return last
