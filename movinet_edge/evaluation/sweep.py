"""Tries thresholds, times and smoothing on recorded scores, and suggests for each action what would have been best."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions import ActionRule
from movinet_edge.config import EmaSmoothing, StreamSettings
from movinet_edge.evaluation.figures import Counts
from movinet_edge.evaluation.intervals import Interval
from movinet_edge.evaluation.matching import match
from movinet_edge.evaluation.tracks import Track, replay

ONS = tuple(round(step / 20, 2) for step in range(1, 20))
# Below 0.4 s an action hardly has two frames; above a second short actions are missed.
MIN_DURATIONS_S = (0.2, 0.6, 1.0)
HALF_LIVES_S = (0.1, 0.5)
OFF_SHARES = (0.6, 0.8)
"""`off` as a share of `on`; 0.6 is the default."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination that was tried."""

    half_life_s: float
    min_duration_s: float
    off_share: float
    on: float

    @property
    def off(self) -> float:
        """The threshold below which an action ends."""
        return round(self.on * self.off_share, 3)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What would have been best for one action.

    Attributes:
        action: its name.
        trial: the combination.
        counts: with it, on the videos that it was chosen by.
        elsewhere: each video judged with what all the others suggest; None for a single video.
        curve: what every other `on` would have given, everything else as in `trial`.
    """

    action: str
    trial: Trial
    counts: Counts
    elsewhere: Counts | None
    curve: tuple[tuple[float, Counts], ...]


def trials() -> list[Trial]:
    """All that are tried."""
    return [Trial(*values) for values in itertools.product(HALF_LIVES_S, MIN_DURATIONS_S, OFF_SHARES, ONS)]


def sweep(
    tracks: Sequence[Track],
    truth: Sequence[Interval],
    rules: Sequence[ActionRule],
    settings: StreamSettings,
    *,
    overlap: float,
    on_trial: Callable[[], None] = lambda: None,
) -> list[Suggestion]:
    """The best for each action that occurs in `truth`: by F1, then by false events, then amid what is as good.

    In the middle, since at the edge of a plateau the next video would fall off it. All share one smoothing, as the
    actions of a stream do. `on_trial` is told of each trial, for a progress bar.
    """
    real = {interval.action for interval in truth}
    tried = trials()
    counts = np.zeros((len(tried), len(rules), len(tracks), 3), np.int64)
    for row, trial in enumerate(tried):
        on_trial()
        smoothed = settings.model_copy(update={"smoothing": EmaSmoothing(type="ema", half_life=trial.half_life_s)})
        changed = [
            replace(rule, on=trial.on, off=trial.off, min_duration_s=trial.min_duration_s, max_duration_s=None)
            for rule in rules
        ]
        for column, track in enumerate(tracks):
            counts[row, :, column] = _counted(track, truth, changed, smoothed, overlap)
    half_lives = np.array([trial.half_life_s for trial in tried])
    occurring = [place for place, rule in enumerate(rules) if rule.name in real]
    if not occurring:
        return []

    def together(half_life_s: float) -> float:
        worth = _f1(counts.sum(axis=2))[half_lives == half_life_s]
        return float(worth[:, occurring].max(axis=0).sum())

    rows = np.flatnonzero(half_lives == max(HALF_LIVES_S, key=together))
    return [
        _suggestion(rules[place].name, [tried[row] for row in rows], counts[rows, place], overlap)
        for place in occurring
    ]


def _counted(
    track: Track, truth: Sequence[Interval], rules: Sequence[ActionRule], settings: StreamSettings, overlap: float
) -> NDArray[np.int64]:
    """Right, false and missed in one video: int64 `[actions, 3]`."""
    found = replay(track, rules, settings)
    counts = np.zeros((len(rules), 3), np.int64)
    for row, rule in enumerate(rules):
        matching = match(
            [interval for interval in truth if (interval.video, interval.action) == (track.video, rule.name)],
            [finding for finding in found if finding.action == rule.name],
            overlap,
        )
        counts[row] = len(matching.matches), len(matching.false), len(matching.missed)
    return counts


def _suggestion(action: str, tried: list[Trial], counts: NDArray[np.int64], overlap: float) -> Suggestion:
    """`counts`: int64 `[trials, videos, 3]`."""
    in_all = counts.sum(axis=1)
    best = _best(tried, in_all)
    elsewhere = None
    if counts.shape[1] > 1:
        # What others suggest for a video is all but the video's own counts.
        judged = [counts[_best(tried, in_all - counts[:, video]), video] for video in range(counts.shape[1])]
        elsewhere = _as_counts(np.sum(judged, axis=0), overlap)
    alike = [row for row, trial in enumerate(tried) if _family(trial) == _family(tried[best])]
    curve = tuple((tried[row].on, _as_counts(in_all[row], overlap)) for row in alike)
    return Suggestion(action, tried[best], _as_counts(in_all[best], overlap), elsewhere, curve)


def _best(tried: list[Trial], counts: NDArray[np.int64]) -> int:
    """`counts`: int64 `[trials, 3]`."""
    worth = list(zip(_f1(counts).tolist(), (-counts[:, 1]).tolist(), strict=True))
    highest = max(worth)
    plateaus: dict[tuple[float, float, float], list[int]] = {}
    for row, trial in enumerate(tried):
        if worth[row] == highest:
            plateaus.setdefault(_family(trial), []).append(row)
    longest = max(plateaus.values(), key=len)
    return longest[len(longest) // 2]


def _f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of right, false and missed in the last axis; 0 where there is nothing."""
    right, false, missed = np.moveaxis(counts, -1, 0)
    return np.asarray(2.0 * right / np.maximum(1, 2 * right + false + missed))


def _as_counts(counts: NDArray[np.int64], overlap: float) -> Counts:
    right, false, missed = counts.tolist()
    return Counts(overlap, right, false, missed)


def _family(trial: Trial) -> tuple[float, float, float]:
    return trial.half_life_s, trial.min_duration_s, trial.off_share
