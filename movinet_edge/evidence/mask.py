"""Privacy masks: parts of the picture that nobody is to see, painted black before anything looks at it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import Frame

Polygon: TypeAlias = Sequence[tuple[float, float]]
"""Corners `(x, y)` as fractions 0 to 1 of the picture's width and height."""


class Mask:
    """Paints polygons black; the frame that it is given stays as it is."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = [np.array(polygon, np.float64) for polygon in polygons]

    def applied(self, frame: Frame) -> Frame:
        """The frame without what is masked.

        Raises:
            ValueError: its image is not a picture.
        """
        image = frame.image
        if not isinstance(image, np.ndarray) or image.ndim not in (2, 3) or 0 in image.shape:
            raise ValueError("a picture is an array [height, width, channels]")
        return replace(frame, image=self._painted(image))

    def _painted(self, image: NDArray[Any]) -> NDArray[Any]:
        import cv2

        height, width = image.shape[:2]
        painted = np.ascontiguousarray(image).copy()
        for polygon in self._polygons:
            # Rounded down, a corner lies in the pixel that it touches, and edges are painted with the inside.
            corners = np.minimum(np.floor(polygon * (width, height)), (width - 1, height - 1)).astype(np.int32)
            cv2.fillPoly(painted, [corners], (0, 0, 0, 255 if image.dtype == np.uint8 else 65_535))
        return painted
