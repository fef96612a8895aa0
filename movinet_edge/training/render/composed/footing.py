"""Key poses of people whose feet stay where they are put: legs that follow from hips and feet, mirrors, beats."""

from collections.abc import Sequence

import numpy as np

from movinet_edge.training.render.keyframes import AT_EASE, PLURALS, Angles, Key, Pose, performed
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.rotation import Floats, euler, matrices

Random = np.random.Generator

# In standing hip heights, as the bodies of the assets have them; shapes differ by a few hundredths.
_BONE = 0.45
_ANKLE = 0.1
_HALF_PELVIS = 0.105
# A foot hangs from the toes when it is lifted: degrees for a lift of one hip height, and the most.
_HANG, _MOST_HANG = 150.0, 35.0
LEFT: Angles = (0.11, 0.0, 0.0)
RIGHT: Angles = (-0.11, 0.0, 0.0)


def stand(
    time_s: float,
    upper: Pose | None = None,
    place: Angles = (0, 1, 0),
    hips: Angles = (0, 0, 0),
    left: Angles = LEFT,
    *,
    right: Angles = RIGHT,
) -> Key:
    """A key whose legs reach from the hips to the feet.

    Args:
        time_s: when.
        upper: the other joints, and those of a leg that shall not follow its foot.
        place: where the hips are, and `hips` how they are turned.
        left: where the foot is: to the left, above the floor, ahead, in standing hip heights; `right` likewise.
    """
    legs: dict[str, Angles] = {"hips": hips}
    for side, foot in (("left", left), ("right", right)):
        legs |= _leg(side, np.array(place), hips, np.array(foot))
    return Key(time_s, {**legs, **(upper or {})}, place)


def mirrored(pose: Pose) -> dict[str, Angles]:
    """Left and right exchanged."""
    sides = {"left": "right", "right": "left"}
    other: dict[str, Angles] = {}
    for name, (x, y, z) in pose.items():
        side, _, joint = name.partition(" ")
        if name in PLURALS:
            other[name] = (x, y, z)
        else:
            other[f"{sides[side]} {joint}" if side in sides else name] = (x, -y, -z)
    return other


def between(one: Pose, other: Pose) -> dict[str, Angles]:
    """Halfway, joint by joint; what a pose does not name is at ease."""
    ease: Angles = (0.0, 0.0, 0.0)
    first, second = ({**_both_sides(AT_EASE), **_both_sides(pose)} for pose in (one, other))
    pairs = {name: (first.get(name, ease), second.get(name, ease)) for name in {**first, **second}}
    return {name: ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2) for name, (a, b) in pairs.items()}


def _both_sides(pose: Pose) -> dict[str, Angles]:
    """The same without plurals; what names one side goes before what names both."""
    single: dict[str, Angles] = {}
    for name, (x, y, z) in pose.items():
        if name in PLURALS:
            single |= {f"left {PLURALS[name]}": (x, y, z), f"right {PLURALS[name]}": (x, -y, -z)}
    return single | {name: angles for name, angles in pose.items() if name not in PLURALS}


def cycle(keys: Sequence[Key], seconds: float, random: Random, *, jitter: float = 0.04) -> Motion:
    """Keys in the order of their moments, and after `seconds` the first one again."""
    return performed([*keys, Key(seconds, keys[0].pose, keys[0].hips)], random, jitter=jitter)


def _leg(side: str, place: Floats, hips: Angles, foot: Floats) -> dict[str, Angles]:
    """Thigh, shin and foot of one leg, the knee ahead of the line from hip to ankle."""
    pelvis = matrices(euler(hips))
    out = _HALF_PELVIS if side == "left" else -_HALF_PELVIS
    ankle = foot + np.array((0, _ANKLE, 0))
    way = ankle - (place + pelvis @ (out, 0, 0))
    reach = float(np.linalg.norm(way))
    down = way / reach
    half_bend = np.arccos(min(reach / (2 * _BONE), 1.0))
    yaw = np.radians(hips[1])
    facing = np.array([np.sin(yaw), 0, np.cos(yaw)])
    ahead = facing - down * (facing @ down)
    ahead /= np.linalg.norm(ahead)
    along = np.cos(half_bend) * down + np.sin(half_bend) * ahead
    front = np.cos(half_bend) * ahead - np.sin(half_bend) * down
    thigh = np.stack([np.cross(-along, front), -along, front], axis=1)
    bend = float(np.degrees(2 * half_bend))
    shin = thigh @ matrices(euler((bend, 0, 0)))
    flat = matrices(euler((min(_HANG * foot[1], _MOST_HANG), hips[1], 0)))
    return {
        f"{side} thigh": _angles(pelvis.T @ thigh),
        f"{side} shin": (bend, 0.0, 0.0),
        f"{side} foot": _angles(shin.T @ flat),
    }


def _angles(turn: Floats) -> Angles:
    """What `euler` makes this turn of; of the two answers the one with less roll and yaw."""
    x = np.arcsin(np.clip(-turn[1, 2], -1, 1))
    y, z = np.arctan2(turn[0, 2], turn[2, 2]), np.arctan2(turn[1, 0], turn[1, 1])
    if abs(y) + abs(z) > np.pi:
        x, y, z = np.pi - x, y - np.copysign(np.pi, y), z - np.copysign(np.pi, z)
        x -= 2 * np.pi * (x > np.pi)
    return float(np.degrees(x)), float(np.degrees(y)), float(np.degrees(z))
