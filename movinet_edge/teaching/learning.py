"""From rows of numbers to a classifier of one action: fit, tried out on sources it has not seen, and calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from movinet_edge.teaching.folds import grouped_folds
from movinet_edge.teaching.logistic import Floats, fit, minimise, sigmoid

Places: TypeAlias = NDArray[np.intp]

PENALTIES = (0.01, 0.003)
"""From strong to weak. Fights and falls are flat around them, and a finer choice is noise: see benchmarks/teach.py."""

FOLDS = 5
_INNER_FOLDS = 3
# Keeps the calibration near the identity while there are few examples: worth about one hundredth of them.
_TRUST_IN_FIT = 0.01
# Windows averaged before the highest counts, as a stream's smoothing does.
SMOOTHED_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Rows:
    """All windows of all examples.

    Attributes:
        features: float32 `[rows, columns]`.
        unit: intp `[rows]`, which labelled part of a recording each row shows.
        plain: bool `[rows]`, rows that show it unchanged; the others only help to fit.
        labels: of each unit.
        sources: of each unit; see `Example.source`.
        blocks: the columns of each kind of signal; each kind is scaled as one, so that none drowns another.
    """

    features: NDArray[np.float32]
    unit: Places
    plain: NDArray[np.bool_]
    labels: tuple[str, ...]
    sources: tuple[str, ...]
    blocks: tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Classifier:
    """Weights float64 `[columns]` and bias of one action; the sigmoid of their output is a probability."""

    weights: Floats
    bias: float

    def outputs(self, features: NDArray[np.float32]) -> Floats:
        """float64 `[rows]`, unbounded."""
        result: Floats = features @ self.weights + self.bias
        return result


@dataclass(frozen=True, slots=True)
class Learned:
    """A classifier and how it did on what it had not seen.

    Attributes:
        classifier: taught with all units, calibrated.
        penalty: what was chosen for it.
        held_out: float64 `[units]`, calibrated outputs while the unit's source was held out; NaN without any folds.
        folds: into how many parts the sources were divided; 0 where they could not be.
    """

    classifier: Classifier
    penalty: float
    held_out: Floats
    folds: int


def learn(rows: Rows, action: str, *, seed: int = 0, folds: int = FOLDS) -> Learned:
    """Teach one action against everything else.

    The penalty is chosen within the part that is being taught, never by the part that is held out.
    """
    is_action = np.array([label == action for label in rows.labels])
    kinds = [str(flag) for flag in is_action]
    fold = grouped_folds(rows.sources, kinds, folds, seed=seed)
    everything = np.ones(len(rows.labels), bool)
    penalty = choose_penalty(rows, is_action, everything, seed=seed)
    taught = _fit(rows, is_action, everything, penalty)
    if fold is None:
        return Learned(taught, penalty, np.full(len(rows.labels), np.nan), 0)
    outputs = np.full(len(rows.unit), np.nan)
    for index in range(fold.max() + 1):
        learning = fold != index
        inner = choose_penalty(rows, is_action, learning, seed=seed)
        shown = rows.plain & ~learning[rows.unit]
        outputs[shown] = _fit(rows, is_action, learning, inner).outputs(rows.features[shown])
    calibrated = _calibrated_by_others(rows, is_action, outputs, fold)
    # The penalty keeps outputs honest by itself; with few sources a calibration can make them worse.
    if _loss(rows, is_action, calibrated) < _loss(rows, is_action, outputs):
        slope, shift = calibration(rows, is_action, outputs)
        taught = Classifier(slope * taught.weights, slope * taught.bias + shift)
        outputs = calibrated
    return Learned(taught, penalty, unit_outputs(rows, outputs), int(fold.max()) + 1)


def _calibrated_by_others(rows: Rows, is_action: NDArray[np.bool_], outputs: Floats, fold: Places) -> Floats:
    """Each fold's outputs, calibrated by what the other folds say, so that none judges itself."""
    calibrated = np.full_like(outputs, np.nan)
    for index in range(fold.max() + 1):
        own = fold[rows.unit] == index
        slope, shift = calibration(rows, is_action, np.where(own, np.nan, outputs))
        calibrated[own] = slope * outputs[own] + shift
    return calibrated


def _loss(rows: Rows, is_action: NDArray[np.bool_], outputs: Floats) -> float:
    """Mean log loss of the rows that have an output, each unit and both kinds counting the same."""
    shown = ~np.isnan(outputs)
    targets, weights = is_action[rows.unit[shown]], _weights(rows.unit[shown], is_action)
    losses = np.logaddexp(0.0, outputs[shown]) - targets * outputs[shown]
    return float(weights @ losses / weights.sum())


def choose_penalty(rows: Rows, is_action: NDArray[np.bool_], learning: NDArray[np.bool_], *, seed: int) -> float:
    """The penalty with the least log loss on held-out sources among the units that are `learning`."""
    units = np.flatnonzero(learning)
    fold = grouped_folds(
        [rows.sources[unit] for unit in units], [str(is_action[unit]) for unit in units], _INNER_FOLDS, seed=seed
    )
    if fold is None:
        return PENALTIES[0]
    losses = np.zeros(len(PENALTIES))
    for index in range(fold.max() + 1):
        inner, held = np.zeros(len(learning), bool), np.zeros(len(learning), bool)
        inner[units[fold != index]] = True
        held[units[fold == index]] = True
        shown = rows.plain & held[rows.unit]
        for place, penalty in enumerate(PENALTIES):
            # The unchanged rows are enough to compare penalties, and a sixth of the work.
            outputs = np.full(len(rows.unit), np.nan)
            outputs[shown] = _fit(rows, is_action, inner, penalty, plain=True).outputs(rows.features[shown])
            losses[place] += _loss(rows, is_action, outputs)
    return PENALTIES[int(np.argmin(losses))]


def calibration(rows: Rows, is_action: NDArray[np.bool_], outputs: Floats) -> tuple[float, float]:
    """Slope and shift that make the sigmoid of held-out outputs a probability (Platt), at even odds.

    Source: J. Platt, Probabilistic outputs for support vector machines, 1999, with a pull towards slope 1 and shift 0.
    """
    shown = ~np.isnan(outputs)
    seen, units = outputs[shown], rows.unit[shown]
    targets = is_action[units].astype(float)
    weights = _weights(units, is_action)
    weights /= weights.sum()

    def loss(point: Floats) -> tuple[float, Floats]:
        slope, shift = 1.0 + point[0], point[1]
        calibrated = slope * seen + shift
        error = weights * (sigmoid(calibrated) - targets)
        value = weights @ (np.logaddexp(0.0, calibrated) - targets * calibrated)
        gradient = np.array([error @ seen, error.sum()]) + _TRUST_IN_FIT * point
        return float(value + 0.5 * _TRUST_IN_FIT * (point @ point)), gradient

    found = minimise(loss, np.zeros(2))
    slope, shift = 1.0 + float(found[0]), float(found[1])
    # A slope below 0 would say that the head is better when it is turned round; then there is nothing to calibrate.
    return (slope, shift) if slope > 0.0 else (1.0, 0.0)


def unit_outputs(rows: Rows, outputs: Floats) -> Floats:
    """The highest smoothed output of each unit's unchanged rows: float64 `[units]`, NaN where there are none."""
    result = np.full(len(rows.labels), np.nan)
    for unit in range(len(rows.labels)):
        own = outputs[rows.plain & (rows.unit == unit)]
        if own.size:
            width = min(SMOOTHED_WINDOWS, own.size)
            result[unit] = np.convolve(own, np.full(width, 1.0 / width), "valid").max()
    return result


def _fit(
    rows: Rows, is_action: NDArray[np.bool_], learning: NDArray[np.bool_], penalty: float, *, plain: bool = False
) -> Classifier:
    used = learning[rows.unit] & (rows.plain if plain else True)
    features, units = rows.features[used], rows.unit[used]
    middle = features.mean(axis=0, dtype=np.float64)
    scale = np.ones(features.shape[1])
    for block in rows.blocks:
        scale[block] = np.sqrt(features[:, block].var(axis=0, dtype=np.float64).sum()) or 1.0
    weights, bias = fit(
        (features - middle) / scale, is_action[units].astype(float), _weights(units, is_action), penalty
    )
    return Classifier(weights / scale, bias - float(weights @ (middle / scale)))


def _weights(units: Places, is_action: NDArray[np.bool_]) -> Floats:
    """Each unit counts as much as another of its kind, however long it is, and both kinds count as much."""
    weights: Floats = 1.0 / np.bincount(units, minlength=len(is_action))[units]
    for kind in (True, False):
        own = is_action[units] == kind
        if own.any():
            weights[own] /= weights[own].sum()
    return weights


def collect(parts: Sequence[tuple[int, bool, NDArray[np.float32]]]) -> tuple[NDArray[np.float32], Places, Places]:
    """Rows of units, one below the other: features, unit of each row, and whether it shows the recording unchanged."""
    features = np.concatenate([rows for _, _, rows in parts])
    unit = np.concatenate([np.full(len(rows), unit, np.intp) for unit, _, rows in parts])
    plain = np.concatenate([np.full(len(rows), plain) for _, plain, rows in parts])
    return features, unit, plain
