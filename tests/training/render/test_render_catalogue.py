"""Motions and bodies are held out whole."""

from pathlib import Path

import numpy as np
import pytest

from movinet_edge.training.labels import LABELS
from movinet_edge.training.render import catalogue
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.catalogue import CATALOGUE, NEARLY_LEARNED, SPLITS, Role, class_index, entries
from movinet_edge.training.render.composed import everyday, resting
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.script import Scripts


def test_no_motion_is_in_both_splits():
    train, held = ({entry.source for entry in CATALOGUE if entry.split == split} for split in SPLITS)
    assert not train & held
    assert all(entry.times == 1 for entry in CATALOGUE if entry.split == "held")  # each counts alike
    assert held >= NEARLY_LEARNED


def test_no_pose_that_is_held_out_is_part_of_a_motion_to_learn(monkeypatch):
    poses = [resting.LYING, resting.SEATED, everyday.GESTURES]
    held = {
        entry.source.removeprefix("composed/").removeprefix("seated, ") for entry in CATALOGUE if entry.split == "held"
    }
    gone = [name for known in poses for name in list(known) if name in held]
    assert gone == ["on the back, arms wide", "leaning back", "hands behind the back"]
    for known, name in zip(poses, gone, strict=True):
        monkeypatch.delitem(known, name)
    for entry in CATALOGUE:
        if entry.split == "train" and entry.make is not None:
            for seed in range(8):
                assert isinstance(entry.make(np.random.default_rng(seed)), Motion)


@pytest.mark.parametrize("label", [label for label in LABELS if label != "nobody"])
def test_every_class_has_motions_to_learn_and_others_to_try(label):
    for split in SPLITS:
        assert entries(Role(label), split)


@pytest.mark.parametrize("role", [Role.SEATED, Role.LOW])
def test_both_splits_can_sit_and_kneel(role):
    for split in SPLITS:
        assert entries(role, split)


def test_what_has_a_wide_range_is_drawn_as_often_as_it_says(shared):
    scripts = Scripts(Assets(shared / "assets"), "train", np.random.default_rng(0))
    found = entries(Role.THROW, "train")
    share = sum(entry.times for entry in found if entry.times > 1) / sum(entry.times for entry in found)
    label = LABELS.index("throw")
    thrown = [part.source for _ in range(120) for part in scripts.of("throw") if part.label == label]
    assert 0.2 < share < 0.5
    assert np.mean([source == "composed/throw anyhow" for source in thrown]) == pytest.approx(share, abs=0.1)


def test_every_role_shows_a_class():
    assert {LABELS[class_index(role)] for role in Role} == set(LABELS) - {"nobody"}


def test_the_readme_shows_the_split():
    readme = Path(catalogue.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert catalogue.table() in readme


def test_every_motion_is_in_the_assets(shared):
    assets = Assets(shared / "assets")
    for entry in CATALOGUE:
        motion = assets.motion(entry, np.random.default_rng(1))
        assert isinstance(motion, Motion)
        assert np.isfinite(motion.turns).all()
        assert np.isfinite(motion.hips).all()
        assert len(motion.turns) > 1


def test_motions_come_from_real_files_as_from_toys(assets_folder):
    assets = Assets(assets_folder)
    for entry in CATALOGUE:
        assert len(assets.motion(entry, np.random.default_rng(1)).turns) > 1


def test_a_folder_that_is_none_of_assets_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no folder mesh2motion/"):
        Assets(tmp_path)
