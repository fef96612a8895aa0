"""Divides examples into folds so that what comes from one source or one day is never on both sides."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def grouped_folds(groups: Sequence[str], kinds: Sequence[str], count: int, *, seed: int = 0) -> NDArray[np.intp] | None:
    """The fold of each example: whole groups, with about the same number of each kind in every fold.

    Args:
        groups: of each example, what it shares with others: the source video, or the day.
        kinds: of each example, its label; what is balanced.
        count: folds wanted; fewer where some kind has fewer groups.
        seed: for the order of groups of the same size.

    Returns:
        intp `[examples]` from 0, or None when some kind comes from a single group: then nothing can be held out
        without leaving that kind unknown.
    """
    names = sorted(set(groups))
    kind_names = sorted(set(kinds))
    table = np.zeros((len(names), len(kind_names)))
    place = {name: index for index, name in enumerate(names)}
    for group, kind in zip(groups, kinds, strict=True):
        table[place[group], kind_names.index(kind)] += 1
    count = min(count, *(int(column) for column in (table > 0).sum(axis=0)))
    if count < 2:
        return None
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = sorted(shuffled, key=lambda index: -table[index].sum())
    fair = table.sum(axis=0) / count
    filled = np.zeros((count, len(kind_names)))
    fold_of = np.zeros(len(names), np.intp)
    for index in order:
        # The fold that gains least in excess over its fair share, over all kinds.
        rise = (((filled + table[index]) / fair) ** 2).sum(axis=1) - ((filled / fair) ** 2).sum(axis=1)
        best = int(np.argmin(rise))
        fold_of[index] = best
        filled[best] += table[index]
    folds: NDArray[np.intp] = fold_of[[place[group] for group in groups]]
    return folds
