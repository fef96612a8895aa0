"""Looks: pictures cut and mirrored, never empty, the original untouched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.teaching.looks import AS_IT_IS, LOOKS, Look, looks


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(LOOKS))
def test_something_is_always_seen(height, width, look):
    image = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    seen = look.at(image)
    assert seen.size
    assert seen.dtype == np.uint8
    assert seen.flags.c_contiguous
    assert seen.shape[0] <= height
    assert seen.shape[1] <= width


def test_mirrored_and_cut():
    image = np.arange(16).reshape(4, 4)
    np.testing.assert_array_equal(AS_IT_IS.at(image), image)
    np.testing.assert_array_equal(Look(mirrored=True).at(image), image[:, ::-1])
    np.testing.assert_array_equal(Look(crop=(0.5, 0.25, 0.5, 0.5)).at(image), image[1:3, 2:])


def test_nothing_is_mirrored_where_sides_matter():
    chosen = looks(mirror=False)
    assert not any(look.mirrored for look in chosen)
    assert len(set(chosen)) == len(chosen)
    assert {(look.speed, look.crop) for look in chosen} == {(look.speed, look.crop) for look in LOOKS}


@pytest.mark.parametrize("mirror", [True, False])
def test_the_recording_itself_is_always_shown(mirror):
    assert looks(mirror=mirror).count(AS_IT_IS) == 1
