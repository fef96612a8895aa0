"""Draws bodies and their shadows into a picture of a room."""

import cv2
import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.body import Body
from movinet_edge.training.render.camera import NEAR_M, Camera, facing
from movinet_edge.training.render.canvas import Canvas
from movinet_edge.training.render.light import Light
from movinet_edge.training.render.rotation import Floats
from movinet_edge.training.render.skeleton import INDEX, PARENTS

_SUBPIXEL_BITS = 4
_SUBPIXELS = 1 << _SUBPIXEL_BITS
# OpenCV counts in 32 bits; what lies far outside the picture need not lie there exactly.
_FARTHEST = 2**20
# Half the width of a body around its bones, m: enough for a shadow with a soft edge.
_LIMB_RADIUS_M = 0.075
_LIMBS = tuple((joint, parent) for joint, parent in enumerate(PARENTS) if parent >= 0)
_TRUNK = tuple(INDEX[name] for name in ("left upper arm", "right upper arm", "left thigh", "right thigh"))
_FLOOR_WITHIN_M = 0.02


def draw_body(canvas: Canvas, light: Light, body: Body, vertices: Floats) -> float:
    """Draw a body whose vertices are at `[V, 3]` in m, where nothing is nearer.

    Returns the share of it that is seen: the rest is outside the picture or behind something.
    """
    triangles = body.mesh.triangles
    places, distances = canvas.camera.project(vertices)
    corners, far = places[triangles], distances[triangles]
    shown = np.flatnonzero(facing(corners) & (far.min(axis=1) > NEAR_M))
    middle = far[shown].mean(axis=1)
    order = np.argsort(-middle)
    shown, middle = shown[order], middle[order]
    if not len(shown):
        return 0.0
    low, high = np.floor(corners[shown].min(axis=(0, 1))) - 1, np.ceil(corners[shown].max(axis=(0, 1))) + 2
    size = canvas.camera.size_px
    (left, top), (right, bottom) = np.maximum(low, 0).astype(int), np.minimum(high, size).astype(int)
    if left >= right or top >= bottom:
        return 0.0
    # OpenCV counts pixels from their middles.
    outlines = _subpixels(corners[shown] - (left + 0.5, top + 0.5))
    marks = np.zeros((bottom - top, right - left), np.int32)
    for mark, outline in enumerate(outlines, start=1):
        cv2.fillConvexPoly(marks, outline, mark, cv2.LINE_8, _SUBPIXEL_BITS)
    window = np.s_[top:bottom, left:right]
    covered = marks > 0
    near = covered & (np.concatenate([[np.inf], middle])[marks] < canvas.depth[window])
    colours = body.colours * light.on_triangles(vertices, triangles)[:, None]
    canvas.picture[window][near] = colours[shown][marks[near] - 1]
    canvas.depth[window][near] = middle[marks[near] - 1]
    inside = (right - left) * (bottom - top) / max(np.prod(high - low), 1)
    return float(inside * near.sum() / max(covered.sum(), 1))


def draw_shadow(canvas: Canvas, light: Light, joints: Floats) -> None:
    """Darken the floor, y = 0, under a body whose joints are at `[22, 3]` in m, where nothing stands on it."""
    camera, depth = canvas.camera, canvas.depth
    flat = joints - light.towards * (joints[:, 1:2] / max(light.towards[1], 0.2))
    flat[:, 1] = 0.0
    angles = np.arange(6) * (np.pi / 3)
    ring = np.stack([np.cos(angles), np.zeros(6), np.sin(angles)], axis=1) * _LIMB_RADIUS_M
    places, distances = camera.project(flat[:, None] + ring)
    if distances.min() <= NEAR_M:
        return
    mask = np.zeros(depth.shape, np.uint8)
    outlines = _subpixels(places)
    for group in (*_LIMBS, _TRUNK):
        hull = cv2.convexHull(outlines[list(group)].reshape(-1, 1, 2))
        cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_8, _SUBPIXEL_BITS)
    left, top, width, height = cv2.boundingRect(mask)
    if not width:
        return
    blur = max(3, int(camera.focal_px[1] * 0.03 / float(distances.mean())) * 2 + 1)
    window = np.s_[max(top - blur, 0) : top + height + blur, max(left - blur, 0) : left + width + blur]
    soft = cv2.blur(mask[window], (blur, blur)).astype(np.float32) * (light.shadow / 255)
    canvas.picture[window] *= 1 - (soft * _on_floor(depth[window], camera, window))[..., None]


def _subpixels(places: Floats) -> NDArray[np.int32]:
    return np.clip(np.round(places * _SUBPIXELS), -_FARTHEST, _FARTHEST).astype(np.int32)


def _on_floor(depth: Floats, camera: Camera, window: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Which pixels of a window show the floor, by their depth."""
    columns, rows = (
        (np.arange(*side.indices(camera.size_px)) + 0.5 - camera.size_px / 2) / focal_px
        for side, focal_px in zip(reversed(window), camera.focal_px, strict=True)
    )
    rises = columns[None] * camera.axes[0, 1] + rows[:, None] * camera.axes[1, 1] + camera.axes[2, 1]
    return np.asarray(np.abs(camera.position[1] + depth * rises) < _FLOOR_WITHIN_M)
