"""Puts a clip's people, seats, furniture, camera and light in place; all at random."""

from dataclasses import dataclass

import numpy as np

from movinet_edge.training.render import furniture
from movinet_edge.training.render.body import Body, Posed
from movinet_edge.training.render.camera import Camera, look_at
from movinet_edge.training.render.light import Light
from movinet_edge.training.render.room import Box, Room
from movinet_edge.training.render.rotation import Floats, matrices
from movinet_edge.training.render.skeleton import INDEX
from movinet_edge.training.render.surroundings import Surroundings
from movinet_edge.training.render.textures import texture
from movinet_edge.training.render.timeline import Track

Random = np.random.Generator
STANDING_M = 1.7
# Half of what it measures across, and some more.
_GAPS_M: dict[furniture.Thing, float] = {furniture.car: 2.9, furniture.tree: 1.9}
_THIGHS = [INDEX["left thigh"], INDEX["right thigh"]]
# From the hip joints down to what one sits on.
_SEAT_BELOW_HIPS_M = 0.11


@dataclass(frozen=True, slots=True)
class Actor:
    """A person of a clip, in place."""

    body: Body
    posed: Posed
    track: Track


def place_camera(
    subject: Floats, roam_m: float, yaw: tuple[float, float], size_px: int, random: Random, *, tall_m: float
) -> Camera:
    """Looks at `subject` `[3]`, where somebody `tall_m` m tall stays within `roam_m` m, from the height and distance of
    a camera at home, at work or in a hand, and from a direction between the two of `yaw`, in radians."""
    squeeze = random.choice([1.0, 0.75, 0.5625, random.uniform(0.5625, 1.15)])
    focal = size_px * random.uniform(0.75, 1.7)
    share = 0.22 + 0.68 * random.beta(1.5, 1.8)
    distance = max(focal * tall_m / (share * size_px), 1.3)
    if random.random() < 0.8:  # the way should mostly stay in the picture
        wide_enough = roam_m * 0.8 * focal * squeeze / (size_px / 2)
        distance = max(distance, min(wide_enough, focal * tall_m / (0.2 * size_px)))
    high = random.uniform(0.5, 1.7) if random.random() < 0.4 else random.uniform(1.7, 3.2)
    high = float(np.clip(high, subject[1] - 0.4 * distance, subject[1] + 0.8 * distance))
    across = np.sqrt(max(distance**2 - (high - subject[1]) ** 2, 0.5))
    angle = random.uniform(*yaw)
    position = np.array([subject[0] + across * np.sin(angle), high, subject[2] + across * np.cos(angle)])
    aside = random.normal(0, 0.08, size=3) * (1, 0.8, 1) * distance * size_px / focal
    roll = random.normal(0, np.radians(2.0))
    return look_at(position, subject + aside, roll, np.array([focal * squeeze, focal]), size_px)


def light_a_scene(random: Random, *, indoors: bool, night: bool) -> Light:
    """Lamps above, or the sun."""
    towards = np.append(random.normal(0, 0.5, size=1), [1.0, random.normal(0, 0.5)])
    towards[1] = random.uniform(0.8, 2.0) if indoors else random.uniform(0.4, 1.5)
    towards /= np.linalg.norm(towards)
    direct = random.uniform(0.15, 0.55) if indoors else random.uniform(0.1, 0.8)
    if night:
        return Light(towards, 0.2, random.uniform(0.6, 1.2), 0.1, float(random.uniform(4, 12)))
    return Light(
        towards,
        direct,
        random.uniform(0.95, 1.1) - direct,
        float(np.clip(direct * random.uniform(0.5, 1.2), 0.05, 0.65)),
    )


def build_room(
    actors: list[Actor], camera: Camera, random: Random, *, indoors: bool, place: Floats | None = None
) -> Room:
    """Large enough for all that happens; `place` is the photograph of one, as `Setting` has it."""
    floor_kinds = (
        ["tiles", "planks", "carpet", "plain"] if indoors else ["grass", "tiles", "plaster", "bricks", "plain"]
    )
    floor = texture(str(random.choice(floor_kinds)), random)
    wall = texture(str(random.choice(["plain", "plaster", "plaster", "bricks", "stripes", "tiles"])), random)
    ceiling = texture("plain", random)
    sky = random.uniform(150, 240) + np.array([0, 5, 15])
    walls = surroundings = None
    spots = np.concatenate([camera.position[None], *(actor.posed.joints.reshape(-1, 3) for actor in actors)])
    if place is not None:
        surroundings = _around(spots, place, random, indoors=indoors)
    elif indoors:
        left, _, front = spots.min(axis=0) - random.uniform(0.25, 3.5, size=3)
        right, _, back = spots.max(axis=0) + random.uniform(0.25, 3.5, size=3)
        walls = (float(left), float(right), float(front), float(back))
    height = max(float(random.uniform(2.4, 3.4)), camera.position[1] + 0.1)
    sky_above = (sky, sky * (0.75, 0.85, 1.0))
    return Room(floor, float(random.uniform(0.6, 3.0)), walls, height, wall, ceiling, sky_above, surroundings)


def _around(spots: Floats, place: Floats, random: Random, *, indoors: bool) -> Surroundings:
    """A photographed place that leaves room for all spots `[N, 3]`, m, and was taken from among them."""
    middle = spots[:, [0, 2]].mean(axis=0) + random.normal(0, 0.3, size=2)
    needed_m = float(np.hypot(*(spots[:, [0, 2]] - middle).T).max()) + 0.5
    radius_m = max(needed_m, float(random.uniform(4, 8) if indoors else random.uniform(10, 25)))
    brightness = random.uniform(0.65, 1.15)
    return Surroundings(
        np.asarray(np.minimum(place * brightness, 255), np.float32),
        middle,
        float(random.uniform(1.4, 1.9)),
        radius_m,
        float(random.uniform(0, 2 * np.pi)),
    )


def seats_for(actor: Actor, random: Random) -> list[Box]:
    """What a seated person sits on; nothing for the floor."""
    seated = np.flatnonzero(actor.track.seated)
    if not len(seated):
        return []
    hips = actor.posed.joints[seated][:, _THIGHS].mean(axis=1)
    high = float(hips[:, 1].min()) - _SEAT_BELOW_HIPS_M
    if high < 0.22:
        return []
    ahead = matrices(actor.track.motion.turns[seated[len(seated) // 2], INDEX["hips"]]) @ (0, 0, 1)
    place = hips[len(seated) // 2] * (1, 0, 1)
    return furniture.seat(place, float(np.arctan2(ahead[0], ahead[2])), random, high)


def furnish(actors: list[Actor], room: Room, camera: Camera, random: Random, *, indoors: bool) -> list[Box]:
    """Clutter where nobody goes and, mostly, out of the line of sight."""
    boxes: list[Box] = furniture.on_walls(room.walls, random) if room.walls else []
    kinds = furniture.INDOORS if indoors else furniture.OUTDOORS
    x, z, reach_m = 0.0, 0.0, 9.0
    if room.surroundings:  # inside their drum
        (x, z), reach_m = room.surroundings.middle.tolist(), room.surroundings.radius_m * 0.6
    left, right, front, back = room.walls or (x - reach_m, x + reach_m, z - reach_m, z + reach_m)
    busy = np.concatenate([actor.posed.joints.reshape(-1, 3) for actor in actors]) if actors else np.zeros((0, 3))
    # A photograph has things of its own.
    for _ in range(int(random.integers(0, 3 if room.surroundings else 9))):
        kind = kinds[random.integers(len(kinds))]
        place = np.array([random.uniform(left, right), 0, random.uniform(front, back)])
        gap_m = _GAPS_M.get(kind, 1.05)
        if _is_free(place, busy, camera, gap_m):
            boxes += kind(place, random.uniform(0, 2 * np.pi) if random.random() < 0.4 else 0.0, random)
    if not indoors and not room.surroundings:
        for _ in range(int(random.integers(0, 4))):
            angle, away = random.uniform(0, 2 * np.pi), random.uniform(16, 35)
            boxes += furniture.house(np.array([away * np.sin(angle), 0, away * np.cos(angle)]), angle + np.pi, random)
    if len(busy) and random.random() < 0.18:
        boxes += _in_the_way(busy.mean(axis=0), camera, random)
    return boxes


def _is_free(place: Floats, busy: Floats, camera: Camera, gap_m: float) -> bool:
    if np.hypot(*(place - camera.position)[[0, 2]]) < gap_m:
        return False
    if not len(busy):
        return True
    if np.hypot(*(busy - place)[:, [0, 2]].T).min() < gap_m:
        return False
    sight = busy.mean(axis=0) - camera.position
    along = np.clip((place - camera.position)[[0, 2]] @ sight[[0, 2]] / (sight[[0, 2]] @ sight[[0, 2]]), 0, 1)
    return bool(np.hypot(*(place - camera.position - along * sight)[[0, 2]]) > gap_m * 0.8)


def _in_the_way(subject: Floats, camera: Camera, random: Random) -> list[Box]:
    """Something low between the camera and the person."""
    along = random.uniform(0.35, 0.7)
    place = (camera.position + along * (subject - camera.position)) * (1, 0, 1)
    sight = camera.position[1] + along * (subject[1] - camera.position[1])
    high = float(np.clip(sight * random.uniform(0.45, 0.9), 0.2, 1.3))
    sizes = np.array([random.uniform(0.2, 1.5), high, random.uniform(0.2, 0.6)])
    place[0] += random.normal(0, 0.3)
    return [Box(place + np.array([0, high / 2, 0]), sizes, random.uniform(0, np.pi), texture("plain", random))]
