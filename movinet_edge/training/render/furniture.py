"""Things built of boxes: tables, chairs, sofas, beds, shelves, doors, windows, trees, cars, houses."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from movinet_edge.training.render.room import Box
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.textures import texture

Random = np.random.Generator
Numbers: TypeAlias = tuple[float, float, float]
Part: TypeAlias = tuple[Numbers, Numbers, Floats]
"""Where in the thing its middle is, how large it is (both x, y, z in m), and its surface."""


def _surface(random: Random) -> Floats:
    return texture(str(random.choice(["plain", "plaster", "planks", "carpet"])), random)


def _built(place: Floats, yaw: float, parts: list[Part]) -> list[Box]:
    """The parts of a thing, put in place and turned with it."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    boxes = []
    for (x, y, z), sizes, surface in parts:
        offset = np.array([cos * x + sin * z, y, cos * z - sin * x])
        boxes.append(Box(place + offset, np.asarray(sizes, float), yaw, surface))
    return boxes


def _legs(wide: float, deep: float, high: float, thick: float, surface: Floats) -> list[Part]:
    return [((x * wide, high / 2, z * deep), (thick, high, thick), surface) for x in (-1, 1) for z in (-1, 1)]


def table(place: Floats, yaw: float, random: Random) -> list[Box]:
    """A top on four legs."""
    wide, deep, high = random.uniform(0.6, 1.8), random.uniform(0.5, 0.9), random.uniform(0.45, 0.78)
    top = _surface(random)
    legs = _legs(wide / 2 - 0.05, deep / 2 - 0.05, high, 0.05, top)
    return _built(place, yaw, [((0, high, 0), (wide, 0.04, deep), top), *legs])


def seat(place: Floats, yaw: float, random: Random, high: float) -> list[Box]:
    """Something to sit on, `high` m, its middle at `place`, below the hips of one who sits there and looks to `yaw`."""
    kind = random.choice(["chair", "stool", "sofa", "bed"], p=[0.45, 0.1, 0.25, 0.2])
    cover = _surface(random)
    if kind == "bed":
        return _built(place, yaw, [((0, high / 2, -0.45), (random.uniform(1.2, 2.2), high, 1.3), cover)])
    if kind == "sofa":
        return _built(place, yaw, _sofa(random.uniform(0.9, 2.2), high, cover))
    parts: list[Part] = [((0, high - 0.02, 0), (0.45, 0.05, 0.45), cover), *_legs(0.2, 0.2, high, 0.04, cover)]
    if kind == "chair":
        parts.append(((0, high + 0.25, -0.23), (0.42, 0.5, 0.04), cover))
    return _built(place, yaw, parts)


def _sofa(wide: float, high: float, cover: Floats) -> list[Part]:
    cushion: Part = ((0, high / 2, -0.1), (wide, high, 0.75), cover)
    back: Part = ((0, high / 2 + 0.2, -0.42), (wide, high + 0.4, 0.2), cover)
    arms: list[Part] = [((x * wide / 2, high / 2 + 0.1, -0.1), (0.15, high + 0.2, 0.75), cover) for x in (-1, 1)]
    return [cushion, back, *arms]


def block(place: Floats, yaw: float, random: Random) -> list[Box]:
    """A cupboard, a crate, a bin."""
    sizes = random.uniform((0.25, 0.25, 0.25), (1.4, 2.0, 0.7))
    return [Box(place + np.array([0, sizes[1] / 2, 0]), sizes, yaw, _surface(random))]


def bed(place: Floats, yaw: float, random: Random, high: float) -> list[Box]:
    """To lie on."""
    return _built(place, yaw, [((0, high / 2, 0), (2.3, high, 2.3), _surface(random))])


def shelf(place: Floats, yaw: float, random: Random) -> list[Box]:
    """Boards with things between them."""
    wide, high, rows = random.uniform(0.6, 1.6), random.uniform(0.9, 2.1), int(random.integers(2, 5))
    wood = _surface(random)
    parts: list[Part] = [((0, high / 2, -0.15), (wide, high, 0.03), wood)]
    for row in range(rows + 1):
        parts.append(((0, high * row / rows, 0), (wide, 0.03, 0.3), wood))
        if row < rows:
            size = random.uniform(0.15, 0.8) * wide
            x, y = random.uniform(-0.3, 0.3) * (wide - size), high * (row + 0.35) / rows
            parts.append(((x, y, 0), (size, high / rows * 0.6, 0.22), _surface(random)))
    return _built(place, yaw, parts)


def tree(place: Floats, yaw: float, random: Random) -> list[Box]:
    """A trunk and leaves."""
    high, wide = random.uniform(1.5, 5.0), random.uniform(0.6, 2.2)
    parts: list[Part] = [((0, high / 2, 0), (0.2, high, 0.2), texture("planks", random) * 0.5)]
    for _ in range(4):
        x, y, z = random.normal(0, wide / 3, size=3)
        size = wide * random.uniform(0.5, 0.9)
        parts.append(((x, high + y, z), (size, size, size), texture("grass", random)))
    return _built(place, yaw, parts)


def car(place: Floats, yaw: float, random: Random) -> list[Box]:
    """A body, a cabin and wheels."""
    paint, dark = texture("plain", random), texture("plain", random) * 0.2
    hull: list[Part] = [((0, 0.55, 0), (4.2, 0.6, 1.7), paint), ((-0.2, 1.1, 0), (2.2, 0.55, 1.5), dark)]
    wheels: list[Part] = [((x, 0.3, z), (0.6, 0.6, 0.2), dark) for x in (-1.3, 1.3) for z in (-0.8, 0.8)]
    return _built(place, yaw, hull + wheels)


def house(place: Floats, yaw: float, random: Random) -> list[Box]:
    """A block with rows of windows."""
    wide, high = random.uniform(6, 16), random.uniform(3, 12)
    wall = texture(str(random.choice(["bricks", "plaster"])), random)
    glass = texture("plain", random) * random.uniform(0.2, 0.8)
    parts: list[Part] = [((0, high / 2, 0), (wide, high, 6.0), wall)]
    for x in np.arange(-wide / 2 + 1.2, wide / 2 - 1, random.uniform(1.8, 3)):
        parts += [((x, y, 3.0), (1.0, 1.3, 0.1), glass) for y in np.arange(1.5, high - 0.7, 2.7)]
    return _built(place, yaw, parts)


Thing: TypeAlias = Callable[[Floats, float, Random], list[Box]]
INDOORS: tuple[Thing, ...] = (table, block, block, shelf)
OUTDOORS: tuple[Thing, ...] = (tree, tree, car, block)


def on_walls(walls: tuple[float, float, float, float], random: Random) -> list[Box]:
    """Doors, windows, pictures and screens."""
    left, right, front, back = walls
    boxes = []
    for _ in range(int(random.integers(1, 7))):
        wide, high, bottom = [(0.9, 2.05, 0.0), (1.3, 1.2, 0.95), (0.6, 0.45, 1.4), (1.1, 0.65, 1.1)][
            random.integers(4)
        ]
        wide *= random.uniform(0.8, 1.3)
        surface = _surface(random) * random.choice([0.25, 0.8, 1.0])
        along_x = random.random() < 0.5
        place = [
            random.uniform(left, right) if along_x else random.choice([left, right]),
            bottom + high / 2,
            random.choice([front, back]) if along_x else random.uniform(front, back),
        ]
        sizes = [wide, high, 0.06] if along_x else [0.06, high, wide]
        boxes.append(Box(np.array(place, float), np.array(sizes), 0.0, surface, glow=0.6 if bottom == 0.95 else 0.0))
    return boxes
