"""Folds: no source on both sides, and about as much of each kind everywhere."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.teaching.folds import grouped_folds

examples = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("xy")), min_size=1, max_size=60)


@given(examples, st.integers(2, 6), st.integers(0, 9))
def test_a_source_is_never_on_both_sides(pairs, count, seed):
    groups, kinds = zip(*pairs, strict=True)
    folds = grouped_folds(groups, kinds, count, seed=seed)
    least = min(len({group for group, other in pairs if other == kind}) for kind in set(kinds))
    if least < 2:
        assert folds is None
        return
    assert folds is not None
    assert len({(group, int(fold)) for group, fold in zip(groups, folds, strict=True)}) == len(set(groups))
    assert folds.max() + 1 <= min(count, least)
    np.testing.assert_array_equal(folds, grouped_folds(groups, kinds, count, seed=seed))


def test_each_fold_gets_its_share():
    groups = [f"video {number}" for number in range(20)]
    kinds = ["fight"] * 10 + ["nothing"] * 10
    folds = grouped_folds(groups, kinds, 5)
    counts = [
        [sum(f == fold and k == kind for f, k in zip(folds, kinds, strict=True)) for fold in range(5)]
        for kind in set(kinds)
    ]
    assert counts == [[2] * 5, [2] * 5]


def test_large_sources_are_spread():
    groups = ["long"] * 10 + [f"short {number}" for number in range(10)]
    folds = grouped_folds(groups, ["x"] * 20, 2)
    assert sorted(np.bincount(folds).tolist()) == [10, 10]


def test_another_seed_divides_otherwise():
    groups = [str(number) for number in range(30)]
    divisions = {tuple(grouped_folds(groups, ["x"] * 30, 3, seed=seed).tolist()) for seed in range(4)}
    assert len(divisions) == 4
