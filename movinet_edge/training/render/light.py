"""The light of a scene: a lamp or the sun from one side, and what comes from all around."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.rotation import Floats


@dataclass(frozen=True, slots=True)
class Light:
    """`towards` `[3]` points to the lamp; `direct` and `ambient` make about 1; `shadow` is how dark shadows are.

    By night the lamp is on the camera and reaches about `reach_m`; else `reach_m` is endless.
    """

    towards: Floats
    direct: float
    ambient: float
    shadow: float
    reach_m: float = np.inf

    def on_triangles(self, vertices: Floats, triangles: NDArray[np.int64]) -> Floats:
        """A factor `[T]` on the colours of triangles `[T, 3]`: less light comes from the floor than from above."""
        a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        direct = np.maximum(normals @ self.towards, 0) * self.direct
        return np.asarray(direct + self.ambient * (0.75 + 0.25 * normals[:, 1]))

    def on_surface(self, cosine: Floats | float, least: float) -> Floats:
        """A factor on the colour of surfaces that the lamp meets at this cosine; `least` comes back from elsewhere."""
        return np.asarray(self.direct * np.maximum(cosine, least) + self.ambient)

    def faded(self, picture: Floats, depth: Floats) -> Floats:
        """A picture `[size, size, 3]` as far as the lamp on the camera reaches, by its depth `[size, size]` in m."""
        if not np.isfinite(self.reach_m):
            return picture
        return np.asarray(picture / (0.5 + (depth[..., None] / self.reach_m) ** 2))
