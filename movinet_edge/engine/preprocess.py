"""From a camera's picture to the model's input: region of interest, fit, resize, colour order, [0, 1]."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import Colour

Fit: TypeAlias = Literal["stretch", "crop", "letterbox"]
"""How a picture of another shape becomes the model's square: squeeze it, cut the longer side, or pad the shorter."""

Roi: TypeAlias = tuple[float, float, float, float]
"""x, y, width, height of the part to look at, as fractions of the picture."""

_CHANNELS: dict[Colour, int] = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "grey": 1}
# OpenCV's names for the conversions.
_TO_RGB: dict[Colour, str] = {
    "bgr": "COLOR_BGR2RGB",
    "rgba": "COLOR_RGBA2RGB",
    "bgra": "COLOR_BGRA2RGB",
    "grey": "COLOR_GRAY2RGB",
}
_SCALE = np.float32(1.0 / 255.0)


class Preprocessor:
    """Writes pictures of any size, colour order and channel count into the model's input.

    One per stream. A picture that comes at the model's size, as from a source that scales while it decodes, is written
    without allocating anything; other sizes, colours and letterboxes take a small picture each.
    """

    def __init__(
        self, width_px: int, height_px: int, *, fit: Fit = "stretch", roi: Sequence[float] | None = None
    ) -> None:
        if fit not in ("stretch", "crop", "letterbox"):
            raise ValueError(f"fit must be stretch, crop or letterbox, not {fit!r}")
        self.width_px, self.height_px, self.fit = width_px, height_px, fit
        self.roi = check_roi(roi) if roi is not None else None
        self._rgb: NDArray[np.uint8] = np.zeros((height_px, width_px, 3), np.uint8)

    def frame_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """The smallest size to which a whole picture may be shrunk without losing anything that the model sees."""
        roi_width, roi_height = (self.roi[2], self.roi[3]) if self.roi else (1.0, 1.0)
        across = self.width_px / (roi_width * width_px)
        down = self.height_px / (roi_height * height_px)
        if self.fit == "crop":
            across = down = max(across, down)
        elif self.fit == "letterbox":
            across = down = min(across, down)
        return max(1, round(width_px * min(1.0, across))), max(1, round(height_px * min(1.0, down)))

    def into(self, image: NDArray[Any], colour: Colour, out: NDArray[np.float32]) -> None:
        """Fill `out` with the picture.

        Args:
            image: uint8 or uint16 `[H, W]` or `[H, W, channels]`.
            colour: the order of the channels.
            out: float32 `[height, width, 3]`, RGB in [0, 1]; overwritten.

        Raises:
            ValueError: the array is not a picture of that colour.
        """
        image = self._region(_as_uint8(_checked(image, colour)))
        if self.fit == "crop":
            image = _centre(image, self.width_px / self.height_px)
        if colour == "rgb" and image.shape == self._rgb.shape:
            np.multiply(image, _SCALE, out=out)  # what a source sends that scales while it decodes
            return
        if self.fit == "letterbox":
            self._letterbox(image, colour)
        else:
            self._resize(image, colour, self._rgb)
        np.multiply(self._rgb, _SCALE, out=out)

    def _region(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.roi is None:
            return image
        height, width = image.shape[:2]
        x, y, roi_width, roi_height = self.roi
        left, top = min(round(x * width), width - 1), min(round(y * height), height - 1)
        right, bottom = max(left + 1, round((x + roi_width) * width)), max(top + 1, round((y + roi_height) * height))
        return image[top:bottom, left:right]

    def _letterbox(self, image: NDArray[np.uint8], colour: Colour) -> None:
        height, width = image.shape[:2]
        scale = min(self.width_px / width, self.height_px / height)
        inner_width = min(self.width_px, max(1, round(width * scale)))
        inner_height = min(self.height_px, max(1, round(height * scale)))
        left, top = (self.width_px - inner_width) // 2, (self.height_px - inner_height) // 2
        self._rgb.fill(0)
        inner = np.empty((inner_height, inner_width, 3), np.uint8)
        self._resize(image, colour, inner)
        self._rgb[top : top + inner_height, left : left + inner_width] = inner

    def _resize(self, image: NDArray[np.uint8], colour: Colour, rgb: NDArray[np.uint8]) -> None:
        size = (rgb.shape[1], rgb.shape[0])
        if colour == "rgb" and (image.shape[1], image.shape[0]) == size:
            np.copyto(rgb, image)
            return
        # OpenCV takes 16 MiB, which a daemon whose sources scale while they decode does without.
        import cv2

        # Resizing before converting the colours: the conversion then touches the few pixels that are left.
        if (image.shape[1], image.shape[0]) != size:
            shrinks = image.shape[1] > size[0] or image.shape[0] > size[1]
            # INTER_AREA averages what falls into a pixel; INTER_LINEAR skips lines when it shrinks (aliasing).
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            if colour == "rgb":
                cv2.resize(image, size, dst=rgb, interpolation=how)
                return
            image = cv2.resize(image, size, interpolation=how)
        cv2.cvtColor(image, getattr(cv2, _TO_RGB[colour]), dst=rgb)


def check_roi(roi: Sequence[float]) -> Roi:
    """The region as a tuple.

    Raises:
        ValueError: not four fractions that lie inside the picture.
    """
    if len(roi) != 4 or not all(np.isfinite(value) for value in roi):
        raise ValueError(f"roi must be four fractions [x, y, width, height], not {list(roi)}")
    x, y, width, height = (float(value) for value in roi)
    inside = 0 <= x < 1 and 0 <= y < 1 and width > 0 and height > 0 and x + width <= 1 + 1e-9 and y + height <= 1 + 1e-9
    if not inside:
        raise ValueError(f"roi {list(roi)} does not lie inside the picture; all are fractions from 0 to 1")
    return x, y, width, height


def _checked(image: NDArray[Any], colour: Colour) -> NDArray[Any]:
    if colour not in _CHANNELS:
        raise ValueError(f"colour must be one of {', '.join(_CHANNELS)}, not {colour!r}")
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3) or 0 in image.shape:
        shape = getattr(image, "shape", None)
        raise ValueError(f"a picture is an array [height, width, channels], not {type(image).__name__} {shape}")
    channels = image.shape[2] if image.ndim == 3 else 1
    if channels != _CHANNELS[colour]:
        raise ValueError(f"a {colour} picture has {_CHANNELS[colour]} channel(s), this one has {channels}")
    return image[:, :, 0] if channels == 1 and image.ndim == 3 else image


def _as_uint8(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        return (image >> 8).astype(np.uint8)
    raise ValueError(f"a picture is uint8 or uint16, not {image.dtype}")


def _centre(image: NDArray[np.uint8], aspect: float) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    new_width, new_height = min(width, max(1, round(height * aspect))), min(height, max(1, round(width / aspect)))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return image[top : top + new_height, left : left + new_width]
