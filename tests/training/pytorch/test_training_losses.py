"""What training asks costs what it should: nothing where nothing is known."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # these modules cannot be imported without PyTorch
from movinet_edge.training.losses import frame_loss, joint_loss, pose_loss
from movinet_edge.training.poses import JOINT_KINDS, JOINTS, KIND_OF, MIRRORED, POSE_VALUES


def test_unlabelled_frames_cost_nothing_and_early_ones_less():
    logits = torch.randn(2, 8, 18, generator=torch.Generator().manual_seed(0))
    labels = torch.full((2, 8), 3)
    labels[:, 5:] = -1
    other = logits.clone()
    other[:, 5:] += 100 * torch.eye(18)[0]
    assert frame_loss(logits, labels) == pytest.approx(float(frame_loss(other, labels)))
    assert frame_loss(logits, torch.full((2, 8), -1)) == 0.0
    wrong_early, wrong_late = (torch.zeros(1, 8, 18) for _ in range(2))
    wrong_early[:, 0, 5] = wrong_late[:, 7, 5] = 10.0
    labels = torch.full((1, 8), 3)
    assert frame_loss(wrong_early, labels) < frame_loss(wrong_late, labels)
    labels[:, 7] = 4  # now the last frame is the first of an action
    assert frame_loss(wrong_late, labels) == pytest.approx(float(frame_loss(wrong_early, labels)), rel=0.02)


def test_unknown_poses_cost_nothing():
    poses = torch.zeros(1, 3, POSE_VALUES)
    known = torch.full((1, 3, POSE_VALUES), torch.nan)
    assert pose_loss(poses, known) == 0.0
    known[0, 1] = 0.5
    assert pose_loss(poses, known) == pytest.approx(0.45)


def test_a_joint_costs_less_the_nearer_its_place_is_told():
    known = torch.full((1, 2, len(JOINTS), 2), torch.nan)
    maps = torch.zeros(1, 2, JOINT_KINDS, 8, 8)
    assert joint_loss(maps, known) == 0.0
    foot = JOINTS.index("left foot")
    known[0, 1, foot] = torch.tensor([0.3, 0.8])  # the cell in column 2, row 6
    unsure = joint_loss(maps, known)
    assert unsure == pytest.approx(np.log(64), abs=1e-3)

    def loss_at(row: int, column: int) -> float:
        told = maps.clone()
        told[0, 1, KIND_OF[foot], row, column] = 5.0
        return float(joint_loss(told, known))

    assert loss_at(6, 2) < unsure
    assert loss_at(6, 2) < loss_at(5, 2) < loss_at(2, 6)
    assert loss_at(6, 2) == min(loss_at(row, column) for row in range(8) for column in range(8))


def test_nobody_asks_which_hand_is_the_left_one():
    known, maps = torch.rand(1, 1, len(JOINTS), 2), torch.randn(1, 1, JOINT_KINDS, 8, 8)
    assert joint_loss(maps, known) == pytest.approx(float(joint_loss(maps, known[:, :, MIRRORED])))
