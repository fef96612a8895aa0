"""Ways to sit down and to stand up: slowly, at once, low and high seats, with the hands on the knees or on the seat."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.anyhow import arms
from movinet_edge.training.render.composed.footing import stand
from movinet_edge.training.render.keyframes import Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator
_ON_THE_THIGHS: Pose = {"upper arms": (-18, 0, -77), "forearms": (0, -42, 0)}
_ON_THE_KNEES: Pose = {"upper arms": (-32, 0, -78), "forearms": (0, -18, 0)}
_IN_THE_LAP: Pose = {"upper arms": (-12, 0, -80), "forearms": (0, -78, 0)}
# Heights of the hips, in standing hip heights: those of a kitchen chair are 0.6.
_SOFA, _CHAIR, _STOOL = (0.4, 0.5), (0.55, 0.64), (0.72, 0.82)


def _sit(
    random: Random,
    high: tuple[float, float],
    seconds: float,
    *,
    way: Pose,
    end: Pose,
    lean: float = 38,
    yaw: float = 0,
    bow: float = 0,
) -> Motion:
    """Down onto a seat behind the feet, which stay where they are; `bow` is how far forward it ends."""
    seat = random.uniform(*high)
    back = -0.52 + max(seat - 0.62, 0) * 0.9
    upright = random.uniform(-8, 2) + bow
    feet = ((0.12, 0.0, 0.0), (-0.12, 0.0, 0.0))
    if yaw:
        turn = np.radians(yaw)
        side = (float(np.cos(turn)) * 0.12, 0.0, float(-np.sin(turn)) * 0.12)
        feet = (side, (-side[0], 0.0, -side[2]))
    away = (float(np.sin(np.radians(yaw))) * back, float(np.cos(np.radians(yaw))) * back)
    start_s = 0.6 if yaw else 0.0
    keys = [stand(0)]
    if yaw:
        keys += [
            stand(0.3, {"head": (10, 20, 0)}, (0, 0.98, 0), (0, yaw / 2, 0), (0.12, 0.05, 0)),
            stand(0.6, {"head": (15, 10, 0)}, (0, 0.97, 0), (4, yaw, 0), feet[0], right=feet[1]),
        ]
    trunk: Pose = {"spine": (lean / 4, 0, 0)}
    keys += [
        stand(
            start_s + seconds * 0.5,
            {**trunk, **way},
            (away[0] / 2, (0.95 + seat) / 2, away[1] / 2),
            (lean, yaw, 0),
            feet[0],
            right=feet[1],
        ),
        stand(
            start_s + seconds * 0.85,
            {**trunk, **way},
            (away[0], seat + 0.01, away[1]),
            (lean * 0.7, yaw, 0),
            feet[0],
            right=feet[1],
        ),
        stand(start_s + seconds * 1.15, end, (away[0], seat, away[1]), (upright, yaw, 0), feet[0], right=feet[1]),
        stand(
            start_s + seconds * 1.15 + 0.25, end, (away[0], seat, away[1]), (upright, yaw, 0), feet[0], right=feet[1]
        ),
    ]
    return performed(keys, random, jitter=0.04)


def sit_slowly(random: Random) -> Motion:
    """As one does who does not trust the knees: the hands on the thighs all the way."""
    return _sit(random, _CHAIR, random.uniform(1.5, 2.4), way=_ON_THE_THIGHS, end=_ON_THE_THIGHS, lean=48)


def sit_at_once(random: Random) -> Motion:
    """Drops onto the seat."""
    arms: Pose = {"upper arms": (-10, 0, random.uniform(-70, -45)), "forearms": (0, -30, 0)}
    return _sit(random, _CHAIR, random.uniform(0.5, 0.7), way=arms, end=_IN_THE_LAP, lean=22)


def sit_low(random: Random) -> Motion:
    """Into a sofa."""
    arms: Pose = {"upper arms": (-35, 0, -68), "forearms": (0, -15, 0)}
    return _sit(random, _SOFA, random.uniform(0.9, 1.4), way=arms, end=_IN_THE_LAP, lean=45)


def sit_high(random: Random) -> Motion:
    """Onto the edge of a table or a high stool."""
    arms: Pose = {"upper arms": (20, 0, -62), "forearms": (0, -35, 0)}
    return _sit(random, _STOOL, random.uniform(0.7, 1.1), way=arms, end=_ON_THE_THIGHS, lean=18)


def sit_reaching_back(random: Random) -> Motion:
    """One hand or both look for the seat behind."""
    way: Pose = {"upper arms": (42, 0, -66), "forearms": (0, -18, 0), "head": (5, 15, 0)}
    if random.random() < 0.5:
        way = {**_ON_THE_KNEES, "left upper arm": (42, 0, -60), "left forearm": (0, -15, 0), "head": (10, 35, 0)}
    return _sit(random, _CHAIR, random.uniform(1.0, 1.6), way=way, end=_ON_THE_KNEES, lean=32)


def sit_turning(random: Random) -> Motion:
    """Turns the back to the seat first."""
    yaw = random.uniform(60, 110)
    way = _ON_THE_KNEES if random.random() < 0.5 else {"upper arms": (-25, 0, -70), "forearms": (0, -20, 0)}
    return _sit(random, _CHAIR, random.uniform(0.8, 1.3), way=way, end=_ON_THE_KNEES, yaw=yaw)


def sit_anyhow(random: Random) -> Motion:
    """Onto whatever there is, with the arms anywhere; who drops keeps them where they are."""
    yaw = 0.0 if random.random() < 0.6 else random.uniform(20, 120)
    seconds = random.uniform(0.5, 2.2)
    way = arms(random)
    end = way if seconds < 1.2 else arms(random)
    lean, bow = random.uniform(14, 52), random.uniform(-12, 16)
    return _sit(random, (_SOFA[0], _STOOL[1]), seconds, way=way, end=end, lean=lean, yaw=yaw, bow=bow)


SITS: dict[str, Callable[[Random], Motion]] = {
    "sit down slowly": sit_slowly,
    "sit down at once": sit_at_once,
    "sit down low": sit_low,
    "sit down high": sit_high,
    "sit down reaching back": sit_reaching_back,
    "turn and sit down": sit_turning,
}


def _stand(sit: Callable[[Random], Motion]) -> Callable[[Random], Motion]:
    return lambda random: sit(random).reversed()


STANDS: dict[str, Callable[[Random], Motion]] = {
    "stand up slowly": _stand(sit_slowly),
    "stand up at once": _stand(sit_at_once),
    "stand up from low": _stand(sit_low),
    "stand up from high": _stand(sit_high),
    "stand up pushing": _stand(sit_reaching_back),
    "stand up and turn": _stand(sit_turning),
}


def stand_anyhow(random: Random) -> Motion:
    """Off whatever there is, with the arms anywhere."""
    return sit_anyhow(random).reversed()
