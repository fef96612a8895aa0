"""Small movements of people who stand about: shifting weight, looking, scratching, talking with the hands."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.footing import LEFT, RIGHT, cycle, stand
from movinet_edge.training.render.keyframes import Key, Pose
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def shift_weight(random: Random) -> Motion:
    """From one leg to the other."""
    keys: list[Key] = []
    now_s = 0.0
    for side in (1, -1):
        x, hold_s = side * random.uniform(0.05, 0.1), random.uniform(0.6, 1.6)
        arms: Pose = {"upper arms": (random.uniform(-8, 8), 0, -78), "head": (random.uniform(-5, 15), side * 10, 0)}
        hips = (0, side * 5, -side * 5)
        keys += [stand(moment_s, arms, (x, 0.995, 0), hips) for moment_s in (now_s, now_s + hold_s)]
        now_s += hold_s + random.uniform(0.5, 0.9)
    return cycle(keys, now_s, random, jitter=0.06)


def look_around(random: Random) -> Motion:
    """The head, and a little of the trunk, to one side, the other, up or down."""
    keys, now_s = [stand(0)], 0.0
    for _ in range(int(random.integers(2, 5))):
        yaw, pitch = random.uniform(-65, 65), random.uniform(-20, 25)
        look: Pose = {"head": (pitch, yaw * 0.8, 0), "spine": (0, yaw * 0.25, 0), "chest": (0, yaw * 0.15, 0)}
        now_s += random.uniform(0.5, 0.9)
        keys.append(stand(now_s, look))
        now_s += random.uniform(0.3, 1.0)
        keys.append(stand(now_s, look))
    return cycle(keys, now_s + 0.8, random, jitter=0.06)


def _held(out: Pose, back: Pose, *, times: tuple[int, int], beat_s: tuple[float, float]) -> Callable[[Random], Motion]:
    """At ease, then to and fro between two poses for a while, and at ease again."""

    def moving(random: Random) -> Motion:
        lean, shift = random.uniform(-4, 4), random.uniform(-0.05, 0.05)
        place, hips = (shift, 0.998, 0.0), (0.0, random.uniform(-8, 8), lean)
        keys = [stand(0, None, place, hips)]
        now_s = 0.7
        for _ in range(int(random.integers(*times))):
            keys.append(stand(now_s, out, place, hips))
            now_s += random.uniform(*beat_s)
            keys.append(stand(now_s, back, place, hips))
            now_s += random.uniform(*beat_s)
        end_s = now_s + random.uniform(0.4, 0.8)
        return cycle([*keys, stand(end_s, None, place, hips)], end_s + random.uniform(0.3, 1.5), random, jitter=0.08)

    return moving


def talk_with_the_hands(random: Random) -> Motion:
    """One hand or both move as the words go, never above the shoulders."""

    def word() -> Pose:
        return {
            "left upper arm": (random.uniform(-40, 0), 0, random.uniform(-78, -55)),
            "left forearm": (0, random.uniform(-105, -40), random.uniform(-15, 20)),
            "right upper arm": (random.uniform(-40, 0), 0, random.uniform(55, 78)),
            "right forearm": (0, random.uniform(40, 105), random.uniform(-20, 15)),
            "head": (random.uniform(-6, 12), random.uniform(-15, 15), random.uniform(-6, 6)),
        }

    keys, now_s = [], 0.0
    for _ in range(int(random.integers(3, 7))):
        keys.append(stand(now_s, word(), (random.uniform(-0.04, 0.04), 0.998, 0)))
        now_s += random.uniform(0.35, 0.9)
    return cycle(keys, now_s, random)


def tread(random: Random) -> Motion:
    """Small steps on the spot, as in the cold or in a queue."""
    beat_s, lift = random.uniform(0.35, 0.6), random.uniform(0.02, 0.05)
    arms: Pose = {"upper arms": (-12, 0, -78), "forearms": (0, random.uniform(-95, -20), 0)}
    keys: list[Key] = []
    for step, side in enumerate((1, -1, 1, -1)):
        left = (LEFT[0], lift if side < 0 else 0.0, random.uniform(-0.06, 0.06))
        right = (RIGHT[0], lift if side > 0 else 0.0, random.uniform(-0.06, 0.06))
        keys.append(stand(step * beat_s, arms, (side * 0.05, 0.99, 0), (0, 0, -side * 2), left, right=right))
    return cycle(keys, 4 * beat_s + random.uniform(0, 1.0), random, jitter=0.06)


_POCKETS: Pose = {"upper arms": (-8, 0, -81), "forearms": (0, -32, 0)}
_CLASPED: Pose = {"upper arms": (-14, 0, -82), "forearms": (0, -70, 0)}
_AT_THE_HEAD: Pose = {"right upper arm": (-60, 0, 20), "right forearm": (0, 132, -15), "head": (14, 0, 6)}
_AT_THE_FACE: Pose = {"right upper arm": (-42, 0, 66), "right forearm": (0, 138, 0), "head": (8, 0, 0)}
_WATCH: Pose = {"left upper arm": (-48, 0, -70), "left forearm": (0, -98, 0), "head": (24, 10, 0)}
_WIPING: Pose = {"spine": (20, 0, 0), "right upper arm": (-52, 0, 72), "right forearm": (0, 35, 0), "head": (18, 0, 0)}

STANDING: dict[str, Callable[[Random], Motion]] = {
    "shifting weight": shift_weight,
    "looking around": look_around,
    "talking with the hands": talk_with_the_hands,
    "treading": tread,
    "hands in the pockets": _held(
        _POCKETS, {**_POCKETS, "head": (5, 25, 0), "spine": (0, 8, 0)}, times=(1, 3), beat_s=(0.8, 1.8)
    ),
    "rubbing the hands": _held(
        _CLASPED,
        {**_CLASPED, "left forearm": (0, -82, 0), "right forearm": (0, 58, 0)},
        times=(2, 6),
        beat_s=(0.2, 0.4),
    ),
    "scratching the head": _held(
        _AT_THE_HEAD, {**_AT_THE_HEAD, "right forearm": (0, 122, -22)}, times=(2, 5), beat_s=(0.15, 0.3)
    ),
    "touching the face": _held(_AT_THE_FACE, {**_AT_THE_FACE, "head": (12, 12, 0)}, times=(1, 3), beat_s=(0.4, 1.0)),
    "looking at the watch": _held(_WATCH, {**_WATCH, "head": (28, 6, 0)}, times=(1, 3), beat_s=(0.5, 0.9)),
    "wiping": _held(_WIPING, {**_WIPING, "right upper arm": (-58, -22, 62)}, times=(2, 6), beat_s=(0.25, 0.5)),
}
