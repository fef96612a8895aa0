"""The self-test: it passes what is right and refuses each mistake that a rewriting or a host could make."""

from typing import get_args

import numpy as np
import pytest
from hosted_stream import Hosted, hosted
from small_graphs import Plain, SmallSpec, run, small_movinet

from movinet_edge.engine.rewrite import Family, RewriteRefused, read_signature, rewrite, self_test
from movinet_edge.engine.rewrite.self_test import FRAMES, compare, moving_pictures
from movinet_edge.engine.rewrite.writing import write_graph

SPECS = {"float32": SmallSpec(), "float16": SmallSpec(half=True), "dynamic": SmallSpec(hybrid=True)}


def proved(spec, hosted_class=Hosted, **options):
    content = write_graph(small_movinet(spec), "serving_default")
    return _prove(content, hosted(content, hosted_class, **options))


def _prove(content, stream):
    reference = stream.rewritten.reference
    return self_test(Plain(content), Plain(reference) if reference else None, stream, stream.rewritten.family)


@pytest.mark.parametrize("family", SPECS)
def test_what_is_right_passes(family):
    proof = proved(SPECS[family])
    assert proof.structure.frames == FRAMES + FRAMES // 2
    assert proof.structure.correlation > 0.9999
    assert proof.arithmetic.same_top >= FRAMES
    assert (proof.arithmetic.largest == 0) == (family == "float32")


def test_float16_that_stays_float_has_the_limits_of_floats():
    proof = proved(SPECS["float16"], quantise_float16=False)
    assert proof.arithmetic.largest == 0
    assert proof.structure.largest_logit < 1e-5


class CountsOneTooMany(Hosted):
    def logits(self, image):
        self.tensors.count += 1
        return super().logits(image)


class ForgetsSums(Hosted):
    def logits(self, image):
        self.tensors.sums.fill(0)
        return super().logits(image)


class NeverResets(Hosted):
    def reset(self):
        pass


class TurnsBuffersTheWrongWay(Hosted):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tensors._turns.reverse()


class HoldsOneFrameBack(Hosted):
    def logits(self, image):
        self.tensors._turn = 0
        return super().logits(image)


class GivesNothing(Hosted):
    def logits(self, image):
        return super().logits(image) * np.nan


MISTAKES = [CountsOneTooMany, ForgetsSums, NeverResets, TurnsBuffersTheWrongWay, HoldsOneFrameBack, GivesNothing]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_refused(mistake):
    with pytest.raises(RewriteRefused, match=r"self-test: the rewritten graph changes a logit"):
        proved(SPECS["float32"], mistake)


class Recorded:
    """A stream that was run once, for several tests to compare with."""

    def __init__(self, stream):
        self.size_px = stream.size_px
        pictures = list(moving_pictures(self.size_px, FRAMES))
        self._logits = [*run(stream, pictures), *run(stream, pictures[::-2])]

    def reset(self):
        pass

    def logits(self, _):
        self._logits.append(self._logits.pop(0))
        return self._logits[-1]


@pytest.fixture(scope="module")
def rounding_file(models_dir):
    """The rewritten form of a dynamic-range file, its interface, and the streams to compare with."""
    content = (models_dir / "movinet_a0_stream_dynamic_cattle7.tflite").read_bytes()
    rewritten = rewrite(content)
    return rewritten, read_signature(content), Recorded(Plain(content)), Recorded(Plain(rewritten.reference))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_refused_in_a_file_that_rounds(mistake, rounding_file):
    rewritten, interface, original, reference = rounding_file
    with pytest.raises(RewriteRefused, match=r"self-test: the rewritten graph changes a logit"):
        self_test(original, reference, mistake(rewritten, interface), rewritten.family)


@pytest.mark.parametrize("family", get_args(Family))
def test_arithmetic_that_makes_something_else_of_a_file_is_refused(family, rounding_file):
    """As logits upside down are; no family is without a limit."""
    _, _, original, _ = rounding_file

    class UpsideDown(Recorded):
        def logits(self, image):
            return -super().logits(image)

    wrong = UpsideDown(original)
    with pytest.raises(RewriteRefused, match="self-test: other arithmetic changes a logit"):
        self_test(original, wrong, wrong, family)


def test_difference_in_numbers():
    expected = np.array([[0.0, 1.0, 4.0], [2.0, 0.0, 1.0]], np.float32)
    found = expected + np.array([[0.0, 0.0, -0.2], [-1.5, 0.0, 0.0]], np.float32)
    difference = compare(expected, found)
    assert difference.largest_logit == pytest.approx(1.5)
    assert difference.largest == pytest.approx(0.75)
    assert (difference.frames, difference.same_top) == (2, 1)


def test_pictures_move_and_use_the_whole_range():
    pictures = np.stack(list(moving_pictures((20, 12), 5)))
    assert pictures.shape == (5, 12, 20, 3)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert np.ptp(pictures) > 0.7
    assert (np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3)) > 0.05).all()
    np.testing.assert_array_equal(pictures, list(moving_pictures((20, 12), 5)))
