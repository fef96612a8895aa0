"""Precision, recall, F1, delays and false events per hour, from what was reported and what happened."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from movinet_edge.evaluation.intervals import Found, Interval
from movinet_edge.evaluation.matching import Matching, match

OVERLAPS = (0.3, 0.5)
"""The least intersections over union that are usual for events of daily life."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How often what was reported is right, at one overlap. `None` where there is nothing to divide by."""

    overlap: float
    right: int
    false: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Share of the reports that are right."""
        return _share(self.right, self.right + self.false)

    @property
    def recall(self) -> float | None:
        """Share of the real occurrences that were reported."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.right, 2 * self.right + self.false + self.missed)


@dataclass(frozen=True, slots=True)
class ActionFigures:
    """One action over all videos. Delays are medians over the matches at the lowest overlap, None without any.

    Attributes:
        action: its name.
        occurrences: real ones.
        counts: one for each overlap, in their order.
        report_delay_s: from the real start until the start was reported.
        end_error_s: estimated end minus the real one.
        false_per_hour: reports that match nothing at the lowest overlap, per hour of video.
    """

    action: str
    occurrences: int
    counts: tuple[Counts, ...]
    report_delay_s: float | None
    end_error_s: float | None
    false_per_hour: float


def figures(
    actions: Sequence[str],
    truth: Sequence[Interval],
    found: Sequence[Found],
    *,
    hours: float,
    overlaps: Sequence[float] = OVERLAPS,
) -> list[ActionFigures]:
    """Figures of each action, in the order of `actions`. `hours`: of video in all, over 0."""
    if hours <= 0.0:
        raise ValueError(f"figures need some video, not {hours!r} hours")
    return [
        _of_action(
            action,
            [interval for interval in truth if interval.action == action],
            [finding for finding in found if finding.action == action],
            hours,
            sorted(overlaps),
        )
        for action in actions
    ]


def _of_action(
    action: str, truth: list[Interval], found: list[Found], hours: float, overlaps: Sequence[float]
) -> ActionFigures:
    matchings = [match(truth, found, share) for share in overlaps]
    loosest = matchings[0]
    return ActionFigures(
        action=action,
        occurrences=len(truth),
        counts=tuple(_counts(share, matching) for share, matching in zip(overlaps, matchings, strict=True)),
        report_delay_s=_median([pair.found.decided_s - pair.truth.start_s for pair in loosest.matches]),
        end_error_s=_median([pair.found.end_s - pair.truth.end_s for pair in loosest.matches]),
        false_per_hour=len(loosest.false) / hours,
    )


def _counts(share: float, matching: Matching) -> Counts:
    return Counts(share, len(matching.matches), len(matching.false), len(matching.missed))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
