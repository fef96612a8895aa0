"""A whole scene: people with what they do, the place around them, and frames as a perfect camera takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from movinet_edge.training.labels import LABELS
from movinet_edge.training.render import furniture, stage
from movinet_edge.training.render.body import Body, Posed, pose
from movinet_edge.training.render.camera import Camera
from movinet_edge.training.render.light import Light
from movinet_edge.training.render.painter import draw_body, draw_shadow
from movinet_edge.training.render.room import Box, Room, draw_room
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.stage import Actor
from movinet_edge.training.render.timeline import Segment, compose, fidgeting

_LIE = LABELS.index("lie")
_BED_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class Scene:
    """People in a place, seen by a camera."""

    actors: list[Actor]
    room: Room
    boxes: list[Box]
    camera: Camera
    light: Light


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scene is like; the camera stands within `spread` radians of where the first person looks at first.

    `place` is a photographed one, RGB `[H, 2 H, 3]`, 0 to 255; where there is none, the place is drawn.
    """

    indoors: bool
    night: bool
    spread: float
    size_px: int
    place: Floats | None = None


def random_scene(
    cast: Sequence[tuple[list[Segment], Body]], moments_s: Floats, setting: Setting, random: np.random.Generator
) -> Scene:
    """Each of the cast does what its segments say at `moments_s` `[M]`; all else is drawn at random."""
    actors: list[Actor] = []
    yaws = []
    for member in cast:
        yaws.append(float(random.uniform(0, 2 * np.pi)))
        actors.append(_acting(member, moments_s, yaws[-1], actors, random))
    subject, roam_m = np.array([0, 0.85, 0]), 1.0
    tall_m = actors[0].body.height if actors else stage.STANDING_M
    boxes: list[Box] = []
    if actors:
        if set(actors[0].track.labels.tolist()) == {_LIE} and random.random() < _BED_SHARE:
            actors[0], boxes = _on_a_bed(actors[0], random)
        joints = actors[0].posed.joints
        subject = joints.mean(axis=(0, 1))
        subject[1] = max(subject[1], random.uniform(0.3, 0.8))
        roam_m = float(np.hypot(*(joints - subject)[..., [0, 2]].reshape(-1, 2).T).max())
    ahead = yaws[0] if yaws else 0.0
    directions = (ahead - setting.spread, ahead + setting.spread)
    camera = stage.place_camera(subject, roam_m, directions, setting.size_px, random, tall_m=tall_m)
    room = stage.build_room(actors, camera, random, indoors=setting.indoors, place=setting.place)
    for actor in actors:
        boxes += stage.seats_for(actor, random)
    boxes += stage.furnish(actors, room, camera, random, indoors=setting.indoors)
    return Scene(actors, room, boxes, camera, stage.light_a_scene(random, indoors=setting.indoors, night=setting.night))


def filmed(scene: Scene, frames: int) -> Iterator[tuple[Floats, Floats]]:
    """Each picture `[size, size, 3]`, float RGB, 0 to 255, and how much `[actors]` it shows of each person."""
    empty = draw_room(scene.room, scene.boxes, scene.camera, scene.light)
    for frame in range(frames):
        canvas = empty.copy()
        for actor in scene.actors:
            draw_shadow(canvas, scene.light, actor.posed.joints[frame])
        seen = [draw_body(canvas, scene.light, actor.body, actor.posed.vertices[frame]) for actor in scene.actors]
        yield scene.light.faded(canvas.picture, canvas.depth), np.array(seen)


def _acting(
    cast: tuple[list[Segment], Body], moments_s: Floats, yaw: float, others: list[Actor], random: np.random.Generator
) -> Actor:
    """In the middle of the place, or where nobody else is."""
    segments, body = cast
    track = fidgeting(compose(segments, moments_s, np.zeros(3), yaw, body.hip_height), moments_s, random)
    posed = pose(body, track.motion, track.grounded)
    centre = posed.joints.mean(axis=(0, 1)) * (1, 0, 1)
    shift = (_apart(others, random) if others else 0) - centre
    return Actor(body, Posed(posed.vertices + shift, posed.joints + shift), track)


def _apart(others: list[Actor], random: np.random.Generator) -> Floats:
    """A place on the floor where nobody is."""
    busy = np.concatenate([actor.posed.joints.reshape(-1, 3) for actor in others])
    place = np.zeros(3)
    for reach_m in np.linspace(1.2, 6, 12):
        angle = random.uniform(0, 2 * np.pi)
        place = np.array([np.sin(angle), 0, np.cos(angle)]) * reach_m
        if np.hypot(*(busy - place)[:, [0, 2]].T).min() > 1.1:
            break
    return place


def _on_a_bed(actor: Actor, random: np.random.Generator) -> tuple[Actor, list[Box]]:
    high = float(random.uniform(0.3, 0.6))
    lift = np.array([0, high, 0])
    posed = Posed(actor.posed.vertices + lift, actor.posed.joints + lift)
    place = actor.posed.joints.mean(axis=(0, 1)) * (1, 0, 1)
    return Actor(actor.body, posed, actor.track), furniture.bed(place, random.uniform(0, np.pi), random, high)
