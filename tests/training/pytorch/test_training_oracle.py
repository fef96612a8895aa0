"""The oracle is told of movements alone, and judged as models are."""

import numpy as np
import pytest
from training.toy_clips import write_toy

torch = pytest.importorskip("torch", reason="needs PyTorch: bash tests/training/run.sh installs it and runs these")

# ruff: noqa: E402  # these modules cannot be imported without PyTorch
from movinet_edge.training import oracle
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, Poses
from movinet_edge.training.labels import LABELS, UNLABELLED
from movinet_edge.training.poses import JOINTS


def _walker(seed: int, *, waves: bool) -> Poses:
    """Somebody who stands anywhere in the picture, at any size, and waves or does not, in one clip."""
    rng = np.random.default_rng(seed)
    joints = np.tile(np.random.default_rng(0).normal(0, 0.4, (1, 1, len(JOINTS), 2)), (1, FRAMES_PER_CLIP, 1, 1))
    if waves:
        swing = 0.4 * np.sin(np.arange(FRAMES_PER_CLIP) * 1.3 + rng.uniform(0, 6))
        joints[0, :, JOINTS.index("left hand")] += np.column_stack([swing, np.full_like(swing, -0.8)])
    metre = rng.uniform(10, 60)
    return Poses(
        (joints * metre + rng.uniform(40, 150, 2)).astype(np.float32), np.full((1, FRAMES_PER_CLIP), metre, np.float32)
    )


def test_an_oracle_is_told_the_same_wherever_somebody_is_and_nothing_of_nobody():
    poses = _walker(1, waves=True)
    told = oracle.movements(poses.joints_px, poses.metre_px)
    away = oracle.movements(3 * poses.joints_px - 40, 3 * poses.metre_px)
    np.testing.assert_allclose(away, told, atol=1e-4)
    assert (told[..., -1] == 1).all()
    assert np.ptp(told[0, :, 2 * JOINTS.index("left hand")]) > 0.5
    gone = poses.joints_px.copy()
    gone[0, 5:8] = np.nan
    told = oracle.movements(gone, poses.metre_px)
    assert (told[0, 5:8] == 0).all()
    assert np.isfinite(told).all()


def test_an_oracle_is_told_how_somebody_moves():
    poses, time = _walker(1, waves=False), np.arange(FRAMES_PER_CLIP, dtype=np.float32)
    walking = poses.joints_px + 5 * time[None, :, None, None] * np.float32([1, 0])
    told = oracle.movements(walking, np.full_like(poses.metre_px, 50))
    np.testing.assert_allclose(told[0, 1:, -4:-1], np.tile([0.3, 0, 0], (FRAMES_PER_CLIP - 1, 1)), atol=1e-4)
    nearing = oracle.movements(poses.joints_px, (50 * 1.05**time)[None].astype(np.float32))
    np.testing.assert_allclose(nearing[0, 1:, -2], 3 * np.log(1.05), atol=1e-3)


def test_an_oracle_looks_back_alone():
    told = torch.randn(2, 20, 30)
    changed = told.clone()
    changed[:, 12:] = 0.0
    asked = oracle.Oracle().eval()
    with torch.no_grad():
        before, after = asked(told), asked(changed)
    assert torch.allclose(before[:, :12], after[:, :12], atol=1e-5)
    assert not torch.allclose(before[:, 12], after[:, 12])


def test_an_oracle_is_not_told_of_people_out_of_sight(tmp_path):
    labels = [[LABELS.index("nobody")] * 12 + [UNLABELLED] * 4 + [LABELS.index("walk")] * 8]
    write_toy(tmp_path, labels, poses=_walker(1, waves=False))
    joints_px, metre_px, _ = oracle._told(ClipFolder([tmp_path]))
    in_sight = oracle.movements(joints_px, metre_px)[0, :, -1]
    assert in_sight.tolist() == [0] * 16 + [1] * 8


def test_an_oracle_learns_from_joints_and_is_judged_as_models_are(tmp_path):
    labels = [LABELS.index(name) for name in ("idle", "wave")]
    shown = [_walker(seed, waves=bool(seed % 2)) for seed in range(16)]
    poses = Poses(np.concatenate([each.joints_px for each in shown]), np.concatenate([each.metre_px for each in shown]))
    write_toy(tmp_path, [[labels[seed % 2]] * FRAMES_PER_CLIP for seed in range(16)], poses=poses)
    clips = ClipFolder([tmp_path])
    found = oracle.judge(oracle.learn(clips, 40, 0), clips)
    assert found.total == 16
    assert found.top1 == 1.0
    again = oracle.judge(oracle.learn(clips, 0, 0), clips)
    assert again.top1 < 1.0
