"""The camera of a scene: where it stands and looks, and where it sees the points of a room."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.rotation import Floats

NEAR_M = 0.15  # nothing nearer than this is drawn


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole at `position` `[3]` in m; the rows of `axes` `[3, 3]` point right, down and ahead; square pictures.

    `focal_px` `[2]` differs across and down where a wide picture has been squeezed into the square.
    """

    position: Floats
    axes: Floats
    focal_px: Floats
    size_px: int

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Of points `[..., 3]` in m: places in the picture `[..., 2]` in px, distances `[...]` along the view in m."""
        seen = (points - self.position) @ self.axes.T
        depth = seen[..., 2]
        scale = self.focal_px / np.maximum(depth, NEAR_M)[..., None]
        return seen[..., :2] * scale + self.size_px / 2, depth

    def rays(self) -> Floats:
        """The direction `[size, size, 3]` that each pixel looks to; one step of it is 1 m along the view."""
        places = np.arange(self.size_px) + 0.5 - self.size_px / 2
        x, y = np.meshgrid(places / self.focal_px[0], places / self.focal_px[1])
        return np.asarray(np.stack([x, y, np.ones_like(x)], axis=-1) @ self.axes)


def look_at(position: Floats, target: Floats, roll: float, focal_px: Floats, size_px: int) -> Camera:
    """A camera at `position` that has `target` in the middle and is tilted by `roll` in radians."""
    ahead = (target - position) / np.linalg.norm(target - position)
    right = np.cross(ahead, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    cos, sin = np.cos(roll), np.sin(roll)
    return Camera(position, np.stack([cos * right + sin * down, cos * down - sin * right, ahead]), focal_px, size_px)


def facing(corners: Floats) -> NDArray[np.bool_]:
    """Which triangles `[T, 3, 2]`, as seen in the picture, show their front."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    return np.asarray(ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0)
