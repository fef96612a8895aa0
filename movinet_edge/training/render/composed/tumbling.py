"""More falls: over an obstacle, on ice, down a wall, out of a walk, in a faint, and from a chair."""

from collections.abc import Callable

import numpy as np

from movinet_edge.training.render.composed.falls import landing
from movinet_edge.training.render.composed.footing import stand
from movinet_edge.training.render.composed.resting import LYING, SEATED
from movinet_edge.training.render.keyframes import Key, Pose, performed
from movinet_edge.training.render.motion import Motion

Random = np.random.Generator


def trip(random: Random) -> Motion:
    """One foot is caught, the hands meet the floor first, then knees and belly."""
    reaching: Pose = {
        "hips": (40, 0, 0),
        "head": (-20, 0, 0),
        "upper arms": (-100, 0, -70),
        "forearms": (0, -25, 0),
        "left thigh": (-65, 0, 0),
        "left shin": (70, 0, 0),
        "right thigh": (5, 0, 0),
        "right shin": (50, 0, 0),
    }
    on_hands: Pose = {
        "hips": (72, 0, 0),
        "head": (-25, 0, 0),
        "upper arms": (-88, 0, -72),
        "forearms": (0, -30, 0),
        "thighs": (-60, 0, 4),
        "shins": (75, 0, 0),
        "feet": (40, 0, 0),
    }
    caught = stand(0.25, {"spine": (8, 0, 0)}, (0, 0.95, 0.2), (14, 0, 0), (0.11, 0, 0.25), right=(-0.11, 0.06, -0.15))
    path = [caught, Key(0.5, reaching, (0, 1, 0.5)), Key(0.72, on_hands, (0, 1, 0.75))]
    if random.random() < 0.5:  # catches on hands and knees for a moment
        path.append(Key(0.72 + random.uniform(0.2, 0.6), on_hands, (0, 1, 0.75)))
    return landing(random, path, "on the face")


def slip(random: Random) -> Motion:
    """Both feet shoot ahead, the arms fly up, seat and back hit the floor."""
    arms = random.uniform(-20, 45)
    gone: Pose = {
        "hips": (-22, 0, 0),
        "upper arms": (-30, 0, arms),
        "left thigh": (-40, 0, 6),
        "right thigh": (-15, 0, -6),
        "shins": (15, 0, 0),
    }
    sitting: Pose = {
        "hips": (-42, 0, 0),
        "head": (25, 0, 0),
        "upper arms": (20, 0, arms - 40),
        "thighs": (-62, 0, 8),
        "shins": (18, 0, 0),
    }
    down: Pose = {"hips": (-80, 0, 0), "head": (20, 0, 0), "upper arms": (0, 0, -20), "thighs": (-50, 0, 8)}
    path = [Key(0.2, gone, (0, 1, -0.1)), Key(0.5, sitting, (0, 1, -0.3)), Key(0.75, down, (0, 1, -0.45))]
    return landing(random, path, str(random.choice(["on the back", "on the back, one knee up"])))


def slide_down(random: Random) -> Motion:
    """As down a wall behind the back: the knees give, the seat meets the floor, the trunk sinks over."""
    slow = random.uniform(0.8, 1.6)
    slack: Pose = {"spine": (12, 0, 0), "head": (25, 0, 8), "upper arms": (0, 0, -74)}
    feet = ((0.11, 0.0, 0.12), (-0.11, 0.0, 0.12))
    slumped: Pose = {
        "hips": (-8, 0, 0),
        "spine": (18, 0, 0),
        "head": (30, 0, 10),
        "upper arms": (10, 0, -62),
        "thighs": (-95, 0, 10),
        "shins": (75, 0, 0),
    }
    path = [
        stand(slow * 0.5, slack, (0, 0.72, -0.12), (-4, 0, 0), feet[0], right=feet[1]),
        stand(slow, slack, (0, 0.35, -0.22), (-6, 0, 0), feet[0], right=feet[1]),
        Key(slow + 0.25, slumped, (0, 1, -0.3)),
        Key(slow + 0.55, {**slumped, "hips": (-10, 0, 40), "spine": (15, 0, 10)}, (-0.1, 1, -0.3)),
    ]
    return landing(random, path, str(random.choice(["on the side", "curled up"])))


def stumble(random: Random) -> Motion:
    """Catches a foot while walking, two wide steps too late, and down on the belly."""
    step = random.uniform(0.35, 0.5)
    keys: list[Key] = []
    for number, lean in enumerate((8.0, 22.0, 38.0)):
        pushed = step * (1 + number * 0.15)
        z = sum(step * (1 + earlier * 0.15) for earlier in range(number)) + pushed / 2
        ahead, behind = (0.1, 0.0, z + pushed / 2), (-0.1, 0.08, z - pushed / 2)
        swing = 20 + lean
        arms: Pose = {"left upper arm": (swing, 0, -70 + lean), "right upper arm": (-swing, 0, 70 - lean)}
        if number % 2:
            ahead, behind = (0.1, 0.08, z - pushed / 2), (-0.1, 0.0, z + pushed / 2)
            arms = {"left upper arm": (-swing, 0, -70 + lean), "right upper arm": (swing, 0, 70 - lean)}
        upper: Pose = {**arms, "forearms": (0, -25, 0), "spine": (lean / 2, 0, 0)}
        keys.append(stand(0.35 * (number + 1), upper, (0, 0.93 - lean / 250, z), (lean, 0, 0), ahead, right=behind))
    z = keys[-1].hips[2]
    diving: Pose = {
        "hips": (68, 0, 0),
        "head": (-20, 0, 0),
        "upper arms": (-120, 0, -62),
        "forearms": (0, -30, 0),
        "thighs": (-25, 0, 3),
        "shins": (50, 0, 0),
    }
    return landing(random, [*keys, Key(keys[-1].time_s + 0.32, diving, (0, 1, z + 0.4))], "on the face")


def keel_over(random: Random) -> Motion:
    """Stiff as a board, about the toes, the arms stay where they are."""
    seconds = random.uniform(0.8, 1.3)
    arms: Pose = {"upper arms": (random.uniform(-10, 10), 0, -80), "head": (15, 0, 0)}
    path = []
    for share, tilt in ((0.4, 12.0), (0.7, 38.0), (1.0, 84.0)):
        ahead = float(np.sin(np.radians(tilt)))
        path.append(Key(seconds * share, {**arms, "hips": (tilt, 0, 0), "feet": (-tilt / 4, 0, 0)}, (0, 1, ahead)))
    return landing(random, path, "on the face")


def faint(random: Random) -> Motion:
    """The head drops, the knees fold, all goes slack, and the back meets the floor."""
    turn = random.uniform(-40, 40)
    slack: Pose = {"head": (30, 0, 12), "spine": (14, 0, 0), "upper arms": (0, 0, -80), "forearms": (0, -6, 0)}
    folded: Pose = {
        **slack,
        "hips": (-22, turn * 0.6, 0),
        "thighs": (-70, 0, 12),
        "shins": (120, 0, 0),
        "feet": (20, 0, 0),
    }
    tipping: Pose = {
        "hips": (-58, turn, 0),
        "head": (15, 0, 10),
        "upper arms": (-20, 0, -45),
        "thighs": (-45, 0, 14),
        "shins": (80, 0, 0),
    }
    lying: Pose = {**LYING["on the back, one knee up"], "hips": (-88, turn, 0)}
    path = [
        stand(0.4, {"head": (25, 0, 8), "spine": (6, 0, 0)}, (0.03, 0.95, 0), (2, 0, 3)),
        stand(0.7, slack, (0, 0.72, -0.08), (4, turn * 0.3, 0)),
        Key(0.98, folded, (0, 1, -0.25)),
        Key(1.3, tipping, (0, 1, -0.45)),
        Key(1.6, lying, (0, 1, -0.5)),
        Key(2.3, lying, (0, 1, -0.5)),
    ]
    return performed([Key(0), *path], random)


def tip_over_backward(random: Random) -> Motion:
    """With the chair, seated to the end, and then the legs drop."""
    seated = SEATED["hands on the thighs"]
    arms: Pose = {"upper arms": (-50, 0, random.uniform(-40, 20)), "forearms": (0, -25, 0), "head": (20, 0, 0)}
    keys = [
        Key(0, seated),
        Key(0.35, {**seated, **arms, "hips": (-28, 0, 0)}, (0, 1, -0.15)),
        Key(0.7, {**seated, **arms, "hips": (-78, 0, 0), "thighs": (-85, 0, 8)}, (0, 1, -0.4)),
        Key(1.2, LYING["on the back, one knee up"], (0, 1, -0.4)),
        Key(1.9, LYING["on the back, one knee up"], (0, 1, -0.4)),
    ]
    return performed(keys, random)


def slump_off_a_seat(random: Random) -> Motion:
    """The head sinks, the trunk folds over the knees, the knees meet the floor, and the body rolls to a side."""
    seated = SEATED["hands on the thighs"]
    slack: Pose = {"spine": (25, 0, 0), "chest": (12, 0, 0), "head": (30, 0, 0), "upper arms": (-30, 0, -80)}
    kneeling: Pose = {**slack, "hips": (35, 0, 8), "thighs": (-60, 0, 4), "shins": (120, 0, 0), "feet": (40, 0, 0)}
    rolled: Pose = {**kneeling, "hips": (25, 0, 55), "thighs": (-80, 0, 2), "shins": (100, 0, 0)}
    slow = random.uniform(0.5, 1.0)
    lying = LYING[str(random.choice(["curled up", "on the side"]))]
    keys = [
        Key(0, seated),
        Key(slow, {**seated, **slack, "hips": (30, 0, 0), "thighs": (-105, 0, 6)}, (0, 1, 0.1)),
        Key(slow + 0.4, kneeling, (0, 1, 0.45)),
        Key(slow + 0.75, rolled, (-0.25, 1, 0.5)),
        Key(slow + 1.1, lying, (-0.35, 1, 0.5)),
        Key(slow + 1.8, lying, (-0.35, 1, 0.5)),
    ]
    return performed(keys, random)


FALLS: dict[str, Callable[[Random], Motion]] = {
    "trip": trip,
    "slip": slip,
    "slide down": slide_down,
    "stumble": stumble,
    "keel over": keel_over,
    "faint": faint,
}
SEATED_FALLS: dict[str, Callable[[Random], Motion]] = {
    "tip over backward": tip_over_backward,
    "slump off a seat": slump_off_a_seat,
}
