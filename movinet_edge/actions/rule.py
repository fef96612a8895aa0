"""What the user asks for: an action, its labels, and when it counts as begun and ended."""

import math
from dataclasses import dataclass

TOLERANCE_S = 0.0015
"""By how much a time may miss a limit and still meet it. Matroska and others round every timestamp to the
millisecond, so a difference of two may be 1 ms off; half a millisecond more absorbs the rounding of floats."""


@dataclass(frozen=True, slots=True)
class ActionRule:
    """One watched action: which labels make it up, and the thresholds and times of its hysteresis.

    Attributes:
        name: what the action is called in events.
        labels: exact labels of the model or globs (`playing *`); case does not matter.
        on: the smoothed score, 0 to 1, at or over which the action may begin.
        off: the smoothed score, 0 to `on`, below which it may end.
        min_duration_s: how long the score must have been at or over `on` before the action starts.
        max_gap_s: how long a dip below `off` may last without ending the action.
        cooldown_s: how long the score must have been below `off` since a stop before the action may begin again.
        max_duration_s: an action that lasts this long is stopped, so that nothing stays on for ever; None: never.
        update_every_s: while the action goes on, an update is given this often; None: none.

    Raises:
        ValueError: a value that cannot work; the text says which and what would.
    """

    name: str
    labels: tuple[str, ...]
    on: float = 0.5
    off: float = 0.3
    min_duration_s: float = 0.2
    max_gap_s: float = 0.6
    cooldown_s: float = 5.0
    max_duration_s: float | None = 3600.0
    update_every_s: float | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("an action needs a name")
        if not self.labels or not all(label.strip() for label in self.labels):
            raise ValueError(f"action {self.name!r}: labels must hold at least one label, and none may be empty")
        if not 0.0 <= self.off <= self.on <= 1.0:
            raise ValueError(
                f"action {self.name!r}: the thresholds must satisfy 0 <= off <= on <= 1, "
                f"but off is {self.off!r} and on is {self.on!r}"
            )
        for field in ("min_duration_s", "max_gap_s", "cooldown_s"):
            value = getattr(self, field)
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"action {self.name!r}: {field} must be zero or more and finite, not {value!r}")
        for field in ("max_duration_s", "update_every_s"):
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"action {self.name!r}: {field} must be more than zero and finite, not {value!r}")
        if self.max_duration_s is not None and self.max_duration_s <= self.min_duration_s:
            raise ValueError(
                f"action {self.name!r}: max_duration_s ({self.max_duration_s!r}) must be longer than "
                f"min_duration_s ({self.min_duration_s!r})"
            )
