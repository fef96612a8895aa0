"""The plugin project in plugins/template, treated as a stranger's: copied, installed by pip, listed, run and tested."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toy_model import ToySpec, write

TEMPLATE = Path(__file__).resolve().parents[2] / "plugins" / "template"


class Installed:
    """A copy of the template, and the folder into which pip has installed it."""

    def __init__(self, project: Path, site: Path) -> None:
        self.project, self.site = project, site

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """This Python, with the installed template on its path as in a virtual environment of its own."""
        return _python(*arguments, path=self.site, folder=self.project)


def _python(*arguments: str, path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(path), "COLUMNS": "200"}
    # Given to the daemon by whoever runs these tests, they would stand above the configuration below.
    environment = {name: value for name, value in environment.items() if not name.startswith("MOVINET_EDGE")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory, build_tools) -> Installed:
    """The template, copied and installed."""
    folder = tmp_path_factory.mktemp("template")
    project, site = folder / "project", folder / "site"
    shutil.copytree(TEMPLATE, project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    result = _python(
        "-m", "pip", "install", *offline, "--target", str(site), str(project), path=build_tools, folder=project
    )
    assert result.returncode == 0, result.stderr
    return Installed(project, site)


def test_both_plugins_are_listed(installed):
    listed = installed.python("-m", "movinet_edge.cli", "plugins", "--settings")
    assert listed.returncode == 0, listed.stderr
    rows = [line.split()[:3] for line in listed.stdout.splitlines()]
    assert ["source", "testpattern", "movinet-edge-template"] in rows
    assert ["sink", "csv", "movinet-edge-template"] in rows
    assert "duration (default None)" in listed.stdout


def test_the_daemon_runs_a_configuration_that_uses_both(installed, tmp_path):
    classes = ("red", "green", "blue")
    write(ToySpec(classes=len(classes), labels_metadata=classes), tmp_path / "toy.tflite")
    configuration = tmp_path / "config.yaml"
    # Every label together always has a score of 1, so the action goes on from the first frame to the last.
    configuration.write_text(
        "model: toy.tflite\n"
        "state_dir: state\n"
        "streams:\n"
        "  - name: pattern\n"
        "    source: {type: testpattern, duration: 4s}\n"
        "    actions:\n"
        "      anything: {labels: ['*'], on: 0.9}\n"
        "sinks:\n"
        "  - {type: csv, path: out/events.csv}\n",
        encoding="utf-8",
    )
    ran = installed.python("-m", "movinet_edge.cli", "run", "--config", str(configuration))
    assert ran.returncode == 0, ran.stderr
    with (tmp_path / "out" / "events.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["event_type"], row["stream"], row["action"], row["reason"]) for row in rows] == [
        ("start", "pattern", "anything", ""),
        ("stop", "pattern", "anything", "source_lost"),
    ]
    assert rows[0]["id"] == rows[1]["id"]


def test_wrong_settings_are_reported_as_for_any_plugin(installed, tmp_path):
    write(ToySpec(classes=2, labels_metadata=("a", "b")), tmp_path / "toy.tflite")
    configuration = tmp_path / "config.yaml"
    configuration.write_text(
        "model: toy.tflite\n"
        "streams:\n"
        "  - name: pattern\n"
        "    source: {type: testpattern, width: 64}\n"
        "    actions: {anything: {labels: [a]}}\n",
        encoding="utf-8",
    )
    checked = installed.python("-m", "movinet_edge.cli", "check", "--config", str(configuration))
    assert checked.returncode == 78
    assert "config.yaml:4" in checked.stderr
    assert "width_px" in checked.stderr  # the nearest valid key


def test_its_own_tests_pass(installed):
    tested = installed.python("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout
