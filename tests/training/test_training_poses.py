"""What the network is asked about a person's joints: the same body at any place, size and side is the same pose."""

import numpy as np
import pytest
from training.toy_clips import steady, write_toy

from movinet_edge.training.augment import Part, part_around, vary
from movinet_edge.training.clips import FRAMES_PER_CLIP, ClipFolder, Poses, ShardError, read_shard
from movinet_edge.training.labels import UNLABELLED
from movinet_edge.training.poses import JOINTS, POSE_VALUES, hips_of, joint_targets, pose_targets
from movinet_edge.training.windows import WindowShape, random_batch

FRAMES = 6
METRE_PX = 20.0
AS_IT_IS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
LEFT_HAND, RIGHT_HAND, RIGHT_FOOT = (2 * JOINTS.index(name) for name in ("left hand", "right hand", "right foot"))
TRAVELLED = slice(-3, -1)


def _person(step_px: float = 0.0) -> np.ndarray:
    """Joints of somebody who is seen from behind, keeps a pose and moves to the right: float32 `[frames, 13, 2]` px."""
    pose = np.random.default_rng(3).uniform(-20, 20, (len(JOINTS), 2))
    for part in ("upper arm", "thigh"):
        pose[JOINTS.index(f"left {part}"), 0], pose[JOINTS.index(f"right {part}"), 0] = -8, 8
    path = np.arange(FRAMES)[:, None, None] * np.array([step_px, 0.0])
    return (pose + 50 + path).astype(np.float32)


def _asked(joints: np.ndarray, view: np.ndarray = AS_IT_IS, size_px: int = 100) -> np.ndarray:
    return pose_targets(joints, np.full(FRAMES, METRE_PX, np.float32), view, size_px)


def test_says_joints_and_movement_in_metres():
    joints = _person(step_px=4.0)
    asked = _asked(joints)
    assert asked.shape == (FRAMES, POSE_VALUES)
    hips = joints[:, [JOINTS.index("left thigh"), JOINTS.index("right thigh")]].mean(1)
    hand = (joints[:, JOINTS.index("left hand")] - hips) / METRE_PX
    np.testing.assert_allclose(asked[:, LEFT_HAND : LEFT_HAND + 2], hand, atol=1e-5)
    assert np.isnan(asked[:2, TRAVELLED]).all()
    np.testing.assert_allclose(asked[2:, TRAVELLED], np.tile([2 * 4.0 / METRE_PX, 0.0], (FRAMES - 2, 1)), atol=1e-5)
    np.testing.assert_allclose(asked[:, -1], np.log(METRE_PX / 100), atol=1e-6)


@pytest.mark.parametrize("zoom", [0.5, 2.0])
def test_place_and_size_change_nothing_but_the_size(zoom: float):
    joints = _person(step_px=2.0)
    view = np.array([[zoom, 0.0, 7.0], [0.0, zoom, -3.0]])
    near = _asked(joints, view)
    np.testing.assert_allclose(near[:, :-1], _asked(joints)[:, :-1], atol=1e-5)
    np.testing.assert_allclose(near[:, -1], np.log(METRE_PX / zoom / 100), atol=1e-5)


def test_a_mirrored_person_has_the_other_hand():
    joints = _person()
    mirrored = _asked(joints, np.array([[-1.0, 0.0, 100.0], [0.0, 1.0, 0.0]]))
    straight = _asked(joints)
    np.testing.assert_allclose(mirrored[:, RIGHT_HAND], -straight[:, LEFT_HAND], atol=1e-5)
    np.testing.assert_allclose(mirrored[:, RIGHT_HAND + 1], straight[:, LEFT_HAND + 1], atol=1e-5)


def test_left_is_what_the_picture_shows_on_the_left_from_behind_and_from_the_front():
    from_behind = _person(step_px=3.0)
    sides = [name.split()[0] for name in JOINTS]
    other = {"left": "right", "right": "left", "head": "head"}
    twins = [JOINTS.index(" ".join([other[side], *name.split()[1:]])) for side, name in zip(sides, JOINTS, strict=True)]
    from_the_front = from_behind[:, twins]
    np.testing.assert_allclose(_asked(from_the_front), _asked(from_behind), atol=1e-5)
    turning = from_behind.copy()
    turning[3:] = from_the_front[3:]
    asked = _asked(turning)
    np.testing.assert_allclose(asked[:, LEFT_HAND], _asked(from_behind)[:, LEFT_HAND], atol=1e-5)
    moved = LEFT_HAND + 2 * len(JOINTS)  # the hand's own way, though it is another side's now
    np.testing.assert_allclose(asked[3, moved], (asked[3, LEFT_HAND] - asked[1, RIGHT_HAND]), atol=1e-5)


def test_asks_nothing_where_nobody_is():
    joints = _person()
    joints[3] = np.nan
    asked = _asked(joints)
    assert np.isnan(asked[3, :-1]).all()
    assert not np.isnan(asked[2, :-1]).any()
    assert np.isnan(asked[5, TRAVELLED]).all()  # there is nothing to compare with two frames before


def test_says_where_in_the_picture_joints_are_and_nothing_of_those_outside():
    joints = _person()
    joints[2, JOINTS.index("left hand")] = np.nan
    view = np.array([[0.5, 0.0, 50.0], [0.0, 0.5, 50.0]])  # shows what is right of and below the clip's middle
    places = joint_targets(joints, view, 100)
    inside = ((joints >= 50) & (joints <= 100)).all(-1)
    assert 0 < inside.sum() < inside.size
    assert (np.isnan(places).any(-1) == ~inside).all()
    np.testing.assert_allclose(places[inside], (joints[inside] - 50) / 50, atol=1e-6)


def test_in_a_mirrored_picture_joints_are_mirrored():
    joints = _person()
    places = joint_targets(joints, np.array([[-1.0, 0.0, 100.0], [0.0, 1.0, 0.0]]), 100)
    np.testing.assert_allclose(places, (joints * (-1, 1) + (100, 0)) / 100, atol=1e-6)


def test_hips_are_between_the_thighs_where_both_are_known():
    joints = _person()
    thighs = [JOINTS.index(f"{side} thigh") for side in ("left", "right")]
    joints[1, thighs[0]] = np.nan
    hips = hips_of(joints)
    np.testing.assert_allclose(hips[0], (joints[0, thighs[0]] + joints[0, thighs[1]]) / 2, atol=1e-5)
    assert np.isnan(hips[1]).all()


def test_a_part_shows_all_joints_with_a_margin():
    joints = _person(step_px=5.0)
    joints[0] = np.nan
    part = part_around(joints, 1.5)
    assert part is not None
    seen = joints[1:].reshape(-1, 2)
    assert (np.abs(seen - part.middle) <= part.side / 3 + 1e-3).all()
    assert part_around(np.full_like(joints, np.nan), 1.5) is None


def test_a_part_fills_the_picture_and_its_view_leads_back():
    clip = np.zeros((2, 96, 96, 3), np.uint8)
    clip[:, 30:34, 60:64] = 255
    part = Part(np.array([62.0, 32.0]), 24.0)
    for seed in range(5):
        seen, view = vary(clip, 48, np.random.default_rng(seed), part=part)
        bright = np.argwhere(seen[0].sum(-1) > seen[0].sum(-1).min() + 100)[:, ::-1].mean(0)
        np.testing.assert_allclose(view[:, :2] @ bright + view[:, 2], part.middle, atol=2.0)


def test_shards_keep_poses(tmp_path):
    path = write_toy(tmp_path, steady(3, 5))
    assert np.isnan(read_shard(path).poses.joints_px).all()
    known = np.random.default_rng(0).normal(size=(2, FRAMES_PER_CLIP, len(JOINTS), 2)).astype(np.float32)
    poses = Poses(known, np.full((2, FRAMES_PER_CLIP), 30, np.float32))
    write_toy(tmp_path, steady(3, 5), poses=poses)
    kept = ClipFolder([tmp_path]).poses(1, [2, 7])
    np.testing.assert_array_equal(kept.joints_px, known[1, [2, 7]])
    write_toy(tmp_path, steady(3, 5), poses=Poses(known[:, :, :5], poses.metre_px))
    with pytest.raises(ShardError, match="joints are"):
        read_shard(path)


def test_windows_ask_for_poses_of_labelled_frames_alone(tmp_path):
    labels = [[UNLABELLED] * 12 + [4] * 12]
    joints = np.tile(_person()[:1], (1, FRAMES_PER_CLIP, 1, 1)) / 4
    write_toy(tmp_path, labels, poses=Poses(joints, np.full((1, FRAMES_PER_CLIP), 5, np.float32)))
    batch = random_batch(ClipFolder([tmp_path]), 8, WindowShape(8, 16, closeups=0.5), np.random.default_rng(0))
    assert batch.poses.shape == (8, 8, POSE_VALUES)
    unknown = np.isnan(batch.poses[..., 0])
    assert unknown.any()
    assert (unknown == (batch.labels == UNLABELLED)).all()
    assert np.isnan(batch.joints[unknown]).all()
    assert np.isnan(batch.poses[unknown]).all()
    assert not np.isnan(batch.joints[~unknown]).all((1, 2)).any()
