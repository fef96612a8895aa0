"""From the clock of whoever sends pictures to the clock of the stream. Pure."""

_FAR_S = 2.0
"""A picture this much earlier or later than it should be comes from another sender, or from one that slept."""


class SenderClock:
    """Says when a picture was taken on the stream's clock, and which pictures are due.

    A browser's timer is late by tens of milliseconds. So a picture belongs to the nearest point of the grid, where a
    plain sampler would leave out every one that is a little early.
    """

    def __init__(self, fps: float | None) -> None:
        """`fps`: pictures that are due per second; None for every one."""
        self._fps = fps
        self._zero_s: float | None = None
        self._offset_s = 0.0
        self._last_s = -1.0

    def time_s(self, taken_s: float, came_s: float) -> float | None:
        """The time of a picture, 0 for the first, always rising; None when it is not due.

        `taken_s` is of the sender's clock, `came_s` of our own monotonic one, when the picture arrived.
        """
        if self._zero_s is None:
            self._zero_s = came_s
            self._offset_s = taken_s
        now_s = came_s - self._zero_s
        time_s = taken_s - self._offset_s
        if abs(time_s - now_s) > _FAR_S:
            time_s = max(now_s, self._last_s)
            self._offset_s = taken_s - time_s
        if self._fps is not None:
            time_s = round(time_s * self._fps) / self._fps
        if time_s <= self._last_s:
            return None
        self._last_s = time_s
        return time_s
