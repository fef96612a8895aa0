"""Pairs what was reported with what happened, one to one, the best overlaps first."""

from collections.abc import Sequence
from dataclasses import dataclass

from movinet_edge.evaluation.intervals import Found, Interval, overlap


@dataclass(frozen=True, slots=True)
class Match:
    """A reported occurrence and the real one that it stands for; `share` is their intersection over union."""

    truth: Interval
    found: Found
    share: float


@dataclass(frozen=True, slots=True)
class Matching:
    """Every real and every reported occurrence is in exactly one of these."""

    matches: tuple[Match, ...]
    missed: tuple[Interval, ...]
    false: tuple[Found, ...]


def match(truth: Sequence[Interval], found: Sequence[Found], least_share: float) -> Matching:
    """Pair those of the same video and action whose intersection over union is at least `least_share`, over 0.

    Taking the best overlap first gives each real occurrence its nearest report; a second report of it is false.
    """
    if not 0.0 < least_share <= 1.0:
        raise ValueError(f"the least overlap must be over 0 and at most 1, not {least_share!r}")
    candidates = [
        (share, real, reported)
        for real, interval in enumerate(truth)
        for reported, finding in enumerate(found)
        if (interval.video, interval.action) == (finding.video, finding.action)
        and (share := overlap(interval, finding)) >= least_share
    ]
    candidates.sort(key=lambda candidate: (-candidate[0], candidate[1], candidate[2]))
    real_left, reported_left = set(range(len(truth))), set(range(len(found)))
    matches = []
    for share, real, reported in candidates:
        if real in real_left and reported in reported_left:
            real_left.remove(real)
            reported_left.remove(reported)
            matches.append(Match(truth[real], found[reported], share))
    return Matching(
        tuple(matches),
        tuple(truth[place] for place in sorted(real_left)),
        tuple(found[place] for place in sorted(reported_left)),
    )
