"""Turns: what holds for all of them, and which way is which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.training.render.rotation import about, blend, euler, matrices, multiply, quaternions

_PARTS = st.floats(-1, 1, allow_nan=False)
_QUATERNIONS = (
    st.tuples(_PARTS, _PARTS, _PARTS, _PARTS)
    .map(np.array)
    .filter(lambda parts: np.linalg.norm(parts) > 0.1)
    .map(lambda parts: parts / np.linalg.norm(parts))
)


@given(_QUATERNIONS)
def test_a_matrix_gives_its_quaternion_back(turn):
    assert abs(quaternions(matrices(turn)) @ turn) == pytest.approx(1, abs=1e-9)


@given(_QUATERNIONS, _QUATERNIONS)
def test_products_of_quaternions_are_products_of_matrices(left, right):
    assert np.allclose(matrices(multiply(left, right)), matrices(left) @ matrices(right))


@given(_QUATERNIONS, _QUATERNIONS, st.floats(0, 1))
def test_a_blend_is_a_turn_and_goes_from_the_first_to_the_second(first, second, share):
    if abs(first @ second) < 1e-3:
        return  # half a turn apart: either way round is as short
    assert np.linalg.norm(blend(first, second, share)) == pytest.approx(1)
    assert abs(blend(first, second, 0.0) @ first) == pytest.approx(1)
    assert abs(blend(first, second, 1.0) @ second) == pytest.approx(1)


@pytest.mark.parametrize(
    ("turn", "start", "end"),
    [
        (about("z", np.radians(-90)), (1, 0, 0), (0, -1, 0)),  # the left arm is lowered
        (about("x", np.radians(90)), (0, 1, 0), (0, 0, 1)),  # the body leans forward
        (about("x", np.radians(-90)), (0, -1, 0), (0, 0, 1)),  # the leg is raised in front
        (about("y", np.radians(-90)), (1, 0, 0), (0, 0, 1)),  # the left forearm bends forward
        (euler((-90, 0, -90)), (1, 0, 0), (0, 0, 1)),  # the left arm is lowered, then swung forward
    ],
)
def test_directions(turn, start, end):
    assert np.allclose(matrices(turn) @ np.array(start), end, atol=1e-9)
