"""How long to wait before trying again: exponential, capped, with full jitter."""

import random


class Backoff:
    """Growing pauses between tries; no clock and no sleeping, only the lengths.

    Full jitter (anything from zero to the ceiling) keeps many devices from returning to a recovered server together.
    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    __slots__ = ("_cap_s", "_ceiling_s", "_first_s", "_rng")

    def __init__(self, *, first_s: float = 1.0, cap_s: float = 60.0, rng: random.Random | None = None) -> None:
        if not 0.0 < first_s <= cap_s:
            raise ValueError(f"a backoff needs 0 < first_s <= cap_s, not first_s={first_s!r} and cap_s={cap_s!r}")
        self._first_s = first_s
        self._cap_s = cap_s
        self._ceiling_s = first_s
        self._rng = random.Random() if rng is None else rng  # noqa: S311 - spreads load, guards nothing

    @property
    def ceiling_s(self) -> float:
        """The longest that the next pause can be, in seconds."""
        return self._ceiling_s

    def next_s(self) -> float:
        """The next pause in seconds, between zero and the ceiling, which doubles up to the cap."""
        pause_s = self._rng.uniform(0.0, self._ceiling_s)
        self._ceiling_s = min(self._cap_s, 2.0 * self._ceiling_s)
        return pause_s

    def reset(self) -> None:
        """Begin again with short pauses, after a success."""
        self._ceiling_s = self._first_s
