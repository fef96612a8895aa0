"""Which motion shows which class, and what is held out of motions, bodies and places: by source, never by render.

Where the assets hold one motion of a class, composed motions stand beside it, and one of these or the asset's is held
out whole. In the names, `human-base` and `human-addon` are Mesh2Motion's files, `kaykit` is KayKit's figures, `bvh` the
recordings of AnimatedDrawings, `composed` what `composed/` makes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias, TypedDict, Unpack

import numpy as np

from movinet_edge.training.labels import LABELS
from movinet_edge.training.render.composed import (
    dancing,
    everyday,
    exercises,
    falls,
    fighting,
    invented,
    jacks,
    kicking,
    leaping,
    lifting,
    low,
    pottering,
    resting,
    seats,
    standing,
    throwing,
    tumbling,
    waving,
)
from movinet_edge.training.render.motion import Motion

Split: TypeAlias = Literal["train", "held"]
SPLITS: tuple[Split, ...] = ("train", "held")
Maker: TypeAlias = Callable[[np.random.Generator], Motion]

MESHES: dict[Split, tuple[str, ...]] = {
    "train": ("human-male", "human-female", *(f"anny/{number}" for number in range(24))),
    "held": tuple(f"anny/{number}" for number in range(100, 116)),
}
"""The bodies of each split: no person is in both, and a person is shaped and clothed anew for each clip."""
PLACES: dict[Split, tuple[str, ...]] = {
    "train": (
        "apartment", "bridge", "city", "dawn", "esplanade", "hall", "night", "park", "studio", "sunrise", "sunset",
        "warehouse", "workshop",
    ),
    "held": ("forest", "lab", "lobby", "venice"),
}  # fmt: skip
"""The photographed places of each split."""


class Role(Enum):
    """What a motion is for: the classes, and what people do besides."""

    FALL, LIE, WALK, RUN, JUMP, JACKS = "fall", "lie", "walk", "run", "jump", "jumping jacks"
    SIT, STAND, WAVE, PUNCH, KICK, PUSH_UP = "sit down", "stand up", "wave", "punch", "kick", "push up"
    CRAWL, THROW, PICK_UP, DANCE, IDLE = "crawl", "throw", "pick up", "dance", "idle"
    LOW, SEATED, LIE_DOWN, GET_UP, SEATED_FALL = "low", "seated", "lie down", "get up", "fall off a seat"


# The class of the frames that show a role which is none itself.
_SHOWN = {
    Role.LOW: "idle",
    Role.SEATED: "idle",
    Role.LIE_DOWN: "lie",
    Role.GET_UP: "stand up",
    Role.SEATED_FALL: "fall",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One motion.

    Attributes:
        role: what it is for.
        source: where it comes from, such as `human-base/Walk_Loop` or `composed/push up`.
        split: where it is used.
        loop: it ends as it begins.
        airborne: feet may leave the floor.
        cut_s: the part of the source, from and to.
        speed_mps: how fast the person moves on while it is played in place.
        leg_swing: how far legs swing, against the source.
        times: how often it is drawn, against others of its role: those of a wide range for a fourth to a half in all.
        make: performs a composed motion.
    """

    role: Role
    source: str
    split: Split
    loop: bool = False
    airborne: bool = False
    cut_s: tuple[float, float] | None = None
    speed_mps: float = 0.0
    leg_swing: float = 1.0
    times: int = 1
    make: Maker | None = None


class _How(TypedDict, total=False):
    loop: bool
    airborne: bool
    cut_s: tuple[float, float]
    speed_mps: float
    leg_swing: float
    times: int


def _from_assets(
    role: Role, *, train: Iterable[str] = (), held: Iterable[str] = (), **how: Unpack[_How]
) -> list[Entry]:
    sources: dict[Split, Iterable[str]] = {"train": train, "held": held}
    return [Entry(role, source, split, **how) for split in SPLITS for source in sources[split]]


def _composed(
    role: Role, train: Mapping[str, Maker], held: Mapping[str, Maker] | None = None, **how: Unpack[_How]
) -> list[Entry]:
    makers: dict[Split, Mapping[str, Maker]] = {"train": train, "held": held or {}}
    return [
        Entry(role, f"composed/{name}", split, make=make, **how)
        for split in SPLITS
        for name, make in makers[split].items()
    ]


def _poses(role: Role, makers: Mapping[str, Maker], held: str) -> list[Entry]:
    """Poses and gestures, all of them for training but the one called `held`."""
    train = {name: make for name, make in makers.items() if name != held}
    return _composed(role, train, {held: makers[held]}, loop=True)


_MOVING_ON = (
    *_from_assets(
        Role.WALK, train=["human-base/Walk_Loop"], held=["human-base/Walk_Formal_Loop"], loop=True, speed_mps=1.25
    ),
    # KayKit's figures have short legs and swing them far: a person with long ones who swings them as far, runs.
    *_from_assets(
        Role.WALK,
        train=["kaykit/Walking_A", "kaykit/Walking_B"],
        held=["kaykit/Walking_C"],
        loop=True,
        speed_mps=1.1,
        leg_swing=0.5,
    ),
    *_from_assets(Role.WALK, train=["kaykit/Walking_Backwards"], loop=True, speed_mps=-0.8, leg_swing=0.5),
    *_from_assets(
        Role.WALK, train=["kaykit/Sneaking", "kaykit/Skeletons_Walking"], loop=True, speed_mps=0.7, leg_swing=0.6
    ),
    *_from_assets(Role.WALK, train=["human-base/Crouch_Fwd_Loop"], loop=True, speed_mps=0.8),
    *_composed(Role.WALK, {"walk": exercises.walk}, loop=True, speed_mps=1.2),
    *_from_assets(
        Role.RUN,
        train=[
            "human-base/Jog_Fwd_Loop",
            "human-addon/Run Anime",
            *(f"kaykit/{name}" for name in ("Running_A", "Running_HoldingBow", "Running_HoldingRifle")),
        ],
        held=["human-base/Sprint_Loop", "kaykit/Running_B"],
        loop=True,
        speed_mps=2.8,
        airborne=True,
    ),
    *_from_assets(Role.CRAWL, train=["human-addon/Crawl"], held=["kaykit/Crawling"], loop=True, speed_mps=0.55),
    *_composed(Role.CRAWL, {"crawl": exercises.crawl}, loop=True, speed_mps=0.5),
)
_DOWN_AND_UP = (
    *_from_assets(Role.FALL, train=["human-base/Death01"], held=["kaykit/Death_B"]),
    *_composed(
        Role.FALL,
        {
            "fall backward": falls.fall_backward,
            "fall by sitting": falls.fall_by_sitting,
            "fall forward": falls.fall_forward,
            "collapse": falls.collapse,
            **tumbling.FALLS,
        },
        {"fall sideways": falls.fall_sideways},
    ),
    *_composed(
        Role.SEATED_FALL,
        {
            "fall off a seat": falls.fall_off_a_seat,
            "fall off a seat forward": falls.fall_off_a_seat_forward,
            **tumbling.SEATED_FALLS,
        },
    ),
    *_from_assets(Role.LIE, train=["human-addon/Sleeping"], held=["kaykit/Lie_Idle"], loop=True),
    *_poses(Role.LIE, {name: resting.lie_still(name) for name in resting.LYING}, held="on the back, arms wide"),
    *_composed(Role.LIE_DOWN, {"lie down": resting.lie_down}),
    *_composed(Role.GET_UP, {"get up": resting.get_up}),
    *_from_assets(
        Role.SIT, train=["human-base/Sitting_Enter", "kaykit/Sit_Floor_Down"], held=["kaykit/Sit_Chair_Down"]
    ),
    *_composed(Role.SIT, {"sit down": resting.sit_down, **seats.SITS}),
    *_composed(Role.SIT, {"sit down anyhow": seats.sit_anyhow}, times=4),
    *_from_assets(
        Role.STAND, train=["human-base/Sitting_Exit", "kaykit/Sit_Floor_StandUp"], held=["kaykit/Sit_Chair_StandUp"]
    ),
    *_composed(Role.STAND, {"stand up": resting.stand_up, **seats.STANDS}),
    *_composed(Role.STAND, {"stand up anyhow": seats.stand_anyhow}, times=4),
    *_composed(
        Role.PICK_UP,
        {
            "pick up bending": everyday.pick_up_bending,
            "pick up with one hand": everyday.pick_up_with_one_hand,
            **lifting.PICK_UPS,
        },
        {"pick up squatting": everyday.pick_up_squatting},
    ),
    *_composed(Role.PICK_UP, {"pick up anyhow": lifting.pick_up_anyhow}, times=3),
)
_EXERCISE = (
    *_from_assets(Role.JUMP, train=["kaykit/Jump_Full_Short"], held=["kaykit/Jump_Full_Long"], airborne=True),
    *_from_assets(Role.JUMP, train=["bvh/jumping"], airborne=True, cut_s=(1.5, 3.4)),
    *_from_assets(Role.JUMP, train=["human-addon/Victory"], airborne=True),
    *_composed(Role.JUMP, {"jump up": everyday.jump_up, **leaping.JUMPS}, airborne=True),
    *_from_assets(Role.JACKS, held=["human-addon/Jumping Jacks"], loop=True, airborne=True),
    *_composed(Role.JACKS, {"jumping jacks": exercises.jumping_jacks, **jacks.JUMPED}, loop=True, airborne=True),
    *_composed(Role.JACKS, jacks.STEPPED, loop=True),
    *_composed(Role.JACKS, {"jacks anyhow": jacks.jacks_anyhow}, loop=True, airborne=True, times=4),
    *_from_assets(Role.PUSH_UP, train=["kaykit/Push_Ups"], held=["human-addon/Pushup"], loop=True),
    *_composed(Role.PUSH_UP, {"push up": exercises.push_up}, loop=True),
    *_composed(Role.PUSH_UP, {"push up anyhow": exercises.push_up_anyhow}, loop=True, times=2),
    *_from_assets(
        Role.PUNCH,
        train=["human-base/Punch_Cross", "human-addon/Fighting Left Jab", "kaykit/Melee_Unarmed_Attack_Punch_A"],
        held=["human-base/Punch_Jab", "human-addon/Fighting Right Jab"],
    ),
    *_composed(Role.PUNCH, {"punch": exercises.punch, **fighting.PUNCHES}),
    *_composed(Role.PUNCH, {"punch anyhow": fighting.punch_anyhow}, times=4),
    *_from_assets(Role.KICK, held=["kaykit/Melee_Unarmed_Attack_Kick"]),
    *_composed(
        Role.KICK,
        {"front kick": exercises.front_kick, "side kick": exercises.side_kick, **kicking.KICKS},
    ),
    *_composed(Role.KICK, {"kick anyhow": kicking.kick_anyhow}, times=4),
    *_from_assets(Role.THROW, train=["kaykit/Throw"], held=["human-addon/Throw Object"]),
    *_composed(
        Role.THROW,
        {
            "throw overarm": exercises.throw_overarm,
            "throw underarm": exercises.throw_underarm,
            **throwing.THROWS,
        },
    ),
    *_composed(Role.THROW, {"throw anyhow": throwing.throw_anyhow}, times=3),
)
# What game figures do who feel something, wait, or hold a tool: with empty hands they only stand and gesture. Somebody
# who keeps a fighter's guard is idle, too, until the punch.
_BUSY = (
    *(f"human-addon/{name}" for name in ("Angry", "Bow", "Dizzy", "Fighting Idle", "Greeting", "Shivering")),
    *(f"human-base/Pistol_{name}" for name in ("Idle_Loop", "Aim_Down", "Reload", "Shoot")),
    *(f"human-base/{name}" for name in ("PickUp_Table", "Spell_Simple_Idle_Loop", "Spell_Simple_Shoot", "Sword_Idle")),
    *(f"kaykit/Melee_{name}" for name in ("2H_Idle", "Blocking", "Unarmed_Idle")),
    *(f"kaykit/Ranged_{name}" for name in ("1H_Reload", "2H_Reload", "Bow_Aiming_Idle", "Bow_Idle", "Magic_Raise")),
    *(f"kaykit/{name}" for name in ("Ranged_Magic_Spellcasting", "Ranged_Magic_Spellcasting_Long", "Skeletons_Idle")),
)
_GESTURES = {name: everyday.gesture(name) for name in everyday.GESTURES} | {"turn around": everyday.turn_around}
_SITTING = {f"seated, {name}": resting.sit_still(name) for name in resting.SEATED}
_SEATED_GESTURES = {f"seated, {name}": everyday.seated_gesture(name) for name in everyday.GESTURES} | {
    # The one that is held out may sit in the way that is held out.
    "seated, hands behind the back": everyday.seated_gesture(
        "hands behind the back", ("hands on the thighs", "leaning back")
    )
}
_STANDING_AND_SITTING = (
    *_from_assets(Role.WAVE, train=["kaykit/Waving"], loop=True),
    *_from_assets(Role.WAVE, held=["bvh/wave_hello"], loop=True, cut_s=(3.5, 4.4)),
    *_composed(
        Role.WAVE,
        {"wave one hand": everyday.wave_one_hand, "wave both arms": everyday.wave_both_arms, **waving.WAVES},
        loop=True,
    ),
    *_composed(Role.WAVE, {"wave anyhow": waving.wave_anyhow}, loop=True, times=4),
    *_from_assets(
        Role.DANCE,
        train=["human-base/Dance_Loop", "human-addon/Dance Body Roll"],
        held=["human-addon/Dance Charleston", "human-addon/Dance Reach Hip"],
        loop=True,
    ),
    *_composed(
        Role.DANCE,
        {"dance freely": everyday.dance_freely, **dancing.DANCES},
        loop=True,
    ),
    *_composed(Role.DANCE, {"dance drawn": invented.dance_drawn}, loop=True, times=5),
    *_from_assets(
        Role.IDLE,
        train=[
            *(f"human-base/{name}" for name in ("Idle_Loop", "Idle_Talking_Loop")),
            *(f"human-addon/{name}" for name in ("Head Nod", "Confused", "Consume Item")),
            *(f"kaykit/{name}" for name in ("Idle_A", "Use_Item")),
            *_BUSY,
        ],
        held=[
            "human-base/Idle_Torch_Loop",
            *(f"human-addon/{name}" for name in ("Idle Listening", "Reject")),
            *(f"kaykit/{name}" for name in ("Idle_B", "Interact")),
        ],
        loop=True,
    ),
    *_poses(Role.IDLE, _GESTURES, held="hands behind the back"),
    *_composed(Role.IDLE, standing.STANDING, loop=True),
    *_composed(Role.IDLE, pottering.STANDING, loop=True, times=6),
    *_from_assets(
        Role.LOW,
        train=[
            *(f"human-base/{name}" for name in ("Crouch_Idle_Loop", "Fixing_Kneeling")),
            *(f"human-addon/{name}" for name in ("Tired Hunched", "Meditate")),
        ],
        held=["human-addon/Kneeling Tired"],
        loop=True,
    ),
    *_composed(Role.LOW, low.LOW, loop=True),
    *_composed(Role.LOW, pottering.LOW, loop=True, times=2),
    *_from_assets(
        Role.SEATED,
        train=["human-base/Sitting_Idle_Loop", "human-base/Driving_Loop", "kaykit/Sit_Floor_Idle"],
        held=["human-base/Sitting_Talking_Loop", "kaykit/Sit_Chair_Idle"],
        loop=True,
    ),
    *_poses(Role.SEATED, _SITTING, held="seated, leaning back"),
    *_poses(Role.SEATED, _SEATED_GESTURES, held="seated, hands behind the back"),
    *_composed(Role.SEATED, pottering.SEATED, loop=True, times=3),
)
CATALOGUE: tuple[Entry, ...] = (*_MOVING_ON, *_DOWN_AND_UP, *_EXERCISE, *_STANDING_AND_SITTING)
"""Every motion in use. One that is held out is in no training clip, and the other way round."""


NEARLY_LEARNED: frozenset[str] = frozenset({
    "composed/fall sideways",  # these five are within 15 degrees of some pose in training, see `nearness.py`
    "kaykit/Jump_Full_Long",
    "kaykit/Idle_B",
    "composed/hands behind the back",
    "composed/pick up squatting",
    "composed/seated, hands behind the back",  # earlier training came near these
    "kaykit/Lie_Idle",  # was how a lying down ended and a getting up began
    "human-base/Idle_Torch_Loop",  # arms and legs were within four degrees of some moment of an asset's Interact
})  # fmt: skip
"""Held-out sources of which the training of the package's file showed something near: the card tells what is right
without them, too."""


def entries(role: Role, split: Split) -> list[Entry]:
    """The motions of a role in a split; there may be none for what people do besides."""
    return [entry for entry in CATALOGUE if entry.role is role and entry.split == split]


def class_index(role: Role) -> int:
    """The number of the class that a role's frames show."""
    return LABELS.index(_SHOWN.get(role, role.value))


def table() -> str:
    """The split as a Markdown table for the model's card: the motions of each class that are learned and held out."""
    rows = ["| class | motions in training | motions held out |", "|---|---|---|"]
    for role in Role:
        cells = [", ".join(entry.source for entry in entries(role, split)) or "–" for split in SPLITS]
        shown = LABELS[class_index(role)]
        rows.append(f"| {shown}{'' if shown == role.value else f' ({role.value})'} | {cells[0]} | {cells[1]} |")
    return "\n".join(rows)
