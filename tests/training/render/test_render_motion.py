"""Motions: sampling, loops, mirrors, key poses, and one thing after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.training.render.composed import everyday, exercises, falls, resting
from movinet_edge.training.render.keyframes import Key, performed
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.rotation import about, matrices
from movinet_edge.training.render.skeleton import INDEX, JOINTS
from movinet_edge.training.render.timeline import Segment, compose, fidgeting

HIP_HEIGHT_M = 0.9


def spinning(samples: int = 31, ahead: float = 0.0) -> Motion:
    """One turn about the upright axis in a second, `ahead` hip heights forward."""
    turns = np.repeat(about("y", np.linspace(0, 2 * np.pi, samples))[:, None], len(JOINTS), axis=1)
    hips = np.stack([np.zeros(samples), np.ones(samples), np.linspace(0, ahead, samples)], axis=1)
    return Motion(turns, hips)


def standing() -> Motion:
    turns = np.zeros((1, len(JOINTS), 4))
    turns[..., 3] = 1
    return Motion(turns, np.array([[0.0, 1, 0]]))


def same_turns(one, other):
    return np.allclose(np.abs(np.sum(one * other, axis=-1)), 1, atol=1e-6)


def test_a_motion_stops_at_its_end_or_starts_again():
    motion = spinning(ahead=0.5)
    held, looped = (motion.at(np.array([0.0, 1.25, 2.5]), loop=loop) for loop in (False, True))
    assert np.allclose(held.hips[:, 2], (0, 0.5, 0.5))
    assert np.allclose(looped.hips[:, 2], (0, 0.625, 1.25))
    assert np.allclose(matrices(looped.turns[1, 0]) @ (0, 0, 1), (1, 0, 0), atol=1e-6)


def test_mirrored_twice_is_the_same():
    motion = performed(
        [Key(0), Key(1, {"left upper arm": (-90, 20, 10), "head": (5, 30, 0)})], np.random.default_rng(1)
    )
    again = motion.mirrored().mirrored()
    assert same_turns(motion.turns, again.turns)
    assert not same_turns(motion.turns, motion.mirrored().turns)


def test_a_mirrored_left_arm_is_a_right_one():
    left = performed([Key(0), Key(1, {"left upper arm": (-90, 0, -80)})], np.random.default_rng(1), jitter=0)
    right = performed([Key(0), Key(1, {"right upper arm": (-90, 0, 80)})], np.random.default_rng(1), jitter=0)
    assert same_turns(left.mirrored().turns, right.turns)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_turns_about_the_upright_axis_add_up(one, other):
    motion = spinning(ahead=1.0)
    both, at_once = motion.turned(one).turned(other), motion.turned(one + other)
    assert same_turns(both.turns, at_once.turns)
    assert np.allclose(both.hips, at_once.hips)


def test_legs_swing_less_and_arms_as_before():
    motion = performed(
        [Key(0), Key(1, {"left thigh": (-60, 0, 0), "left upper arm": (-60, 0, -78)})],
        np.random.default_rng(1),
        jitter=0,
    )
    damped = motion.with_leg_swing(0.5)
    leg = matrices(damped.turns[-1, INDEX["left thigh"]]) @ (0, -1, 0)
    assert np.degrees(np.arctan2(leg[2], -leg[1])) == pytest.approx(30, abs=0.5)
    assert same_turns(motion.turns[:, INDEX["left hand"]], damped.turns[:, INDEX["left hand"]])


MAKERS = [
    *(
        falls.fall_backward,
        falls.fall_by_sitting,
        falls.fall_off_a_seat_forward,
        falls.fall_forward,
        falls.fall_sideways,
        falls.collapse,
        falls.fall_off_a_seat,
    ),
    *(
        resting.sit_down,
        resting.stand_up,
        *map(resting.lie_still, resting.LYING),
        *map(resting.sit_still, resting.SEATED),
    ),
    *(
        exercises.jumping_jacks,
        exercises.push_up,
        exercises.walk,
        exercises.crawl,
        exercises.punch,
        exercises.front_kick,
    ),
    *(exercises.side_kick, exercises.throw_overarm, exercises.throw_underarm, everyday.jump_up, everyday.dance_freely),
    *(everyday.pick_up_bending, everyday.pick_up_squatting, everyday.pick_up_with_one_hand, everyday.turn_around),
    *(everyday.wave_one_hand, everyday.wave_both_arms, *map(everyday.gesture, everyday.GESTURES)),
]


@pytest.mark.parametrize("maker", MAKERS)
def test_a_composed_motion_is_smooth_and_never_the_same_twice(maker):
    motion, again = maker(np.random.default_rng(1)), maker(np.random.default_rng(2))
    steps = np.abs(np.sum(motion.turns[1:] * motion.turns[:-1], axis=-1))
    assert np.degrees(2 * np.arccos(np.clip(steps, 0, 1))).max() < 70  # in 1/30 s: the arms of one who jumps
    assert np.allclose(np.linalg.norm(motion.turns, axis=-1), 1)
    assert 0.3 < motion.seconds < 8
    assert motion.turns.shape != again.turns.shape or not np.allclose(motion.turns, again.turns)


@pytest.mark.parametrize(
    "maker",
    [
        falls.fall_by_sitting,
        falls.fall_off_a_seat_forward,
        falls.fall_backward,
        falls.fall_forward,
        falls.fall_sideways,
        falls.collapse,
        falls.fall_off_a_seat,
    ],
)
def test_a_fall_begins_upright_and_ends_lying(maker):
    motion = maker(np.random.default_rng(3))
    upright = matrices(motion.turns[[0, -1], INDEX["hips"]]) @ (0, 1, 0)
    assert upright[0, 1] > 0.9
    assert abs(upright[1, 1]) < 0.35


def moments(seconds: float) -> np.ndarray:
    return np.arange(0, seconds, 0.2)


def test_labels_wait_for_the_action_and_stay_a_while():
    segments = [
        Segment(standing(), 1.0, 16, "stand"),
        Segment(spinning(), 1.0, 3, "spin", lead_s=0.4, tail_s=0.6),
        Segment(standing(), 9.0, 16, "stand"),
    ]
    track = compose(segments, moments(4), np.zeros(3), 0.0, HIP_HEIGHT_M)
    assert track.labels.tolist() == [16] * 7 + [3] * 6 + [16] * 7
    assert track.sources == ("stand", "spin", "stand")


@pytest.mark.parametrize("turn_rps", [0.0, 0.7, -1.3])
def test_who_walks_gets_as_far_as_the_speed_says(turn_rps):
    walk = Segment(standing(), 4.0, 2, "walk", loop=True, speed_mps=1.2, turn_rps=turn_rps)
    fine_s = np.arange(0, 4.001, 0.01)
    hips_m = compose([walk], fine_s, np.zeros(3), 0.3, HIP_HEIGHT_M).motion.hips * HIP_HEIGHT_M
    assert np.linalg.norm(np.diff(hips_m, axis=0), axis=1).sum() == pytest.approx(4.8, rel=0.01)
    first = hips_m[1] - hips_m[0]
    assert np.arctan2(first[0], first[2]) == pytest.approx(0.3, abs=0.02)


def test_what_follows_begins_where_the_last_ended():
    segments = [
        Segment(standing(), 2.0, 2, "walk", loop=True, speed_mps=1.0),
        Segment(spinning(ahead=0.5), 1.0, 3, "spin"),
        Segment(standing(), 2.0, 16, "stand"),
    ]
    track = compose(segments, np.arange(0, 5, 0.01), np.array([1.0, 0, 2.0]), 1.0, HIP_HEIGHT_M)
    steps_m = np.linalg.norm(np.diff(track.motion.hips, axis=0), axis=1) * HIP_HEIGHT_M
    assert steps_m.max() < 0.03
    assert np.allclose(track.motion.hips[0, [0, 2]] * HIP_HEIGHT_M, (1, 2))


def test_seats_and_feet_are_those_of_the_segment():
    segments = [Segment(standing(), 1.0, 16, "sit", seated=True), Segment(standing(), 1.0, 4, "jump", airborne=True)]
    track = compose(segments, moments(2), np.zeros(3), 0.0, HIP_HEIGHT_M)
    assert track.seated.tolist() == [True] * 5 + [False] * 5
    assert track.grounded.tolist() == [True] * 5 + [False] * 5


def test_people_fidget_a_little_and_not_much():
    track = compose([Segment(standing(), 5.0, 16, "stand")], moments(4), np.zeros(3), 0.0, HIP_HEIGHT_M)
    moved = fidgeting(track, moments(4), np.random.default_rng(1)).motion.turns
    angles = np.degrees(2 * np.arccos(np.clip(np.abs(moved[..., 3]), 0, 1)))
    assert 0.5 < angles.mean() < 12
    assert np.ptp(angles, axis=0).max() > 0.5
