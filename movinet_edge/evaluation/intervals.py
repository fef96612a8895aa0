"""What really happened and what was reported, as spans of time on a video's clock; how far two of them overlap."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """One occurrence of an action in a video, as a person has marked it. Times in seconds."""

    video: str
    start_s: float
    end_s: float
    action: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.start_s <= self.end_s < float("inf"):
            raise ValueError(f"{self.action!r} from {self.start_s:g} s to {self.end_s:g} s is no span of time")


@dataclass(frozen=True, slots=True)
class Found:
    """One occurrence that was reported.

    Attributes:
        video, action: where, and what.
        start_s, end_s: its estimated beginning and end.
        decided_s: when the start was reported.
        score: the highest smoothed score, 0 to 1.
    """

    video: str
    action: str
    start_s: float
    end_s: float
    decided_s: float
    score: float


def overlap(one: Interval, other: Found) -> float:
    """Intersection over union of the two spans, 0 to 1; two moments that fall together overlap wholly."""
    shared_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    if shared_s < 0.0:
        return 0.0
    union_s = max(one.end_s, other.end_s) - min(one.start_s, other.start_s)
    return 1.0 if union_s == 0.0 else shared_s / union_s
