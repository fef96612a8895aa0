"""JPEG files of strangers: looked at before they are decoded, so that a small file cannot ask for gigabytes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_PX = 1920 * 1200
"""Full HD and a little: far more than any model looks at."""

_MOST_SCANS = 32
"""A progressive file passes over the picture some ten times; one of thousands of passes takes minutes to decode."""

_START, _SCAN, _END_OF_HEADER = b"\xff\xd8", b"\xff\xda", 0xDA
# The segments that begin a frame; 0xC4, 0xC8 and 0xCC in their midst are tables.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a segment behind them


def check_jpeg(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as the file announces them.

    Raises:
        ValueError: it is no JPEG file, its picture is too large, or it would take too long to decode.
    """
    width_px, height_px = _announced_size(data)
    if not 0 < width_px * height_px <= _MOST_PX:
        raise ValueError(f"a picture has at most {_MOST_PX} pixels, not {width_px}×{height_px}")
    if data.count(_SCAN) > _MOST_SCANS:
        raise ValueError(f"a picture has at most {_MOST_SCANS} scans")
    return width_px, height_px


def decode(data: bytes, size_px: tuple[int, int]) -> NDArray[Any] | None:
    """The picture as uint8 BGR `[height, width, 3]`, values 0 to 255, scaled to `size_px`; None when it is damaged."""
    import cv2

    # What a browser draws stands upright already, so a note about orientation would be somebody else's.
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        return None
    if size_px != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
    return np.asarray(image)


def _announced_size(data: bytes) -> tuple[int, int]:
    if not data.startswith(_START):
        raise ValueError("it is no JPEG file")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        elif marker == _END_OF_HEADER:
            break
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise ValueError("the JPEG file has no size")
