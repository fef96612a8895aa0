"""Pictures of any size, order and depth reach the model unmirrored, undistorted as asked for, and within [0, 1]."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from movinet_edge.engine import Fit, Preprocessor
from movinet_edge.engine.preprocess import check_roi

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
FITS: tuple[Fit, ...] = ("stretch", "crop", "letterbox")
ORDERS = {"rgb": (0, 1, 2), "bgr": (2, 1, 0), "rgba": (0, 1, 2, 3), "bgra": (2, 1, 0, 3)}

Picture = NDArray[np.uint8]
Tensor = NDArray[np.float32]


def noise(width: int, height: int, seed: int = 0) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(width: int, height: int) -> Picture:
    """A gradient to the right in red, downwards in green, both in blue."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.round(np.stack([x, y, (x + y) / 2], axis=-1)).astype(np.uint8)


def corners(width: int, height: int) -> Picture:
    """Red and green above blue and white."""
    picture = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    picture[:top, :left], picture[:top, left:], picture[top:, :left], picture[top:, left:] = RED, GREEN, BLUE, WHITE
    return picture


def prepared(picture: NDArray, size: int | tuple[int, int] = 16, colour="rgb", **settings) -> Tensor:
    """What the model gets; the buffer is full of NaN before, so that a pixel left out shows."""
    width, height = (size, size) if isinstance(size, int) else size
    out = np.full((height, width, 3), np.nan, np.float32)
    Preprocessor(width, height, **settings).into(picture, colour, out)
    return out


def colours(tensor: Tensor, *places: tuple[int, int]) -> list[tuple[int, int, int]]:
    """The pixels at (x, y), as 0 to 255."""
    return [tuple(np.round(tensor[y, x] * 255).astype(int).tolist()) for x, y in places]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(16, 16), (64, 48), (48, 64), (7, 5), (640, 360), (1, 1)])
def test_all_pixels_are_written_within_0_and_1(fit, size):
    tensor = prepared(noise(*size), fit=fit)
    assert tensor.dtype == np.float32
    assert tensor.min() >= 0.0
    assert tensor.max() <= 1.0


@pytest.mark.parametrize("fit", FITS)
def test_a_picture_of_the_models_size_is_divided_by_255_and_nothing_else(fit):
    picture = noise(16, 16)
    tensor = prepared(picture, fit=fit)
    np.testing.assert_allclose(tensor, picture.astype(np.float64) / 255, atol=1e-7, rtol=0)
    assert prepared(np.full((16, 16, 3), 255, np.uint8), fit=fit).max() == 1.0
    assert prepared(np.zeros((16, 16, 3), np.uint8), fit=fit).max() == 0.0


@pytest.mark.parametrize("size", [(16, 16), (64, 64), (8, 8)])
@pytest.mark.parametrize("fit", FITS)
def test_neither_mirrored_nor_turned(fit, size):
    tensor = prepared(corners(*size), fit=fit)
    assert colours(tensor, (2, 2), (13, 2), (2, 13), (13, 13)) == [RED, GREEN, BLUE, WHITE]


class TestAspect:
    """Case by case what becomes of a picture with two bars of green left and right of a white square."""

    WIDE = np.full((32, 64, 3), GREEN, np.uint8)
    WIDE[:, 16:48] = WHITE
    TALL = np.ascontiguousarray(WIDE.transpose(1, 0, 2))

    def test_stretch_squeezes(self):
        assert colours(prepared(self.WIDE), (0, 8), (3, 8), (4, 8), (11, 8), (12, 8)) == [
            GREEN,
            GREEN,
            WHITE,
            WHITE,
            GREEN,
        ]
        assert colours(prepared(self.TALL), (8, 0), (8, 3), (8, 4), (8, 11), (8, 12)) == [
            GREEN,
            GREEN,
            WHITE,
            WHITE,
            GREEN,
        ]

    @pytest.mark.parametrize("picture", [WIDE, TALL], ids=["wide", "tall"])
    def test_crop_cuts_the_longer_side_alike_at_both_ends(self, picture):
        assert np.array_equal(prepared(picture, fit="crop"), np.ones((16, 16, 3)))

    def test_letterbox_pads_the_shorter_side_alike_at_both_ends(self):
        wide = prepared(self.WIDE, fit="letterbox")
        assert not wide[:4].any()
        assert not wide[12:].any()
        assert colours(wide, (0, 4), (3, 11), (4, 4), (11, 11), (12, 4)) == [GREEN, GREEN, WHITE, WHITE, GREEN]
        np.testing.assert_array_equal(prepared(self.TALL, fit="letterbox"), wide.transpose(1, 0, 2))

    def test_an_input_that_is_not_square(self):
        np.testing.assert_array_equal(
            prepared(self.WIDE, (32, 16), fit="crop"), prepared(self.WIDE, (32, 16), fit="letterbox")
        )
        assert colours(prepared(self.WIDE, (32, 16), fit="crop"), (7, 5), (8, 5), (23, 5), (24, 5)) == [
            GREEN,
            WHITE,
            WHITE,
            GREEN,
        ]

    @pytest.mark.parametrize("fit", ["crop", "letterbox"])
    def test_a_circle_stays_a_circle(self, fit):
        y, x = np.mgrid[:90, :160]
        picture = np.where(((x - 80) ** 2 + (y - 45) ** 2 < 40**2)[..., None], WHITE, BLACK).astype(np.uint8)
        bright = prepared(picture, 45, fit=fit)[..., 0] > 0.5
        assert abs(bright.any(axis=0).sum() - bright.any(axis=1).sum()) <= 1
        assert 20 <= bright.any(axis=0).sum() <= 41


@pytest.mark.parametrize("size", [(16, 16), (40, 24), (9, 12)])
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("colour", ORDERS)
def test_every_colour_order_gives_the_same(fit, colour, size):
    rgb = noise(*size)
    padded = np.dstack([rgb, np.full(rgb.shape[:2], 77, np.uint8)])
    np.testing.assert_array_equal(prepared(padded[..., ORDERS[colour]], colour=colour, fit=fit), prepared(rgb, fit=fit))


@pytest.mark.parametrize("size", [(16, 16), (40, 24), (9, 12)])
@pytest.mark.parametrize("fit", FITS)
def test_grey_is_the_same_in_all_channels(fit, size):
    grey = noise(*size)[..., 0]
    expected = prepared(np.dstack([grey] * 3), fit=fit)
    np.testing.assert_array_equal(prepared(grey, colour="grey", fit=fit), expected)
    np.testing.assert_array_equal(prepared(grey[..., np.newaxis], colour="grey", fit=fit), expected)


@pytest.mark.parametrize("colour", [*ORDERS, "grey"])
def test_sixteen_bits_are_read_from_0_to_65535(colour):
    rgb = np.dstack([noise(40, 24), noise(40, 24, 1)[..., 0]])
    picture = rgb[..., 0] if colour == "grey" else rgb[..., ORDERS[colour]]
    deep = picture.astype(np.uint16) * 257
    np.testing.assert_array_equal(prepared(deep, colour=colour), prepared(picture, colour=colour))


@pytest.mark.parametrize(
    "view",
    [
        lambda p: p[:, ::-1],
        lambda p: p[::-1],
        lambda p: p[::2, ::2],
        np.asfortranarray,
        lambda p: p[3:, 5:],
    ],
    ids=["mirrored view", "upside down view", "every other", "by columns", "part"],
)
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("fit", FITS)
def test_any_memory_layout(view, colour, fit):
    picture = view(noise(40, 24))
    np.testing.assert_array_equal(
        prepared(picture, colour=colour, fit=fit), prepared(np.ascontiguousarray(picture), colour=colour, fit=fit)
    )


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("size", [(16, 16), (40, 24)])
def test_the_picture_is_only_read(colour, size):
    picture = noise(*size)
    picture.setflags(write=False)
    before = picture.copy()
    prepared(picture, colour=colour)
    np.testing.assert_array_equal(picture, before)


def test_shrinking_averages_instead_of_skipping_lines():
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[::5] = 255
    assert np.abs(prepared(stripes) - 0.2).max() < 0.01


def test_one_preprocessor_takes_pictures_of_changing_shape():
    preprocessor = Preprocessor(16, 16, fit="letterbox")
    out = np.empty((16, 16, 3), np.float32)
    for size in ((64, 32), (32, 64), (16, 16), (64, 32)):
        preprocessor.into(noise(*size), "rgb", out)
        np.testing.assert_array_equal(out, prepared(noise(*size), fit="letterbox"))


class TestRegion:
    @pytest.mark.parametrize(
        ("roi", "colour"),
        [
            ((0, 0, 0.5, 0.5), RED),
            ((0.5, 0, 0.5, 0.5), GREEN),
            ((0, 0.5, 0.5, 0.5), BLUE),
            ((0.5, 0.5, 0.5, 0.5), WHITE),
            ((0.1, 0.6, 0.2, 0.3), BLUE),
        ],
    )
    @pytest.mark.parametrize("fit", ["stretch", "crop"])
    def test_only_it_is_seen(self, roi, colour, fit):
        tensor = prepared(corners(64, 48), roi=roi, fit=fit)
        assert set(map(tuple, np.round(tensor * 255).astype(int).reshape(-1, 3).tolist())) == {colour}

    @pytest.mark.parametrize("fit", FITS)
    def test_it_is_cut_out_before_the_fit(self, fit):
        picture = noise(80, 60)
        roi = (0.25, 0.1, 0.5, 0.3)
        np.testing.assert_array_equal(prepared(picture, roi=roi, fit=fit), prepared(picture[6:24, 20:60], fit=fit))

    @pytest.mark.parametrize("fit", FITS)
    def test_the_whole_picture_is_a_region(self, fit):
        picture = noise(40, 24)
        np.testing.assert_array_equal(prepared(picture, roi=[0, 0, 1, 1], fit=fit), prepared(picture, fit=fit))

    @given(
        x=st.floats(0, 0.999),
        y=st.floats(0, 0.999),
        part=st.tuples(st.floats(0.001, 1), st.floats(0.001, 1)),
        size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
        fit=st.sampled_from(FITS),
    )
    def test_any_region_of_any_picture_has_a_pixel(self, x, y, part, size, fit):
        roi = (x, y, part[0] * (1 - x), part[1] * (1 - y))
        tensor = prepared(np.full((size[1], size[0], 3), 255, np.uint8), roi=roi, fit=fit)
        assert np.isfinite(tensor).all()
        assert tensor.max() == 1.0

    @pytest.mark.parametrize(
        "roi",
        [
            (0, 0, 1),
            (0, 0, 1, 1, 1),
            (0, 0, float("nan"), 1),
            (0, 0, float("inf"), 1),
        ],
    )
    def test_four_fractions(self, roi):
        with pytest.raises(ValueError, match="roi must be four fractions"):
            Preprocessor(16, 16, roi=roi)

    @pytest.mark.parametrize(
        "roi",
        [
            (-0.1, 0, 1, 1),
            (0, -0.1, 1, 1),
            (1, 0, 0.1, 1),
            (0, 0, 0, 1),
            (0, 0, 1, -1),
            (0.5, 0, 0.6, 1),
            (0, 0.5, 1, 0.6),
            (10, 20, 100, 200),
        ],
    )
    def test_inside_the_picture(self, roi):
        with pytest.raises(ValueError, match=re.escape(f"roi {list(roi)} does not lie inside the picture")):
            check_roi(roi)

    def test_rounding_in_the_users_sum_is_forgiven(self):
        assert check_roi([0.7, 0.1, 0.3, 0.9]) == (0.7, 0.1, 0.3, 0.9)


class TestFrameSize:
    @pytest.mark.parametrize(
        ("fit", "roi", "size", "expected"),
        [
            ("stretch", None, (1920, 1080), (172, 172)),
            ("crop", None, (1920, 1080), (306, 172)),
            ("letterbox", None, (1920, 1080), (172, 97)),
            ("stretch", None, (1080, 1920), (172, 172)),
            ("crop", None, (1080, 1920), (172, 306)),
            ("letterbox", None, (1080, 1920), (97, 172)),
            ("stretch", (0.25, 0.25, 0.5, 0.25), (1920, 1080), (344, 688)),
            ("crop", (0.25, 0.25, 0.5, 0.5), (1920, 1080), (612, 344)),
            ("letterbox", (0.25, 0.25, 0.5, 0.5), (1920, 1080), (344, 194)),
            ("stretch", None, (160, 120), (160, 120)),
            ("stretch", None, (640, 120), (172, 120)),
            ("crop", None, (640, 120), (640, 120)),
            ("crop", None, (172, 172), (172, 172)),
        ],
    )
    def test_the_smallest_that_loses_nothing(self, fit, roi, size, expected):
        assert Preprocessor(172, 172, fit=fit, roi=roi).frame_size(*size) == expected

    @given(
        size=st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)),
        fit=st.sampled_from(FITS),
        roi=st.sampled_from([None, (0.0, 0.0, 0.1, 1.0), (0.3, 0.3, 0.3, 0.3)]),
    )
    def test_never_larger_than_the_picture_and_never_nothing(self, size, fit, roi):
        width, height = Preprocessor(172, 172, fit=fit, roi=roi).frame_size(*size)
        assert 1 <= width <= size[0]
        assert 1 <= height <= size[1]

    @pytest.mark.parametrize("roi", [None, (0.25, 0.1, 0.5, 0.6), (0.1, 0.2, 0.3, 0.3)])
    @pytest.mark.parametrize("fit", FITS)
    @pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (640, 480), (400, 400), (176, 144)])
    def test_shrinking_to_it_first_changes_nearly_nothing(self, fit, roi, size):
        picture = smooth(*size)
        preprocessor = Preprocessor(172, 172, fit=fit, roi=roi)
        shrunk_size = preprocessor.frame_size(*size)
        shrunk = prepared(picture, shrunk_size)
        shrunk_picture = np.round(shrunk * 255).astype(np.uint8)
        difference = np.abs(prepared(shrunk_picture, 172, fit=fit, roi=roi) - prepared(picture, 172, fit=fit, roi=roi))
        # A region may begin up to a shrunk pixel beside its place; padding of a letterbox has one line more or less.
        assert np.quantile(difference, 0.98) < 0.02
        assert difference.mean() < 0.01


@pytest.mark.parametrize(
    ("picture", "colour", "reason"),
    [
        (np.zeros((4, 4, 3), np.uint8), "yuv", "colour must be one of rgb, bgr, rgba, bgra, grey, not 'yuv'"),
        (np.zeros((4, 4, 4), np.uint8), "rgb", "a rgb picture has 3 channel(s), this one has 4"),
        (np.zeros((4, 4, 3), np.uint8), "rgba", "a rgba picture has 4 channel(s), this one has 3"),
        (np.zeros((4, 4, 3), np.uint8), "grey", "a grey picture has 1 channel(s), this one has 3"),
        (np.zeros((4, 4), np.uint8), "bgr", "a bgr picture has 3 channel(s), this one has 1"),
        (
            np.zeros((0, 4, 3), np.uint8),
            "rgb",
            "a picture is an array [height, width, channels], not ndarray (0, 4, 3)",
        ),
        (np.zeros(12, np.uint8), "rgb", "not ndarray (12,)"),
        (np.zeros((1, 4, 4, 3), np.uint8), "rgb", "not ndarray (1, 4, 4, 3)"),
        ([[0, 0, 0]], "rgb", "not list None"),
        (None, "rgb", "not NoneType None"),
        (np.zeros((4, 4, 3), np.float32), "rgb", "a picture is uint8 or uint16, not float32"),
        (np.zeros((4, 4, 3), np.int64), "rgb", "a picture is uint8 or uint16, not int64"),
    ],
)
def test_what_is_no_picture(picture, colour, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        prepared(picture, colour=colour)


def test_unknown_fit():
    with pytest.raises(ValueError, match="fit must be stretch, crop or letterbox, not 'squash'"):
        Preprocessor(16, 16, fit="squash")
