"""What covers a body: skin, hair, shoes and clothes in colours and patterns of their own."""

import colorsys

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.skeleton import INDEX, JOINTS

# From light to dark, RGB: a rough sampling of human skin.
SKINS = np.array(
    [(255, 219, 190), (241, 194, 150), (224, 172, 120), (198, 134, 84), (141, 85, 50), (92, 56, 36), (60, 38, 28)],
    dtype=np.float64,
)
# Black, brown, fair, red, grey, white.
HAIRS = np.array(
    [(25, 20, 18), (60, 40, 25), (110, 75, 40), (190, 160, 95), (150, 60, 30), (160, 160, 160), (235, 235, 230)],
    dtype=np.float64,
)


def _joints(*endings: str) -> list[int]:
    return [index for index, name in enumerate(JOINTS) if name.endswith(endings)]


_TRUNK = [INDEX[name] for name in ("spine", "chest", "upper chest")] + _joints("clavicle")


def clothe(
    vertices: Floats, triangles: NDArray[np.int64], weights: Floats, joints: Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Vertices `[V, 3]` with the volume of clothes and hair, and the colour `[T, 3]` (RGB, 0 to 255) of each triangle.

    `vertices`, `triangles`, `weights` and `joints` are those of a body at rest.
    """
    owner = weights.argmax(axis=1)
    regions = _regions(vertices, owner, joints, random)
    skin = SKINS[random.integers(len(SKINS))] * random.uniform(0.85, 1.1)
    colours = np.tile(skin, (len(vertices), 1))
    volume = np.zeros(len(vertices))
    top_colour = fabric_colour(random)
    for name, region in regions.items():
        if name == "hair":
            colours[region] = HAIRS[random.integers(len(HAIRS))] * random.uniform(0.7, 1.1)
            volume[region] = random.uniform(0.005, 0.035)
        elif name == "shoes":
            colours[region] = fabric_colour(random)
            volume[region] = 0.006
        else:
            one_piece = name == "trousers" and random.random() < 0.12
            colour = top_colour if name == "top" or one_piece else fabric_colour(random)
            colours[region] = colour * _pattern(vertices[region], random)[:, None]
            volume[region] = random.uniform(0.002, 0.03)
    inflated = vertices + _normals(vertices, triangles) * volume[:, None]
    return inflated, np.clip(colours[triangles].mean(axis=1), 0, 255)


def fabric_colour(random: np.random.Generator) -> Floats:
    """RGB `[3]`, 0 to 255: muted more often than bright, as clothes are."""
    hue, saturation, value = random.random(), random.beta(1.2, 2.2), random.beta(1.3, 1.3)
    return np.array(colorsys.hsv_to_rgb(hue, saturation, 0.06 + 0.9 * value)) * 255


def _regions(
    vertices: Floats, owner: NDArray[np.int64], joints: Floats, random: np.random.Generator
) -> dict[str, NDArray[np.bool_]]:
    """The vertices `[V]` under each piece of clothing: sleeves and trouser legs end anywhere, or not at all."""
    along_arm = np.abs(vertices[:, 0])
    elbow, wrist = abs(joints[INDEX["left forearm"], 0]), abs(joints[INDEX["left hand"], 0])
    shoulder = abs(joints[INDEX["left upper arm"], 0])
    sleeve = random.choice([shoulder, (shoulder + elbow) / 2, wrist, wrist], p=[0.1, 0.35, 0.35, 0.2])
    ankle, knee = joints[INDEX["left foot"], 1], joints[INDEX["left shin"], 1]
    hem = random.choice([ankle * 0.8, knee, knee * 0.7 + ankle * 0.3, knee * 1.2], p=[0.7, 0.1, 0.1, 0.1])
    waist = joints[INDEX["spine"], 1] + random.uniform(-0.12, 0.03)
    on_arm = np.isin(owner, _joints("upper arm", "forearm"))
    on_trunk = np.isin(owner, _TRUNK) | ((owner == INDEX["hips"]) & (vertices[:, 1] > waist))
    legs = np.isin(owner, _joints("thigh", "shin")) | (owner == INDEX["hips"])
    head, face_z = owner == INDEX["head"], joints[INDEX["head"], 2]
    top_of_head = vertices[:, 1].max()
    hair_line = joints[INDEX["head"], 1] + (top_of_head - joints[INDEX["head"], 1]) * 0.72
    long_hair = random.random() < 0.35
    hair_end = joints[INDEX["neck"], 1] if long_hair else (joints[INDEX["head"], 1] + hair_line) / 2
    bald = random.random() < 0.08
    behind = vertices[:, 2] < face_z + random.uniform(-0.01, 0.04)
    hair = (head | (owner == INDEX["neck"])) & ((vertices[:, 1] > hair_line) | (behind & (vertices[:, 1] > hair_end)))
    return {
        "hair": hair & (not bald),
        "shoes": np.isin(owner, _joints("foot", "toes")),
        "trousers": legs & (vertices[:, 1] > hem) & ~on_trunk,
        "top": on_trunk | (on_arm & (along_arm < sleeve)),
    }


def _pattern(vertices: Floats, random: np.random.Generator) -> Floats:
    """A factor `[V]` on the colour: plain, striped along an axis, chequered, or blotched."""
    kind = random.choice(["plain", "stripes", "checks", "blotches"], p=[0.6, 0.2, 0.1, 0.1])
    strength, period = random.uniform(0.2, 0.7), random.uniform(0.05, 0.18)
    waves = np.sin(vertices * (2 * np.pi / period))
    if kind == "plain":
        return np.ones(len(vertices))
    if kind == "stripes":
        return np.asarray(1 - strength * (waves[:, random.choice([0, 1], p=[0.3, 0.7])] > 0))
    if kind == "checks":
        return np.asarray(1 - strength * (waves[:, 0] * waves[:, 1] > 0))
    mixed = np.sin(vertices @ random.normal(0, 25, size=(3, 3)) + random.uniform(0, 6, size=3)).sum(axis=1)
    return np.asarray(1 - strength * (mixed > 0.3))


def _normals(vertices: Floats, triangles: NDArray[np.int64]) -> Floats:
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9))
