"""Photographed places: environment maps as the npm package `@pmndrs/assets` carries them, with a floor to stand on."""

import base64
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from movinet_edge.training.render.camera import NEAR_M, Camera
from movinet_edge.training.render.rotation import Floats

INDOORS = ("apartment", "bridge", "esplanade", "hall", "lab", "lobby", "studio", "warehouse", "workshop")
"""Those that are rooms; in the others is the sky."""
# What half of a picture lies below becomes this bright, 0 to 1 before gamma.
_MIDDLE_GREY = 0.18
# Brighter than this, where middle grey is 0.18, is a lamp or the sun.
_GLARE = 4.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A place photographed from `eye_m` above its floor, as a drum of `radius_m` around `middle` `[2]` (x and z, m).

    `picture` `[H, 2 H, 3]`, RGB, 0 to 255, has the way up in its first row; `yaw` turns it, in radians.
    """

    picture: Floats
    middle: Floats
    eye_m: float
    radius_m: float
    yaw: float

    def seen(self, camera: Camera) -> tuple[Floats, Floats]:
        """The place as a camera inside sees it, `[size, size, 3]`, and the depth of its floor and walls, m."""
        rays = camera.rays()
        with np.errstate(divide="ignore", invalid="ignore"):
            floor = np.where(rays[..., 1] < 0, -camera.position[1] / rays[..., 1], np.inf)
        start = camera.position[[0, 2]] - self.middle
        along = rays[..., [0, 2]]
        # The far one of the two points at which a ray meets the drum: the camera is inside.
        length = np.maximum((along**2).sum(-1), 1e-9)
        half = (along @ start) / length
        wall = np.sqrt(np.maximum(half**2 - (start @ start - self.radius_m**2) / length, 0)) - half
        depth = np.maximum(np.minimum(floor, wall), NEAR_M)
        points = camera.position + rays * depth[..., None] - (self.middle[0], self.eye_m, self.middle[1])
        return self._towards(points), depth

    def _towards(self, directions: Floats) -> Floats:
        """The colours `[..., 3]` that lie in these directions `[..., 3]` from where the place was photographed."""
        height, width = self.picture.shape[:2]
        x, y, z = np.moveaxis(directions, -1, 0)
        turn = (self.yaw - np.arctan2(x, z)) / (2 * np.pi) % 1  # x is on the left of who looks along z
        down = np.clip(np.arctan2(np.hypot(x, z), y) / np.pi * height - 0.5, 0, height - 1)  # only turns go around
        maps = np.asarray(turn * width - 0.5, np.float32), np.asarray(down, np.float32)
        return np.asarray(cv2.remap(self.picture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


class MissingError(OSError):
    """What reads the photographs is not installed."""


class Photographs:
    """The package, as npm packs it."""

    def __init__(self, package: Path) -> None:
        self._path = package
        self._pictures: dict[str, Floats] = {}

    def picture(self, name: str) -> Floats:
        """The place of this name, float32 RGB `[256, 512, 3]`, 0 to 255.

        Raises:
            ValueError: the file is not that package, or has no such place.
            OSError: OpenEXR is not installed.
        """
        if name not in self._pictures:
            try:
                self._pictures[name] = _developed(self._light(name))
            except MissingError:
                raise
            except (tarfile.TarError, EOFError, OSError, KeyError, ValueError, RuntimeError) as error:
                raise ValueError(f"{self._path} has no place {name!r}, as @pmndrs/assets 1.7.0 has: {error}") from error
        return self._pictures[name]

    def _light(self, name: str) -> Floats:
        """The light `[H, W, 3]` of a place, from the text that a program of a browser would load."""
        try:
            import OpenEXR  # all that needs no place works without it
        except ImportError as error:
            raise MissingError("photographed places need OpenEXR: pip install 'movinet-edge[train]'") from error
        with tarfile.open(self._path) as archive, tempfile.NamedTemporaryFile(suffix=".exr") as exr:
            member = archive.extractfile(f"package/hdri/{name}.exr.js")
            script = member.read().decode("ascii") if member else ""
            exr.write(base64.b64decode(script.partition(",")[2].rstrip().rstrip(";").rstrip("'\"")))
            exr.flush()
            channels = OpenEXR.File(exr.name).channels()
            if "RGB" not in channels:
                raise ValueError(f"its channels are {', '.join(channels)} instead of RGB")
            return np.asarray(channels["RGB"].pixels, np.float32)


def _developed(bright: Floats) -> Floats:
    """Light `[H, W, 3]` of any strength as a picture, 0 to 255: lamps and the sun become white."""
    even = np.maximum(bright, 0) * (_MIDDLE_GREY / max(float(np.median(bright.mean(-1))), 1e-6))
    # Beside what is very bright these files hold anything: compression has left other colours, and less than no light.
    glare = cv2.dilate(np.asarray(even.max(-1) > _GLARE, np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    even[glare] = np.inf
    with np.errstate(invalid="ignore"):
        shown = np.where(np.isinf(even), 1, even * 1.15 / (1 + even))
    return np.asarray(255 * np.minimum(shown, 1) ** (1 / 2.2), np.float32)
