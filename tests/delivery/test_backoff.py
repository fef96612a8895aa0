"""Pauses grow, are spread out, have a cap and start again."""

# ruff: noqa: S311 - pauses, no secrets

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.delivery import Backoff


class Longest(random.Random):
    """Always the longest pause that is allowed."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002 - the signature is given
        return b


def test_the_ceiling_doubles_up_to_the_cap_and_starts_again():
    backoff = Backoff(first_s=1.0, cap_s=10.0, rng=Longest())
    assert [backoff.next_s() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    backoff.reset()
    assert backoff.next_s() == 1.0


@given(
    first_s=st.floats(0.001, 100.0),
    factor=st.floats(1.0, 1000.0),
    seed=st.integers(),
    resets=st.lists(st.booleans(), max_size=50),
)
def test_never_negative_and_never_above_the_ceiling(first_s, factor, seed, resets):
    backoff = Backoff(first_s=first_s, cap_s=first_s * factor, rng=random.Random(seed))
    for reset in resets:
        ceiling_s = backoff.ceiling_s
        assert first_s <= ceiling_s <= first_s * factor
        assert 0.0 <= backoff.next_s() <= ceiling_s
        if reset:
            backoff.reset()


def test_full_jitter_uses_the_whole_range():
    backoff = Backoff(first_s=8.0, cap_s=8.0, rng=random.Random(1))
    pauses_s = [backoff.next_s() for _ in range(1000)]
    assert min(pauses_s) < 0.5
    assert max(pauses_s) > 7.5


@pytest.mark.parametrize(("first_s", "cap_s"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_senseless_lengths_are_refused(first_s, cap_s):
    with pytest.raises(ValueError, match="first_s"):
        Backoff(first_s=first_s, cap_s=cap_s)
