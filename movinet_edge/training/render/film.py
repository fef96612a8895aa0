"""From a clean picture to what a camera delivers: lens, shake, exposure, colour, night, noise, blur, compression."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from typing import Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from movinet_edge.training.render.rotation import Floats

Pictures = NDArray[np.uint8]
# Lenses bend so little that each step finds a place some ten times as exactly as the one before.
_LENS_STEPS = 6


@dataclass(frozen=True, slots=True)
class Film:
    """One camera's looks over a clip. Sizes are those of the pictures that come out; `shake` `[M, 2]` is in px."""

    size_px: int
    lens: float
    shake: Floats
    gains: Floats
    gamma: float
    flicker: Floats
    infrared: bool
    noise: float
    blur: float
    detail_px: int
    crf: int | None

    @classmethod
    def random(cls, size_px: int, frames: int, random: np.random.Generator, *, night: bool) -> Self:
        """A camera drawn at random: most stand still, few are bad in all ways at once."""
        moved = random.choice(["still", "still", "hand", "pan"], p=[0.4, 0.25, 0.25, 0.1])
        steps = random.normal(0, {"still": 0.15, "hand": 1.6, "pan": 0.4}[str(moved)], size=(frames, 2))
        shake = steps.cumsum(axis=0) * 0.7 if moved == "hand" else steps
        if moved == "pan":
            shake += np.linspace(-1, 1, frames)[:, None] * random.uniform(-14, 14, size=2) * (1, 0.4)
        return cls(
            size_px=size_px,
            lens=float(random.uniform(-0.10, 0.06)),
            shake=np.clip(shake, -14, 14),
            gains=random.uniform(0.75, 1.3) * random.normal(1, 0.06, size=3),
            gamma=float(random.uniform(0.75, 1.3)),
            flicker=1 + random.normal(0, random.choice([0.0, 0.01, 0.04]), size=frames),
            infrared=night,
            noise=float(random.uniform(4, 14) if night else random.gamma(1.2, 2.2)),
            blur=float(random.choice([0.0, random.uniform(0.3, 1.1)])),
            detail_px=_detail_px(size_px, random),
            crf=int(random.integers(20, 39)) if random.random() < 0.6 else None,
        )

    def develop(self, pictures: Sequence[Floats], random: np.random.Generator) -> list[Pictures]:
        """Float RGB pictures `[S, S, 3]`, 0 to 255, to uint8 `[size, size, 3]`."""
        across, down = self._lens_map(len(pictures[0]))
        scale = len(pictures[0]) / self.size_px
        developed = []
        for number, picture in enumerate(pictures):
            x, y = self.shake[number] * scale
            seen = cv2.remap(
                cv2.GaussianBlur(picture, (3, 3), 0.5),
                across + np.float32(x), down + np.float32(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT,
            )  # fmt: skip
            developed.append(self._exposed(seen, number, random))
        return developed if self.crf is None else compressed(developed, self.crf)

    def shown(self, places_px: Floats) -> Floats:
        """Where the developed pictures show what is at these places of the clean ones.

        Both are `[M, N, 2]` in px of the developed pictures, from the top left corner; NaN stays NaN.
        """
        half = self.size_px / 2
        aim = (places_px - half - self.shake[:, None]) / half
        found = aim / self._bend(np.zeros(()))
        for _ in range(_LENS_STEPS):
            found = aim / self._bend((found**2).sum(-1, keepdims=True))
        return (found + 1) * half

    def _bend(self, distance: Floats) -> Floats:
        """How far from the middle of the clean picture a pixel looks, as a factor, by its squared distance from it."""
        return np.asarray((1 + self.lens * distance) / (1 + 2 * max(self.lens, 0)) * 0.95)

    def _lens_map(self, size_px: int) -> tuple[Floats, Floats]:
        places = (np.arange(self.size_px) + 0.5) / self.size_px * 2 - 1
        x, y = np.meshgrid(places, places)
        bend = self._bend(x * x + y * y)
        centre, half = size_px / 2 - 0.5, size_px / 2
        return np.asarray(x * bend * half + centre, np.float32), np.asarray(y * bend * half + centre, np.float32)

    def _exposed(self, picture: Floats, number: int, random: np.random.Generator) -> Pictures:
        if self.infrared:
            picture = np.repeat(picture.mean(axis=-1, keepdims=True), 3, axis=-1)
            gains = np.full(3, self.gains.mean())
        else:
            gains = self.gains
        bright = np.clip(picture * np.float32(1 / 255), 0, None) * np.asarray(gains * self.flicker[number], np.float32)
        bright = np.power(np.minimum(bright, 1), np.float32(self.gamma)) * 255
        if self.detail_px < self.size_px:
            small = cv2.resize(bright, (self.detail_px, self.detail_px), interpolation=cv2.INTER_AREA)
            bright = cv2.resize(small, (self.size_px, self.size_px), interpolation=cv2.INTER_LINEAR)
        if self.blur:
            bright = cv2.GaussianBlur(bright, (0, 0), self.blur)
        if self.noise > 0.5:
            grains = random.standard_normal(bright.shape[:2] if self.infrared else bright.shape, np.float32)
            bright = bright + (grains[..., None] if self.infrared else grains) * np.float32(self.noise)
        return np.asarray(np.clip(bright, 0, 255), np.uint8)


def _detail_px(size_px: int, random: np.random.Generator) -> int:
    """A camera that sees less than its pictures hold, as when a small part of a picture is cut out."""
    coarse_px = int(random.integers(size_px // 2, size_px))
    return size_px if random.random() < 0.7 else coarse_px


def compressed(pictures: list[Pictures], crf: int) -> list[Pictures]:
    """Through an H.264 encoder of a camera's kind, and back."""
    buffer = BytesIO()
    height_px, width_px = pictures[0].shape[:2]
    with av.open(buffer, "w", format="mp4") as container:
        # One thread makes the same bytes everywhere; a camera's encoder has no time for better presets.
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1", "bf": "0"}
        stream = container.add_stream("libx264", rate=Fraction(5), options=options)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def jpeg(picture: Pictures, quality: int) -> NDArray[np.uint8]:
    """The bytes `[n]` of an RGB picture as JPEG."""
    _, content = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(content, np.uint8).ravel()
