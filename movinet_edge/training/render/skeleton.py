"""The skeleton that every body and every motion is translated to: 22 joints, and their names in each source."""

from collections.abc import Callable, Hashable, Mapping
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Node = TypeVar("Node", bound=Hashable)

JOINTS = (
    "hips", "spine", "chest", "upper chest", "neck", "head",
    "left clavicle", "left upper arm", "left forearm", "left hand",
    "right clavicle", "right upper arm", "right forearm", "right hand",
    "left thigh", "left shin", "left foot", "left toes",
    "right thigh", "right shin", "right foot", "right toes",
)  # fmt: skip
INDEX = {name: index for index, name in enumerate(JOINTS)}
_CHAINS = (
    ("hips", "spine", "chest", "upper chest", "neck", "head"),
    *(
        chain
        for side in ("left", "right")
        for chain in (
            ("upper chest", f"{side} clavicle", f"{side} upper arm", f"{side} forearm", f"{side} hand"),
            ("hips", f"{side} thigh", f"{side} shin", f"{side} foot", f"{side} toes"),
        )
    ),
)
_PARENT_NAMES = {child: parent for chain in _CHAINS for parent, child in pairwise(chain)}
PARENTS = tuple(INDEX[_PARENT_NAMES[name]] if name in _PARENT_NAMES else -1 for name in JOINTS)
"""The index of each joint's parent, −1 for the hips; parents come before their children."""
MIRRORED = np.array([
    INDEX[name.replace("left", "right") if "left" in name else name.replace("right", "left")] for name in JOINTS
])  # fmt: skip
"""The joint `[22]` on the other side of the body."""


def _both_sides(names: dict[str, str], left: str, right: str) -> dict[str, str]:
    """`*` in a source's name stands for its mark of the side."""
    pairs: dict[str, str] = {}
    for joint, name in names.items():
        if "*" in name:
            pairs |= {f"left {joint}": name.replace("*", left), f"right {joint}": name.replace("*", right)}
        else:
            pairs[joint] = name
    return pairs


_UNREAL = _both_sides(
    {
        "hips": "pelvis", "spine": "spine_01", "chest": "spine_02", "upper chest": "spine_03", "neck": "neck_01",
        "head": "head", "clavicle": "clavicle_*", "upper arm": "upperarm_*", "forearm": "lowerarm_*",
        "hand": "hand_*", "thigh": "thigh_*", "shin": "calf_*", "foot": "foot_*", "toes": "ball_*",
    }, "l", "r",
)  # fmt: skip
_RIGIFY = _both_sides(
    {
        "hips": "DEF-hips", "spine": "DEF-spine.001", "chest": "DEF-spine.002", "upper chest": "DEF-spine.003",
        "neck": "DEF-neck", "head": "DEF-head", "clavicle": "DEF-shoulder.*", "upper arm": "DEF-upper_arm.*",
        "forearm": "DEF-forearm.*", "hand": "DEF-hand.*", "thigh": "DEF-thigh.*", "shin": "DEF-shin.*",
        "foot": "DEF-foot.*", "toes": "DEF-toe.*",
    }, "L", "R",
)  # fmt: skip
# A toy figure without neck and shoulders: these follow what carries them.
_KAYKIT = _both_sides(
    {
        "hips": "hips", "spine": "spine", "chest": "chest", "upper chest": "chest", "neck": "chest", "head": "head",
        "clavicle": "chest", "upper arm": "upperarm.*", "forearm": "lowerarm.*", "hand": "wrist.*",
        "thigh": "upperleg.*", "shin": "lowerleg.*", "foot": "foot.*", "toes": "toes.*",
    }, "l", "r",
) | {"left clavicle": "chest", "right clavicle": "chest"}  # fmt: skip
_FAIR = _both_sides(
    {
        "hips": "Hips", "spine": "Spine", "chest": "Spine1", "upper chest": "Spine3", "neck": "Neck", "head": "Head",
        "clavicle": "*Shoulder", "upper arm": "*Arm", "forearm": "*ForeArm", "hand": "*Hand",
        "thigh": "*UpLeg", "shin": "*Leg", "foot": "*Foot", "toes": "*ToeBase",
    }, "Left", "Right",
)  # fmt: skip
_MIXAMO = {
    joint: f"mixamorig:{name}" for joint, name in (_FAIR | {"upper chest": "Spine2"}).items()
}  # fmt: skip
NAMINGS = (_UNREAL, _RIGIFY, _KAYKIT, _FAIR, _MIXAMO)


def carrier(node: Node, ours: Mapping[Node, int], parent: Callable[[Node], Node | None]) -> int:
    """Our joint that carries a source's node: its own, or its nearest ancestor's (the hand carries the fingers)."""
    while node not in ours:
        above = parent(node)
        if above is None:
            return INDEX["hips"]
        node = above
    return ours[node]


def source_joints(names: list[str]) -> NDArray[np.int64]:
    """The index `[22]` in `names`, a source's joints, of each of our joints.

    Raises:
        ValueError: the source uses none of the known namings.
    """
    position = {name: index for index, name in enumerate(names)}
    for naming in NAMINGS:
        if all(name in position for name in naming.values()):
            return np.array([position[naming[joint]] for joint in JOINTS])
    raise ValueError(
        f"no known naming of joints fits: {', '.join(names[:8])}…; known are those that start with "
        + ", ".join(repr(naming["hips"]) for naming in NAMINGS)
    )
