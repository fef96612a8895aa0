"""Frames as picture files."""

import errno

import numpy as np

from movinet_edge.api import Colour, Frame

# OpenCV's names for the conversions.
_TO_BGR: dict[Colour, str] = {
    "rgb": "COLOR_RGB2BGR",
    "rgba": "COLOR_RGBA2BGR",
    "bgra": "COLOR_BGRA2BGR",
    "grey": "COLOR_GRAY2BGR",
}


def encoded(frame: Frame, suffix: str, *, size_px: tuple[int, int] | None = None, quality: int | None = None) -> bytes:
    """The frame as a picture file of the kind that `suffix` names, scaled to `size_px`; `quality` is JPEG's, 1 to 100.

    Raises:
        OSError: it cannot be encoded so.
    """
    # OpenCV takes 16 MiB, which a daemon without snapshots may do without.
    import cv2

    image = frame.image
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    options = () if quality is None else (cv2.IMWRITE_JPEG_QUALITY, quality)
    try:
        if size_px is not None and size_px != frame.size_px:
            image = cv2.resize(image, size_px, interpolation=cv2.INTER_AREA)
        if frame.colour in _TO_BGR:
            image = cv2.cvtColor(image, getattr(cv2, _TO_BGR[frame.colour]))
        done, data = cv2.imencode(suffix, image, options)
    except cv2.error as error:
        raise OSError(errno.EINVAL, "the picture cannot be encoded") from error
    if not done:
        raise OSError(errno.EINVAL, "the picture cannot be encoded")
    return bytes(data)
