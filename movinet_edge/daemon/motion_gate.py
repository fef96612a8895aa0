"""Says when a scene stands so still that scoring every frame of it tells nothing new."""

import numpy as np
from numpy.typing import NDArray

from movinet_edge.api import Frame

# Cells of the picture: a person far away still fills one, and the noise of a cell's pixels averages out.
_CELLS = 32


class MotionGate:
    """Lets every frame through while something moves, and one every `every_s` while nothing has for `still_after_s`.

    What is compared is the picture of the last frame that was let through, so that slow motion adds up.
    """

    __slots__ = ("_every_s", "_last", "_moved_s", "_passed_s", "_still_after_s", "_threshold")

    def __init__(self, threshold: float, still_after_s: float, every_s: float) -> None:
        """`threshold`: by how much of its range, 0 to 1, a cell of the picture must change to be motion."""
        self._threshold, self._still_after_s, self._every_s = 255.0 * threshold, still_after_s, every_s
        self.reset()

    def reset(self) -> None:
        """Forget the scene: the next frame passes."""
        self._last: NDArray[np.float32] | None = None
        self._moved_s = 0.0
        self._passed_s = 0.0

    def passes(self, frame: Frame) -> bool:
        """Whether the frame is worth scoring.

        Raises:
            ValueError: it is no picture.
        """
        cells = _cells(frame)
        moves = self._last is None or float(np.abs(cells - self._last).max()) >= self._threshold
        if moves:
            self._moved_s = frame.time_s
        is_still = frame.time_s - self._moved_s >= self._still_after_s
        if is_still and frame.time_s - self._passed_s < self._every_s:
            return False
        self._last, self._passed_s = cells, frame.time_s
        return True


def _cells(frame: Frame) -> NDArray[np.float32]:
    """Mean brightness of each cell: float32 `[32, 32]`, 0 to 255."""
    # OpenCV takes 16 MiB, which a daemon without a gate may do without.
    import cv2

    image = frame.image
    try:
        small = cv2.resize(image, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)
    except cv2.error as error:
        raise ValueError(f"not a picture: {image.dtype} {list(image.shape)}") from error
    if image.dtype == np.uint16:
        small /= 257.0
    return np.asarray(small if small.ndim == 2 else small.mean(axis=2), np.float32)
