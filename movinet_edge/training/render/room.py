"""The place without people: floor, walls or sky, and boxes that stand in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.camera import NEAR_M, Camera
from movinet_edge.training.render.canvas import Canvas
from movinet_edge.training.render.light import Light
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.surroundings import Surroundings

FAR_M = 1e4
"""The depth of the sky."""


@dataclass(frozen=True, slots=True)
class Box:
    """A block: its middle `[3]`, its sizes `[3]` in m, its turn about the upright axis, its surface, m a repeat."""

    middle: Floats
    sizes: Floats
    yaw: float
    surface: Floats
    repeat_m: float = 1.0
    glow: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """The floor at y = 0, four walls `(left, right, front, back)` in x and z, and a ceiling; none of these outdoors.

    Where there are `surroundings`, they are seen instead of all of it.
    """

    floor: Floats
    floor_repeat_m: float
    walls: tuple[float, float, float, float] | None
    height_m: float
    wall: Floats
    ceiling: Floats
    sky: tuple[Floats, Floats]
    surroundings: Surroundings | None = None


@dataclass(frozen=True, slots=True)
class _Plane:
    """All points whose coordinate `axis` is `place`."""

    axis: int
    place: float
    surface: Floats
    repeat_m: float


def draw_room(room: Room, boxes: Sequence[Box], camera: Camera, light: Light) -> Canvas:
    """The place as the camera sees it without people."""
    rays = camera.rays()
    canvas = _photographed(room.surroundings, camera) if room.surroundings else _drawn(room, camera, rays, light)
    for box in boxes:
        _draw_box(canvas, rays, box, light)
    return Canvas(
        _softened(np.asarray(np.clip(canvas.picture, 0, 255), np.float32), canvas.depth), canvas.depth, camera
    )


def _photographed(surroundings: Surroundings, camera: Camera) -> Canvas:
    picture, depth = surroundings.seen(camera)
    return Canvas(np.asarray(picture, np.float64), depth, camera)


def _drawn(room: Room, camera: Camera, rays: Floats, light: Light) -> Canvas:
    rise = np.clip(rays[..., 1:2] / np.linalg.norm(rays, axis=-1, keepdims=True) * 2, 0, 1)
    sky = room.sky[0] * (1 - rise) + room.sky[1] * rise
    canvas = Canvas(sky, np.full(sky.shape[:2], FAR_M), camera)
    planes = [_Plane(1, 0.0, room.floor, room.floor_repeat_m)]
    if room.walls is not None:
        left, right, front, back = room.walls
        planes += [
            _Plane(axis, place, room.wall, 1.5) for axis, place in ((0, left), (0, right), (2, front), (2, back))
        ]
        planes.append(_Plane(1, room.height_m, room.ceiling, 2.0))
    for plane in planes:
        _draw_plane(canvas, rays, plane, light)
    return canvas


def _draw_plane(canvas: Canvas, rays: Floats, plane: _Plane, light: Light) -> None:
    position = canvas.camera.position
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (plane.place - position[plane.axis]) / rays[..., plane.axis]
    hit = (distance > NEAR_M) & (distance < canvas.depth)
    points = position + rays[hit] * distance[hit][:, None]
    across, down = [other for other in (0, 2, 1) if other != plane.axis]
    cosine = np.sign(position[plane.axis] - plane.place) * light.towards[plane.axis]
    colours = _sampled(plane.surface, points[:, across], points[:, down], plane.repeat_m)
    canvas.picture[hit] = colours * light.on_surface(cosine, least=0.15)
    canvas.depth[hit] = distance[hit]


def _draw_box(canvas: Canvas, rays: Floats, box: Box, light: Light) -> None:
    """The nearest of the box's faces that each ray meets, by the distances at which it enters and leaves them."""
    window = _window(box, canvas.camera)
    if window is None:
        return
    axes = _axes(box)
    start = axes @ (canvas.camera.position - box.middle)
    directions = rays[window] @ axes.T
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (-box.sizes / 2 - start) / directions, (box.sizes / 2 - start) / directions
    enters = np.minimum(one, two)
    enter, leave = enters.max(axis=-1), np.maximum(one, two).min(axis=-1)
    hit = (enter < leave) & (enter > NEAR_M) & (enter < canvas.depth[window])
    if not hit.any():
        return
    face = enters[hit].argmax(axis=-1)
    points = start + directions[hit] * enter[hit][:, None]
    u = np.where(face == 0, points[:, 2], points[:, 0])
    v = np.where(face == 1, points[:, 2], points[:, 1])
    side = -np.sign(np.take_along_axis(directions[hit], face[:, None], 1)[:, 0])
    shade = light.on_surface(side * (axes @ light.towards)[face], least=0.12) + box.glow
    canvas.picture[window][hit] = _sampled(box.surface, u, v, box.repeat_m) * shade[:, None]
    canvas.depth[window][hit] = enter[hit]


def _axes(box: Box) -> Floats:
    """The box's own axes as rows."""
    cos, sin = np.cos(box.yaw), np.sin(box.yaw)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def _window(box: Box, camera: Camera) -> tuple[slice, slice] | None:
    """The part of the picture that can show a box; all of it where the box reaches behind the camera."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    places, depth = camera.project((signs * box.sizes) @ _axes(box) + box.middle)
    if depth.max() < NEAR_M:
        return None
    if depth.min() < NEAR_M:
        return np.s_[:, :]
    left, top = np.clip(np.floor(places.min(axis=0)), 0, camera.size_px).astype(int)
    right, bottom = np.clip(np.ceil(places.max(axis=0)) + 1, 0, camera.size_px).astype(int)
    return np.s_[top:bottom, left:right] if left < right and top < bottom else None


def _sampled(surface: Floats, u: Floats, v: Floats, repeat_m: float) -> Floats:
    height, width = surface.shape[:2]
    columns: NDArray[np.int64] = (u * (width / repeat_m)).astype(np.int64) % width
    rows: NDArray[np.int64] = (v * (height / repeat_m)).astype(np.int64) % height
    return np.asarray(surface[rows, columns])


def _softened(picture: Floats, depth: Floats) -> Floats:
    """The same with far surfaces a little blurred, so that fine patterns do not flicker under a shaking camera."""
    far = np.clip((depth - 3) / 5, 0, 1)[..., None]
    return np.asarray(picture * (1 - far) + cv2.blur(picture, (3, 3)) * far, np.float32)
