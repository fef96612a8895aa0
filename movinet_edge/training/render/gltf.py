"""Reads what the renderer needs of a binary glTF file: the joints at rest, the skinned meshes and the animations."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.damage import told
from movinet_edge.training.render.rotation import Floats, blend, matrices

SAMPLES_PER_S = 30  # the rate that the files were made at; a clip shows 5 of them
_DTYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_HEADER = struct.Struct("<4sIIII")
_DAMAGED = "no binary glTF file, or a damaged one"


@dataclass(frozen=True, slots=True)
class Skin:
    """A mesh at rest: positions `[V, 3]` in m, triangles `[T, 3]`, and the weight `[V, N]` of each node."""

    positions: Floats
    triangles: NDArray[np.int64]
    weights: Floats


@dataclass(frozen=True, slots=True)
class Recording:
    """Nodes in motion in the world: turns `[T, N, 3, 3]` and positions `[T, N, 3]` in m, at `SAMPLES_PER_S`."""

    turns: Floats
    positions: Floats


class GltfFile:
    """One `.glb` file. Its nodes keep their order, named in `names`; y is up and people look along z."""

    def __init__(self, path: Path) -> None:
        """Raises `ValueError`, here and wherever more of it is read, where the file is damaged or another one."""
        self._path = path
        content = path.read_bytes()
        with told(path, _DAMAGED):
            self._document, self._binary = _parts(content)
            nodes = self._document["nodes"]
            self.names: list[str] = [node.get("name", "") for node in nodes]
            self._parents = {child: index for index, node in enumerate(nodes) for child in node.get("children", [])}
            self._order = sorted(range(len(nodes)), key=self._depth)
            self._animations = {
                animation["name"].rpartition("|")[2]: animation for animation in self._document.get("animations", [])
            }
        self.animations = list(self._animations)

    def parent(self, node: int) -> int | None:
        """The node that carries this one, by index."""
        return self._parents.get(node)

    def rest(self) -> Recording:
        """One sample: the body as it was bound to its mesh."""
        with told(self._path, _DAMAGED):
            return self._world(*self._rest_locals(1))

    def recording(self, name: str) -> Recording:
        """The animation of this name."""
        with told(self._path, _DAMAGED):
            return self._played(self._animations[name])

    def skin(self) -> Skin:
        """All primitives of the skinned mesh as one."""
        with told(self._path, _DAMAGED):
            return self._skinned()

    def _played(self, animation: dict[str, Any]) -> Recording:
        samplers = [
            (self._accessor(sampler["input"])[:, 0], self._accessor(sampler["output"]), sampler.get("interpolation"))
            for sampler in animation["samplers"]
        ]
        count = round(max(times[-1] for times, _, _ in samplers) * SAMPLES_PER_S) + 1
        moments_s = np.arange(count) / SAMPLES_PER_S
        translations, rotations = self._rest_locals(count)
        for channel in animation["channels"]:
            node, path = channel["target"].get("node"), channel["target"]["path"]
            times, values, interpolation = samplers[channel["sampler"]]
            if interpolation == "CUBICSPLINE":
                values = values.reshape(len(times), 3, -1)[:, 1]  # tangents matter little at this density of keys
            before, after, share = _between(times, moments_s, step=interpolation == "STEP")
            if path == "translation":
                translations[:, node] = values[before] * (1 - share) + values[after] * share
            elif path == "rotation":
                rotations[:, node] = blend(values[before], values[after], share)
        return self._world(translations, rotations)

    def _skinned(self) -> Skin:
        owner = next((node for node in self._document["nodes"] if "mesh" in node), None)
        if owner is None:
            raise ValueError("it has no mesh")
        joints = np.array(self._document["skins"][owner["skin"]]["joints"])
        positions, triangles, weights, start = [], [], [], 0
        for primitive in self._document["meshes"][owner["mesh"]]["primitives"]:
            attributes = primitive["attributes"]
            points = self._accessor(attributes["POSITION"])
            bound = joints[self._accessor(attributes["JOINTS_0"]).astype(np.int64)]
            shares = self._accessor(attributes["WEIGHTS_0"])
            dense = np.zeros((len(points), len(self.names)))
            np.add.at(dense, (np.arange(len(points))[:, None], bound), shares)
            positions.append(points)
            weights.append(dense / dense.sum(axis=1, keepdims=True))
            triangles.append(self._accessor(primitive["indices"]).astype(np.int64).reshape(-1, 3) + start)
            start += len(points)
        return Skin(np.concatenate(positions), np.concatenate(triangles), np.concatenate(weights))

    def _depth(self, node: int) -> int:
        return 0 if node not in self._parents else 1 + self._depth(self._parents[node])

    def _rest_locals(self, count: int) -> tuple[Floats, Floats]:
        nodes = self._document["nodes"]
        translations = np.array([node.get("translation", (0, 0, 0)) for node in nodes], dtype=np.float64)
        rotations = np.array([node.get("rotation", (0, 0, 0, 1)) for node in nodes], dtype=np.float64)
        return np.repeat(translations[None], count, axis=0), np.repeat(rotations[None], count, axis=0)

    def _world(self, translations: Floats, rotations: Floats) -> Recording:
        turns, positions = matrices(rotations), translations.copy()
        for node in self._order:
            if node in self._parents:
                parent = self._parents[node]
                positions[:, node] = positions[:, parent] + np.einsum(
                    "tij,tj->ti", turns[:, parent], translations[:, node]
                )
                turns[:, node] = turns[:, parent] @ turns[:, node]
        return Recording(turns, positions)

    def _accessor(self, index: int) -> Floats:
        accessor = self._document["accessors"][index]
        view = self._document["bufferViews"][accessor["bufferView"]]
        dtype, components = np.dtype(_DTYPES[accessor["componentType"]]), _COMPONENTS[accessor["type"]]
        stride = view.get("byteStride", dtype.itemsize * components)
        values = np.ndarray(
            (accessor["count"], components),
            dtype,
            self._binary,
            view.get("byteOffset", 0) + accessor.get("byteOffset", 0),
            (stride, dtype.itemsize),
        ).astype(np.float64)
        return values / np.iinfo(str(dtype)).max if accessor.get("normalized") else values


def _parts(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The document of a file, and what follows it."""
    if len(content) < _HEADER.size or not content.startswith(b"glTF"):
        raise ValueError("it has no header of one")
    _, _, length, json_length, _ = _HEADER.unpack_from(content)
    if len(content) < length:
        raise ValueError(f"it ends after {len(content)} of {length} bytes")
    end = _HEADER.size + json_length
    return json.loads(content[_HEADER.size : end]), content[end + 8 :]


def _between(times: Floats, moments_s: Floats, *, step: bool) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The keys around each moment and the share `[T, 1]` of the later one."""
    after = np.clip(np.searchsorted(times, moments_s, side="right"), 1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    gap = np.maximum(times[after] - times[before], 1e-6)
    share = np.clip((moments_s - times[before]) / gap, 0, 1)
    return before, after, (np.floor(share) if step else share)[:, None]
