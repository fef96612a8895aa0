"""Whose works are in the bundled files, and under what licence: each way in which we hand them on says so."""

import os
import re
import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from movinet_edge import __version__
from movinet_edge.models.catalogue import BUNDLED_FOLDER

PROJECT = Path(__file__).resolve().parents[2]
NOTICE = (BUNDLED_FOLDER / "NOTICE").read_text(encoding="utf-8")


def test_the_notice_names_files_of_the_package():
    named = re.findall(r"^(\S+/\S+), ", NOTICE, flags=re.MULTILINE)
    assert "models/builtin.tflite" in named
    assert [name for name in named if not (BUNDLED_FOLDER.parent / name).is_file()] == []


def test_the_wheel_has_it_among_its_licences(tmp_path, build_tools):
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", *offline, "--wheel-dir", str(tmp_path), str(PROJECT)]
    environment = os.environ | {"PYTHONPATH": str(build_tools)}
    built = subprocess.run(build, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr
    [path] = tmp_path.glob("*.whl")
    with ZipFile(path) as wheel:
        information = f"movinet_edge-{__version__}.dist-info"
        told = Parser().parsestr(wheel.read(f"{information}/METADATA").decode())
        assert told.get_all("License-File") == ["LICENSE", "movinet_edge/models/NOTICE"]
        for place in (f"{information}/licenses/movinet_edge/models/NOTICE", "movinet_edge/models/NOTICE"):
            assert wheel.read(place).decode() == NOTICE
        licence = (PROJECT / "LICENSE").read_text(encoding="utf-8")
        assert wheel.read(f"{information}/licenses/LICENSE").decode() == licence


def test_the_debian_package_says_the_same():
    said = (PROJECT / "systemd/debian/copyright").read_text(encoding="utf-8")
    holders = set(re.findall(r"Copyright (?:\(c\) )?(.+)", NOTICE))
    assert "2024 Ekram Alam" in holders
    assert [holder for holder in holders if holder not in said] == []
    [mit] = re.findall(r"^Permission is hereby granted.*", NOTICE, flags=re.MULTILINE | re.DOTALL)
    assert mit.strip() in re.sub(r"^ \.?", "", said, flags=re.MULTILINE)
