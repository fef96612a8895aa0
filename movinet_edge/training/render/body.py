"""Bodies: a skinned mesh made coarse enough to draw fast, shaped and clothed at random, and posed by a motion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.clothing import clothe
from movinet_edge.training.render.damage import told
from movinet_edge.training.render.gltf import GltfFile
from movinet_edge.training.render.motion import Motion
from movinet_edge.training.render.rotation import Floats, matrices
from movinet_edge.training.render.skeleton import INDEX, JOINTS, PARENTS, carrier, source_joints

# At 192 pixels a person fills at most 170: a pixel is 1 cm or more, and finer triangles would hardly be seen.
CELL_M = 0.022


@dataclass(frozen=True, slots=True)
class Mesh:
    """At rest: vertices `[V, 3]` in m, triangles `[T, 3]`, the weight `[V, 22]` of each joint, joints `[22, 3]`."""

    vertices: Floats
    triangles: NDArray[np.int64]
    weights: Floats
    joints: Floats


@dataclass(frozen=True, slots=True)
class Body:
    """A mesh in its own shape, with the colour `[T, 3]` (RGB, 0 to 255) of each triangle."""

    mesh: Mesh
    colours: Floats

    @property
    def height(self) -> float:
        """Of the standing body, in m."""
        return float(np.ptp(self.mesh.vertices[:, 1]))

    @property
    def hip_height(self) -> float:
        """Of the standing body, in m."""
        return float(self.mesh.joints[[INDEX["left thigh"], INDEX["right thigh"]], 1].mean())


@dataclass(frozen=True, slots=True)
class Posed:
    """A body at several moments: vertices `[M, V, 3]` and joints `[M, 22, 3]`, in m."""

    vertices: Floats
    joints: Floats


def read_mesh(path: Path) -> Mesh:
    """The mesh of a glTF file on our skeleton, standing on the floor in a T-pose."""
    file = GltfFile(path)
    skin = file.skin()
    with told(path, "no body of a known kind"):
        joints = source_joints(file.names)
    ours = {int(joint): number for number, joint in reversed(list(enumerate(joints)))}
    owners = np.array([carrier(node, ours, file.parent) for node in range(len(file.names))])
    weights = np.zeros((len(skin.positions), len(JOINTS)))
    for node, owner in enumerate(owners):
        weights[:, owner] += skin.weights[:, node]
    places = file.rest().positions[0, joints]
    floor = np.array([0, skin.positions[:, 1].min(), 0])
    return coarsened(Mesh(skin.positions - floor, skin.triangles, weights, places - floor))


def coarsened(mesh: Mesh, cell_m: float = CELL_M) -> Mesh:
    """Vertices of one grid cell become one; triangles that lose a corner by that go."""
    cells = np.floor(mesh.vertices / cell_m).astype(np.int64)
    _, cell_of = np.unique(cells, axis=0, return_inverse=True)
    cell_of = cell_of.ravel()
    size = np.bincount(cell_of).astype(np.float64)[:, None]
    vertices, weights = np.zeros((len(size), 3)), np.zeros((len(size), len(JOINTS)))
    np.add.at(vertices, cell_of, mesh.vertices)
    np.add.at(weights, cell_of, mesh.weights)
    triangles = cell_of[mesh.triangles]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (a != c)]
    _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
    return Mesh(vertices / size, triangles[np.sort(first)], weights / size, mesh.joints)


def random_body(mesh: Mesh, random: np.random.Generator) -> Body:
    """A shape, a skin, a hair and clothes of their own for this mesh."""
    shaped = _shaped(mesh, random)
    inflated, colours = clothe(shaped.vertices, shaped.triangles, shaped.weights, shaped.joints, random)
    return Body(Mesh(inflated, shaped.triangles, shaped.weights, shaped.joints), colours)


def _shaped(mesh: Mesh, random: np.random.Generator) -> Mesh:
    """Bones of other lengths and flesh of another girth: plain skinning with a scale for each joint."""
    girth, belly = random.uniform(0.85, 1.35), random.uniform(0.9, 1.35)
    legs, arms, trunk = random.uniform(0.9, 1.1, size=3)
    scales = np.ones((len(JOINTS), 3))
    for joint, name in enumerate(JOINTS):
        if name.endswith(("upper arm", "forearm")):
            scales[joint] = (arms, girth, girth)
        elif name.endswith(("thigh", "shin")):
            scales[joint] = (girth, legs, girth)
        elif name in {"hips", "spine", "chest", "upper chest"}:
            scales[joint] = ((1 + girth) / 2, trunk, belly if name in {"hips", "spine"} else girth)
        elif name.endswith("clavicle"):
            scales[joint] = ((1 + girth) / 2, 1, 1)
    scales[INDEX["head"]] = random.uniform(0.95, 1.08)
    joints = mesh.joints.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            joints[joint] = joints[parent] + scales[parent] * (mesh.joints[joint] - mesh.joints[parent])
    vertices = np.zeros_like(mesh.vertices)
    for joint in range(len(JOINTS)):
        moved = joints[joint] + scales[joint] * (mesh.vertices - mesh.joints[joint])
        vertices += mesh.weights[:, joint, None] * moved
    size = random.uniform(0.9, 1.1)
    floor = np.array([0, vertices[:, 1].min(), 0])
    return Mesh((vertices - floor) * size, mesh.triangles, mesh.weights, (joints - floor) * size)


def pose(body: Body, motion: Motion, grounded: NDArray[np.bool_]) -> Posed:
    """The body in each sample of a motion; where `grounded` (`[M]`) its lowest point touches the floor, y = 0."""
    turns, rest = matrices(motion.turns), body.mesh.joints
    joints = np.zeros((len(turns), len(JOINTS), 3))
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            joints[:, joint] = joints[:, parent] + turns[:, parent] @ (rest[joint] - rest[parent])
    middle = joints[:, [INDEX["left thigh"], INDEX["right thigh"]]].mean(axis=1)
    joints += (motion.hips * body.hip_height - middle)[:, None]
    shifts = joints - np.einsum("mjab,jb->mja", turns, rest)
    blended = np.einsum(
        "vj,mjk->mvk", body.mesh.weights, np.concatenate([turns.reshape(*turns.shape[:2], 9), shifts], 2), optimize=True
    )
    linear = blended[..., :9].reshape(*blended.shape[:2], 3, 3)
    vertices = np.einsum("mvab,vb->mva", linear, body.mesh.vertices) + blended[..., 9:]
    lift = np.zeros((len(turns), 1, 3))
    lowest = vertices[..., 1].min(axis=1)
    lift[:, 0, 1] = np.where(grounded, -lowest, np.maximum(-lowest, 0))
    return Posed(vertices + lift, joints + lift)


def random_bodies(
    names: Sequence[str], mesh: Callable[[str], Mesh], count: int, random: np.random.Generator
) -> list[tuple[str, Body]]:
    """Some bodies of these meshes, each with its mesh's name; `mesh` reads one."""
    chosen = [names[index] for index in random.integers(len(names), size=count)]
    return [(name, random_body(mesh(name), random)) for name in chosen]
