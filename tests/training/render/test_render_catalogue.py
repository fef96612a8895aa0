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


def test_no_motion_is_in_both_splits():
    train, held = ({entry.source for entry in CATALOGUE if entry.split == split} for split in SPLITS)
    assert not train & held
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
