"""From scores of ordinary life, in which nothing happens, to thresholds that are seldom reached there.

Half an hour cannot hold an event that comes once a day, so the threshold lies beyond what was seen. The highest scores
of short spans, on the scale of their odds, fall off exponentially above a high one (the peaks over a threshold of
extreme value theory, with the tail of the Gumbel family); from their mean excess follows the score that is reached as
seldom as wished. How sure that is, a resampling says: of whole minutes, since neighbouring spans are alike, and with a
slope of the tail as uncertain as its few excesses leave it. On made-up scenes of independent spans the promise is kept
as often as it says, after five minutes as after thirty; where one state lasts for minutes, less often.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from movinet_edge.actions import ActionRule
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.stream_parts import smoother
from movinet_edge.evaluation.tracks import Track, replay

SPAN_S = 5.0
"""As long as the usual memory of the model and the usual cooldown: peaks of one span are one event."""

# A tenth of the spans: enough to tell the slope of the tail, few enough to be its tail.
_TAIL = 0.1
_LEAST_IN_TAIL = 3
_LEAST_SPANS = 6
# Scores of 0 and 1 have no odds; beyond these no watch list is meant.
_LOWEST, _HIGHEST = 1e-6, 1 - 1e-6
# Above it real actions are lost as well: their scores peak at 0.9 to 1.0 on the labelled clips.
_MOST_ON = 0.95
_RESAMPLED = 400
_SPANS_A_MINUTE = round(60.0 / SPAN_S)
# With fewer parts to resample than this, hardly any two resamplings would differ.
_LEAST_PARTS = 5


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold for one action.

    Attributes:
        action: its name.
        on, off: the thresholds.
        false_per_day: to be expected with `on`, at the confidence asked for.
        reached: False where even the highest possible `on` is expected to be met more often than wished.
        highest: highest smoothed score that was seen.
        events_before, events_after: while watching, with the thresholds as they were and with these.
    """

    action: str
    on: float
    off: float
    false_per_day: float
    reached: bool
    highest: float
    events_before: int
    events_after: int


def calibrate(
    tracks: Sequence[Track],
    rules: Sequence[ActionRule],
    settings: StreamSettings,
    *,
    false_per_day: float,
    confidence: float = 0.9,
    seed: int = 0,
) -> list[Calibration]:
    """Thresholds with which ordinary life, of which `tracks` are a part, starts each action at most so often.

    An `on` is only ever raised: what the user has set was meant to be as low as that at most.

    Raises:
        ValueError: too little was watched, or a wish that cannot be met.
    """
    if not (false_per_day > 0.0 and 0.5 <= confidence < 1.0):
        raise ValueError("false events per day must be over 0, and the confidence from 0.5 to below 1")
    peaks = np.concatenate([_peaks(track, settings) for track in tracks])
    if len(peaks) < _LEAST_SPANS:
        raise ValueError(
            f"only {len(peaks) * SPAN_S:.0f} s were watched, and {_LEAST_SPANS * SPAN_S:.0f} s are the least"
        )
    resampling = _Resampling.of(len(peaks), np.random.default_rng(seed))
    before = _events(tracks, rules, settings)
    tuned = [_tuned(rule, peaks[:, place], resampling, false_per_day, confidence) for place, rule in enumerate(rules)]
    after = _events(tracks, [rule for rule, _ in tuned], settings)
    return [
        Calibration(
            action=rule.name,
            on=rule.on,
            off=rule.off,
            false_per_day=expected,
            reached=expected <= false_per_day * 1.01,  # thresholds are rounded
            highest=float(peaks[:, place].max()),
            events_before=before[rule.name],
            events_after=after[rule.name],
        )
        for place, (rule, expected) in enumerate(tuned)
    ]


def _events(tracks: Sequence[Track], rules: Sequence[ActionRule], settings: StreamSettings) -> Counter[str]:
    return Counter(found.action for track in tracks for found in replay(track, rules, settings))


def _peaks(track: Track, settings: StreamSettings) -> NDArray[np.float64]:
    """Highest smoothed score of each span after the warm-up, in which nothing starts: float64 `[spans, actions]`."""
    calm = smoother(settings.smoothing)
    smoothed = np.array(
        [calm.step(time_s, row).copy() for time_s, row in zip(track.times_s.tolist(), track.scores, strict=True)]
    )
    times_s = track.times_s - track.times_s[:1]
    warm = times_s >= settings.warm_up_s
    if not warm.any():
        return np.empty((0, track.scores.shape[1]))
    smoothed = smoothed[warm]
    spans = (times_s[warm] // SPAN_S).astype(int)
    starts = np.flatnonzero(np.diff(spans, prepend=-1))
    return np.asarray(np.maximum.reduceat(smoothed, starts, axis=0), np.float64)


@dataclass(frozen=True, slots=True)
class _Resampling:
    """What might have been seen instead.

    Attributes:
        picks: intp `[resamplings, spans]`, of which spans each is made.
        tail: how many of its highest spans are its tail.
        stretch: float64 `[resamplings]`, by how much the true slope of such a tail may exceed the one found. Few
            excesses tell it badly, and resampling cannot show that: it only repeats what was seen. (Exponential
            excesses: slope found / true slope has a gamma distribution; here with Jeffreys' prior.)
    """

    picks: NDArray[np.intp]
    tail: int
    stretch: NDArray[np.float64]

    @classmethod
    def of(cls, spans: int, random: np.random.Generator) -> "_Resampling":
        length = max(1, min(_SPANS_A_MINUTE, spans // _LEAST_PARTS))
        begins = random.integers(0, spans, (_RESAMPLED, -(-spans // length)))
        picks = (begins[:, :, None] + np.arange(length)).reshape(_RESAMPLED, -1)[:, :spans] % spans
        tail = max(_LEAST_IN_TAIL, int(spans * _TAIL))
        return cls(picks.astype(np.intp), tail, tail / random.gamma(tail, size=_RESAMPLED))


@dataclass(frozen=True, slots=True)
class _Peaks:
    """The resampled peaks of one action, as odds: float64 `[resamplings, spans]`, rows sorted, with their tails.

    Attributes:
        begins, slopes: float64 `[resamplings]`, where each row's tail begins, and its mean excess over that.
        share: of a row that is its tail.
    """

    rows: NDArray[np.float64]
    begins: NDArray[np.float64]
    slopes: NDArray[np.float64]
    share: float

    @classmethod
    def of(cls, odds: NDArray[np.float64], resampling: _Resampling) -> "_Peaks":
        rows = np.sort(odds[resampling.picks], axis=1)
        begins = rows[:, -resampling.tail - 1]
        excess = (rows[:, -resampling.tail :] - begins[:, None]).mean(axis=1)
        slopes = np.maximum(1e-6, excess) * resampling.stretch
        return cls(rows, begins, slopes, resampling.tail / rows.shape[1])

    def reached_by(self, share: float) -> NDArray[np.float64]:
        """For each row the odds that only this share of the spans reach."""
        if share >= self.share:
            return np.asarray(np.quantile(self.rows, max(0.0, 1.0 - share), axis=1))
        return self.begins + self.slopes * math.log(self.share / share)

    def share_over(self, limit: float) -> NDArray[np.float64]:
        """For each row the share of spans expected at or over the limit."""
        beyond = self.share * np.exp(-np.maximum(0.0, limit - self.begins) / self.slopes)
        return np.where(limit > self.begins, beyond, (self.rows >= limit).mean(axis=1))


def _tuned(
    rule: ActionRule, peaks: NDArray[np.float64], resampling: _Resampling, false_per_day: float, confidence: float
) -> tuple[ActionRule, float]:
    """The rule with its threshold raised as far as needed, and the false events per day expected with it."""
    odds = _odds(np.clip(peaks, _LOWEST, _HIGHEST))
    resampled = _Peaks.of(odds, resampling)
    spans_per_day = 86_400 / SPAN_S
    needed = float(np.quantile(resampled.reached_by(false_per_day / spans_per_day), confidence))
    # What was seen is no estimate: a score that ordinary life has reached while watching is not allowed again.
    allowed = min(len(odds) - 1, int(false_per_day * len(odds) / spans_per_day))
    seen = float(np.sort(odds)[-1 - allowed])
    on = max(rule.on, min(_MOST_ON, math.ceil(1000 * max(_score(needed), _score(seen) + 1e-9)) / 1000))
    expected = (
        float(np.quantile(resampled.share_over(float(_odds(np.array(min(on, _HIGHEST))))), confidence)) * spans_per_day
    )
    return replace(rule, on=on, off=max(rule.off, round(rule.off / rule.on * on, 3))), expected


def _odds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their logarithms: float64, any shape."""
    return np.asarray(np.log(scores) - np.log1p(-scores))


def _score(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
