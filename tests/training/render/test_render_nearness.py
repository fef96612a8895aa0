"""How near training comes to what is held out."""

import numpy as np
import pytest

from movinet_edge.training.render import __main__, nearness
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import CATALOGUE, NEARLY_LEARNED, Entry, Role
from movinet_edge.training.render.motion import Motion, world_turns
from movinet_edge.training.render.nearness import NEAR_DEGREES, nearest_of_each
from movinet_edge.training.render.rotation import about
from movinet_edge.training.render.skeleton import INDEX, JOINTS


def _posed(degrees: float, *joints: str) -> Motion:
    turns = np.zeros((10, len(JOINTS), 4))
    turns[..., 3] = 1
    for joint in joints:
        turns[:, INDEX[joint]] = about("x", np.radians(degrees))
    return Motion(world_turns(turns), np.tile((0.0, 1.0, 0.0), (10, 1)))


def _entry(source: str, split: str, degrees: float, *joints: str) -> Entry:
    return Entry(Role.IDLE, source, split, make=lambda _: _posed(degrees, *joints))


def test_what_differs_most_decides_and_a_mirror_image_is_as_near(assets_folder, monkeypatch):
    held = [
        _entry("straight", "held", 0, "left forearm"),
        _entry("mirrored", "held", 40, "right shin"),
        _entry("bent over", "held", 60, "hips"),
    ]
    learned = [
        _entry("one far", "train", 20, "left forearm"),
        _entry("two near", "train", 15, "left forearm", "right forearm"),
        _entry("shin", "train", 50, "left shin"),
        _entry("bowed", "train", 85, "hips"),
    ]
    monkeypatch.setattr(nearness, "CATALOGUE", [*learned, *held])
    found = list(nearest_of_each(Assets(assets_folder)))
    assert [each.learned.source for each in found] == ["two near", "shin", "bowed"]
    assert [each.degrees for each in found] == pytest.approx([15, 10, 25], abs=0.1)


def test_where_somebody_looks_does_not_matter(assets_folder, monkeypatch):
    turned = Entry(Role.IDLE, "turned", "held", make=lambda _: _posed(30, "left thigh").turned(1.2))
    monkeypatch.setattr(nearness, "CATALOGUE", [_entry("ahead", "train", 30, "left thigh"), turned])
    assert next(nearest_of_each(Assets(assets_folder))).degrees == pytest.approx(0, abs=0.1)


def test_the_command_tells_of_each_motion_that_is_held_out_the_nearest_first(assets_folder, capsys):
    __main__.main(["--assets", str(assets_folder), "--near"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert "degrees" in head
    degrees = [int(line.split()[-1]) for line in lines]
    assert degrees == sorted(degrees)
    assert {line[:38].rstrip() for line in lines} == {entry.source for entry in CATALOGUE if entry.split == "held"}


def test_what_is_near_is_told_as_nearly_learned(real_assets):
    """The list may have more: what the file of the package learned from motions that are no longer in training."""
    found = list(nearest_of_each(real_assets))
    assert {each.held.source for each in found} == {entry.source for entry in CATALOGUE if entry.split == "held"}
    near = {each.held.source: each.degrees for each in found if each.degrees < NEAR_DEGREES}
    assert near
    assert {source: degrees for source, degrees in near.items() if source not in NEARLY_LEARNED} == {}
