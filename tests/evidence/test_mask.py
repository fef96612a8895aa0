"""Privacy masks: what is under them is gone in every kind of picture, and what is beside them stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from movinet_edge.api import Frame
from movinet_edge.config.evidence import Polygon
from movinet_edge.evidence import Mask

LEFT_HALF = [(0, 0), (0.5, 0), (0.5, 1), (0, 1)]


@pytest.mark.parametrize(
    ("colour", "shape", "dtype"),
    [
        ("rgb", (48, 64, 3), np.uint8),
        ("bgr", (480, 640, 3), np.uint8),
        ("rgba", (48, 64, 4), np.uint8),
        ("grey", (48, 64), np.uint8),
        ("grey", (48, 64, 1), np.uint8),
        ("rgb", (48, 64, 3), np.uint16),
        ("rgb", (1, 1, 3), np.uint8),
    ],
)
def test_every_kind_of_picture_is_masked_in_its_own_size(colour, shape, dtype):
    frame = Frame(np.full(shape, 200, dtype), 1.5, colour, 17.0, discontinuity=True)
    masked = Mask([LEFT_HALF]).applied(frame)
    half = shape[1] // 2 + 1
    assert not masked.image[:, :half][..., :3].any()
    assert (masked.image[:, half:] == 200).all()
    assert (masked.image.shape, masked.image.dtype) == (shape, dtype)
    assert (masked.time_s, masked.colour, masked.wall_time_s, masked.discontinuity) == (1.5, colour, 17.0, True)
    assert (frame.image == 200).all()


def test_a_picture_that_is_a_view_or_read_only_is_masked_too():
    image = np.full((48, 64, 3), 200, np.uint8)[:, ::-1]
    image.flags.writeable = False
    assert not Mask([LEFT_HALF]).applied(Frame(image, 0.0)).image[:, :32].any()


@given(
    corners=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=3),
    size=st.tuples(st.integers(8, 90), st.integers(8, 90)),
)
def test_no_pixel_whose_middle_lies_within_is_left(corners, size):
    width, height = size
    masked = Mask([corners]).applied(Frame(np.full((height, width), 255, np.uint8), 0.0, "grey")).image
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height)[:, None] + 0.5) / height
    sides = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    inside = np.all([side > 0.02 for side in sides], axis=0) | np.all([side < -0.02 for side in sides], axis=0)
    assert not masked[inside].any()


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (1, 0), (1, 1)],
        [(0, 0), (1, 0), (0.5, 0.2), (1, 1), (0, 1)],
        [(0.1, 0.1), (0.5, 0.1), (0.9, 0.1), (0.9, 0.9)],
    ],
    ids=["triangle", "hollow", "corner in a side"],
)
def test_what_has_an_inside_may_be_masked(corners):
    TypeAdapter(Polygon).validate_python(corners)


@pytest.mark.parametrize("image", [None, np.zeros((0, 4, 3), np.uint8), np.zeros(7, np.uint8)])
def test_what_is_no_picture_is_refused_as_the_model_would(image):
    with pytest.raises(ValueError, match="a picture is an array"):
        Mask([LEFT_HALF]).applied(Frame(image, 0.0))
