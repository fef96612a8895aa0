"""How near training comes to what is held out."""

import numpy as np
import pytest

from movinet_edge.training.render import __main__, nearness
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import CATALOGUE, Entry, Role
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.nearness import nearest_of_each
from movinet_edge.training.render.rotation import about
from movinet_edge.training.render.skeleton import INDEX, JOINTS


def _posed(degrees: float, joint: str = "left forearm") -> Motion:
    turns = np.zeros((10, len(JOINTS), 4))
    turns[..., 3] = 1
    turns[:, INDEX[joint]] = about("x", np.radians(degrees))
    return Motion(turns, np.tile((0.0, 1.0, 0.0), (10, 1)))


def _entry(source: str, split: str, degrees: float, joint: str = "left forearm") -> Entry:
    return Entry(Role.IDLE, source, split, make=lambda _: _posed(degrees, joint))


def test_the_joint_that_differs_most_decides_and_a_mirror_image_is_as_near(assets_folder, monkeypatch):
    learned = [_entry("far", "train", 90), _entry("near", "train", 50), _entry("thigh", "train", 30, "left thigh")]
    held = [_entry("alike", "held", 30), _entry("mirrored", "held", 40, "right forearm")]
    monkeypatch.setattr(nearness, "CATALOGUE", [*learned, *held])
    found = list(nearest_of_each(Assets(assets_folder)))
    assert [(each.held.source, each.learned.source) for each in found] == [("alike", "near"), ("mirrored", "near")]
    assert [each.degrees for each in found] == [pytest.approx(20, abs=0.1), pytest.approx(10, abs=0.1)]


def test_the_command_tells_of_each_motion_that_is_held_out_the_nearest_first(assets_folder, capsys):
    __main__.main(["--assets", str(assets_folder), "--near"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert "degrees" in head
    degrees = [int(line.split()[-1]) for line in lines]
    assert degrees == sorted(degrees)
    assert {line[:38].rstrip() for line in lines} == {entry.source for entry in CATALOGUE if entry.split == "held"}
