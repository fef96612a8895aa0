"""What rooms and bodies are drawn on."""

from dataclasses import dataclass

from movinet_edge.training.render.camera import Camera
from movinet_edge.training.render.rotation import Floats


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture, RGB `[size, size, 3]`, 0 to 255, and the depth `[size, size]` of each pixel in m, for a camera."""

    picture: Floats
    depth: Floats
    camera: Camera

    def copy(self) -> "Canvas":
        """One of its own to draw on."""
        return Canvas(self.picture.copy(), self.depth.copy(), self.camera)
