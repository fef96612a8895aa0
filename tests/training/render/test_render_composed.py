"""Composed motions: smooth, never twice the same, and each does what its name says."""

import numpy as np
import pytest

from movinet_edge.training.render.catalogue import CATALOGUE, Role
from movinet_edge.training.render.composed import (
    dancing,
    exercises,
    fighting,
    invented,
    jacks,
    kicking,
    leaping,
    lifting,
    low,
    pottering,
    seats,
    standing,
    throwing,
    tumbling,
    waving,
)
from movinet_edge.training.render.composed.footing import between, mirrored, stand
from movinet_edge.training.render.keyframes import performed
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.rotation import matrices
from movinet_edge.training.render.skeleton import INDEX, JOINTS, PARENTS

# A figure in standing hip heights: where each joint is against its parent in a T-pose, on the left or in the middle.
_OFFSETS = {
    "spine": (0, 0.1, 0), "chest": (0, 0.14, 0), "upper chest": (0, 0.14, 0), "neck": (0, 0.16, 0),
    "head": (0, 0.1, 0), "clavicle": (0.03, 0.1, 0), "upper arm": (0.16, 0, 0), "forearm": (0.3, 0, 0),
    "hand": (0.28, 0, 0), "thigh": (0.105, 0, 0), "shin": (0, -0.45, 0), "foot": (0, -0.45, 0),
    "toes": (0, -0.08, 0.14),
}  # fmt: skip
POTTERING = pottering.STANDING | pottering.SEATED | pottering.LOW
ANYHOW = {
    "wave anyhow": waving.wave_anyhow,
    "punch anyhow": fighting.punch_anyhow,
    "kick anyhow": kicking.kick_anyhow,
    "throw anyhow": throwing.throw_anyhow,
    "jacks anyhow": jacks.jacks_anyhow,
    "dance drawn": invented.dance_drawn,
    "push up anyhow": exercises.push_up_anyhow,
    "pick up anyhow": lifting.pick_up_anyhow,
    "sit down anyhow": seats.sit_anyhow,
    "stand up anyhow": seats.stand_anyhow,
}
WAVES = waving.WAVES | {"wave anyhow": waving.wave_anyhow}
JACKS = jacks.JUMPED | jacks.STEPPED | {"jacks anyhow": jacks.jacks_anyhow}
DANCES = dancing.DANCES | {"dance drawn": invented.dance_drawn}
PUNCHES = fighting.PUNCHES | {"punch anyhow": fighting.punch_anyhow}
KICKS = kicking.KICKS | {"kick anyhow": kicking.kick_anyhow}
THROWS = throwing.THROWS | {"throw anyhow": throwing.throw_anyhow}
SITS = seats.SITS | {"sit down anyhow": seats.sit_anyhow}
STANDS = seats.STANDS | {"stand up anyhow": seats.stand_anyhow}
PICK_UPS = lifting.PICK_UPS | {"pick up anyhow": lifting.pick_up_anyhow}
LOOPS = JACKS | WAVES | DANCES | standing.STANDING | low.LOW | POTTERING
LOOPS |= {"push up anyhow": exercises.push_up_anyhow}
ENDING = PUNCHES | KICKS | THROWS | leaping.JUMPS | tumbling.FALLS | tumbling.SEATED_FALLS | SITS | STANDS | PICK_UPS
SEEDS = (1, 2, 3)
# The more a motion leaves to chance, the more often it is tried.
SEEDS_OF = {name: range(20) for name in ANYHOW | POTTERING}


def places(motion: Motion) -> dict[str, np.ndarray]:
    """Where the joints of the figure are, `[T, 3]` each."""
    turns = matrices(motion.turns)
    found = {"hips": motion.hips}
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            side, _, part = JOINTS[joint].partition(" ")
            offset = np.array(_OFFSETS.get(JOINTS[joint], _OFFSETS.get(part)), dtype=float)
            offset[0] *= -1 if side == "right" else 1
            found[JOINTS[joint]] = found[JOINTS[parent]] + turns[:, parent] @ offset
    return found


def performances(makers):
    return [
        pytest.param(makers[name], seed, id=f"{name}-{seed}") for name in makers for seed in SEEDS_OF.get(name, SEEDS)
    ]


@pytest.mark.parametrize(("maker", "seed"), performances(LOOPS | ENDING))
def test_a_motion_is_smooth_and_never_the_same_twice(maker, seed):
    motion, again = maker(np.random.default_rng(seed)), maker(np.random.default_rng(seed + 100))
    steps = np.abs(np.sum(motion.turns[1:] * motion.turns[:-1], axis=-1))
    assert np.degrees(2 * np.arccos(np.clip(steps, 0, 1))).max() < 70  # in 1/30 s: an arm that throws
    assert np.allclose(np.linalg.norm(motion.turns, axis=-1), 1)
    assert np.isfinite(motion.hips).all()
    assert 0.3 < motion.seconds < 16
    assert motion.turns.shape != again.turns.shape or not np.allclose(motion.turns, again.turns)


@pytest.mark.parametrize(("maker", "seed"), performances(LOOPS))
def test_a_loop_closes(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    for joint, path in found.items():
        # The last sample may be a thirtieth of a second before the end, and a fast hand is away by that much.
        most = np.linalg.norm(np.diff(path, axis=0), axis=1).max()
        assert np.linalg.norm(path[-1] - path[0]) < 1.5 * most + 0.06, joint


@pytest.mark.parametrize(("maker", "seed"), performances(DANCES))
def test_who_dances_moves_and_stays_on_a_foot(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    assert max(np.ptp(path, axis=0).max() for path in found.values()) > 0.15
    lower = np.minimum(found["left foot"][:, 1], found["right foot"][:, 1])
    assert lower.max() - lower.min() < 0.12


@pytest.mark.parametrize(("maker", "seed"), performances(JACKS))
def test_jacks_open_and_close_the_feet(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    apart = np.abs(found["left foot"][:, 0] - found["right foot"][:, 0])
    assert apart.max() > apart.min() + 0.18
    assert max(np.ptp(found[f"{side} hand"], axis=0).max() for side in ("left", "right")) > 0.2


@pytest.mark.parametrize(("maker", "seed"), performances(PUNCHES))
def test_a_fist_goes_out_fast(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    fists = [found[f"{side} hand"] - found["upper chest"] for side in ("left", "right")]
    fastest = max(np.linalg.norm(np.diff(fist, axis=0), axis=1).max() for fist in fists)
    assert fastest * 30 > 2  # hip heights in a second


@pytest.mark.parametrize(("maker", "seed"), performances(KICKS))
def test_one_foot_leaves_the_floor_and_the_other_does_not(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    high = np.maximum(found["left foot"], found["right foot"])[:, 1]
    lower = np.minimum(found["left foot"], found["right foot"])[:, 1]
    assert high.max() > 0.3
    assert lower.max() < 0.28


@pytest.mark.parametrize(("maker", "seed"), performances(THROWS))
def test_a_throw_swings_a_hand_far(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    assert max(np.ptp(found[f"{side} hand"], axis=0).max() for side in ("left", "right")) > 0.45


@pytest.mark.parametrize(("maker", "seed"), performances(POTTERING))
def test_who_potters_is_never_wide_and_quick_at_once(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    for side in ("left", "right"):
        hand = found[f"{side} hand"] - found["upper chest"]
        assert np.linalg.norm(hand[6:] - hand[:-6], axis=1).max() < 0.42  # in a fifth of a second
        assert np.ptp(found[f"{side} foot"], axis=0).max() < 0.05


@pytest.mark.parametrize(
    ("maker", "seed"), performances({name: POTTERING[name] for name in POTTERING if "busy" in name})
)
def test_hands_at_work_stay_below_the_shoulders_or_nearly_still(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    assert np.ptp(found["head"], axis=0).max() < 0.15
    for side in ("left", "right"):
        path = found[f"{side} hand"] - found["upper chest"]
        below = found[f"{side} hand"][:, 1] < found[f"{side} upper arm"][:, 1] + 0.05
        assert below.mean() > 0.5 or np.ptp(path, axis=0).max() < 0.08


@pytest.mark.parametrize("seed", range(20))
def test_who_pushes_up_stays_on_hands_and_toes_or_knees(seed):
    motion = exercises.push_up_anyhow(np.random.default_rng(seed))
    found = places(motion)
    down = np.min([path[:, 1] for path in found.values()], axis=0)
    hands = np.maximum(found["left hand"], found["right hand"])[:, 1] - down
    behind = np.min([found[f"left {part}"][:, 1] for part in ("shin", "foot", "toes")], axis=0) - down
    assert max(hands.max(), behind.max()) < 0.16
    assert (found["upper chest"][:, 1] - down).min() > 0.1
    assert np.ptp(found["upper chest"][:, 1] - down) > 0.1


@pytest.mark.parametrize(("maker", "seed"), performances(WAVES))
def test_a_wave_moves_the_hand_and_not_the_feet(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    assert np.ptp(found["right hand"], axis=0).max() > 0.08
    assert np.ptp(found["left foot"], axis=0).max() < 0.03


@pytest.mark.parametrize(("maker", "seed"), performances(leaping.JUMPS))
def test_both_feet_leave_the_floor(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    lower = np.minimum(found["left toes"], found["right toes"])[:, 1]
    assert lower.max() > 0.03
    assert lower[0] < 0.03
    assert lower[-1] < 0.03


@pytest.mark.parametrize(("maker", "seed"), performances(tumbling.FALLS | tumbling.SEATED_FALLS))
def test_a_fall_begins_upright_and_ends_lying(maker, seed):
    motion = maker(np.random.default_rng(seed))
    upright = matrices(motion.turns[[0, -1], INDEX["hips"]]) @ (0, 1, 0)
    assert upright[0, 1] > 0.9
    assert abs(upright[1, 1]) < 0.35


@pytest.mark.parametrize(("maker", "seed"), performances(SITS))
def test_who_sits_down_ends_behind_the_feet_upright_and_still(maker, seed):
    motion = maker(np.random.default_rng(seed))
    found = places(motion)
    feet = (found["left foot"] + found["right foot"]) / 2
    assert np.linalg.norm((feet - found["hips"])[-1, [0, 2]]) > 0.25
    assert found["hips"][-1, 1] < 0.86
    assert (matrices(motion.turns[-1, INDEX["hips"]]) @ (0, 1, 0))[1] > 0.95
    assert np.linalg.norm(found["head"][-1] - found["head"][-4]) < 0.02


@pytest.mark.parametrize(("maker", "seed"), performances(STANDS))
def test_who_stands_up_begins_low_and_ends_upright_on_the_feet(maker, seed):
    motion = maker(np.random.default_rng(seed))
    hips = motion.hips[:, 1]
    assert hips[0] < 0.86
    assert hips[-1] > 0.93
    assert (matrices(motion.turns[-1, INDEX["hips"]]) @ (0, 1, 0))[1] > 0.98


@pytest.mark.parametrize(("maker", "seed"), performances(PICK_UPS))
def test_who_picks_up_reaches_down_and_comes_up(maker, seed):
    found = places(maker(np.random.default_rng(seed)))
    floor = np.minimum(found["left foot"], found["right foot"])[:, 1] - 0.1
    hand = np.minimum(found["left hand"], found["right hand"])[:, 1] - floor
    assert hand.min() < 0.5
    assert (found["head"][:, 1] - floor)[-1] > 1.4


@pytest.mark.parametrize(
    ("place", "hips", "left"),
    [
        ((0, 0.9, 0), (0, 0, 0), (0.15, 0.0, 0.1)),
        ((0.05, 0.6, -0.1), (40, 0, 0), (0.2, 0.0, 0.0)),
        ((0, 0.85, 0), (5, 70, -10), (0.1, 0.0, -0.2)),
        ((0, 0.55, -0.45), (-6, 0, 0), (0.12, 0.0, 0.0)),
    ],
)
def test_feet_are_where_they_are_put(place, hips, left):
    key = stand(0, None, place, hips, left)
    motion = performed([key, stand(1, None, place, hips, left)], np.random.default_rng(1), jitter=0)
    found = places(motion)
    assert np.allclose(found["left foot"][0], np.add(left, (0, 0.1, 0)), atol=1e-6)
    assert np.allclose(found["right foot"][0], (-0.11, 0.1, 0), atol=1e-6)
    sole = matrices(motion.turns[0, INDEX["left foot"]])
    assert np.allclose(sole @ (0, 1, 0), (0, 1, 0), atol=1e-6)


def test_a_mirrored_pose_swaps_sides_and_keeps_pairs():
    pose = {"left upper arm": (1.0, 2.0, 3.0), "spine": (4.0, 5.0, 6.0), "thighs": (7.0, 8.0, 9.0)}
    other = {"right upper arm": (1.0, -2.0, -3.0), "spine": (4.0, -5.0, -6.0), "thighs": (7.0, 8.0, 9.0)}
    assert mirrored(pose) == other
    assert mirrored(other) == pose


def test_halfway_counts_what_a_pose_does_not_name_as_at_ease():
    halfway = between({"upper arms": (0, 0, 78)}, {"head": (20, 0, 0)})
    assert halfway["head"] == (10, 0, 0)
    assert halfway["left upper arm"] == halfway["right upper arm"] == (0, 0, 0)


def test_halfway_between_both_legs_and_one():
    halfway = between({"thighs": (0, 0, 20)}, {"left thigh": (0, 0, -8)})
    assert (halfway["left thigh"], halfway["right thigh"]) == ((0, 0, 6), (0, 0, -10))


@pytest.mark.parametrize(
    "role",
    [
        Role.JACKS,
        Role.DANCE,
        Role.PUNCH,
        Role.KICK,
        Role.THROW,
        Role.WAVE,
        Role.JUMP,
        Role.FALL,
        Role.SIT,
        Role.STAND,
        Role.PICK_UP,
    ],
)
def test_a_class_that_moves_much_is_learned_from_many_sources(role):
    assert sum(entry.role is role and entry.split == "train" for entry in CATALOGUE) >= 7


def test_dances_drawn_differ_in_more_than_size():
    drawn = [invented.dance_drawn(np.random.default_rng(seed)) for seed in range(12)]
    hands = [places(motion)["left hand"] - places(motion)["upper chest"] for motion in drawn]
    heights = [hand[:, 1].mean() for hand in hands]
    assert np.ptp(heights) > 0.3
    assert len({len(motion.turns) for motion in drawn}) > 4
