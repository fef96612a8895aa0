"""The fit: where the gradient is nothing, for any data; and what must follow from that."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.teaching.logistic import fit, minimise, sigmoid

seeds = st.integers(0, 2**32 - 1)


def some(seed, rows=40, columns=5, shift=0.0):
    random = np.random.default_rng(seed)
    features = random.normal(shift, 1, (rows, columns))
    targets = (features @ random.normal(0, 2, columns) + random.logistic(size=rows) > 0).astype(float)
    return features, targets, random.uniform(0.1, 2, rows)


@given(seeds, st.sampled_from([1.0, 0.03, 0.003]))
def test_no_direction_makes_it_better(seed, penalty):
    features, targets, weights = some(seed)
    found, bias = fit(features, targets, weights, penalty)
    error = weights / weights.sum() * (sigmoid(features @ found + bias) - targets)
    np.testing.assert_allclose(features.T @ error + penalty * found, 0, atol=2e-5)
    assert abs(error.sum()) < 2e-5


@given(seeds)
def test_a_row_twice_is_a_row_of_twice_the_weight(seed):
    features, targets, weights = some(seed)
    twice = fit(
        np.vstack([features, features[:9]]), np.append(targets, targets[:9]), np.append(weights, weights[:9]), 0.1
    )
    weights[:9] *= 2
    once = fit(features, targets, weights, 0.1)
    np.testing.assert_allclose(twice[0], once[0], atol=1e-3)


def test_a_penalty_holds_back_what_can_be_told_apart_for_sure():
    features, targets = np.array([[-1.0], [1.0]]), np.array([0.0, 1.0])
    sizes = [float(fit(features, targets, np.ones(2), penalty)[0][0]) for penalty in (1.0, 0.1, 0.001)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 3
    # One row on each side: w·penalty = 1 / (1 + e^w) at the minimum.
    assert sizes[1] * 0.1 == pytest.approx(1 / (1 + np.exp(sizes[1])), abs=1e-4)


def test_no_information_gives_the_share_of_the_weights():
    _, bias = fit(np.zeros((4, 2)), np.array([1.0, 0, 0, 0]), np.array([3.0, 1, 1, 1]), 0.1)
    assert sigmoid(np.array([bias]))[0] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(("at", "wanted"), [(0.0, 0.5), (2.0, 1 / (1 + np.exp(-2.0))), (-1000.0, 0.0), (1000.0, 1.0)])
def test_the_sigmoid(at, wanted):
    assert sigmoid(np.array([at]))[0] == pytest.approx(wanted, abs=1e-12)


@given(seeds, st.integers(1, 8))
def test_the_least_of_a_bowl_is_found(seed, size):
    random = np.random.default_rng(seed)
    root = random.normal(size=(size, size))
    bowl, middle = root @ root.T + 0.1 * np.eye(size), random.normal(size=size)

    def height(point):
        return float(0.5 * (point - middle) @ bowl @ (point - middle)), bowl @ (point - middle)

    found = minimise(height, np.zeros(size))
    assert height(found)[0] < 1e-6
