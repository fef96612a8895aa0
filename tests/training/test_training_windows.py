"""What is trained on next: balanced, inside its clip, varied alike over all frames, and the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from training.toy_clips import steady, write_toy

from movinet_edge.training.augment import Variety, fit, vary
from movinet_edge.training.clips import ClipFolder
from movinet_edge.training.labels import LABELS
from movinet_edge.training.windows import WindowShape, draw, frames_at_tempo, joined, random_batch

SCENE = np.random.default_rng(5).integers(0, 256, (48, 64, 3)).astype(np.uint8)
CALM = Variety(noise=0.0)


@given(
    hnp.arrays(np.int16, st.tuples(st.integers(1, 5), st.just(12)), elements=st.integers(-1, 17)),
    st.integers(1, 12),
    st.integers(0, 2**31),
)
def test_windows_end_on_a_labelled_frame_of_their_clip(labels, frames, seed):
    rng = np.random.default_rng(seed)
    if (labels[:, frames - 1 :] == -1).all():
        with pytest.raises(ValueError, match="no clip has a labelled frame"):
            draw(labels, 4, frames, rng)
        return
    for clip, last in draw(labels, 20, frames, rng):
        assert frames - 1 <= last < 12
        assert labels[clip, last] >= 0


def test_a_rare_class_comes_as_often_as_a_common_one():
    labels = np.array(steady(*[0] * 97, 1, 2, 2), np.int16)
    clips = draw(labels, 6000, 8, np.random.default_rng(0))[:, 0]
    shares = np.bincount(labels[clips, 0]) / 6000
    assert np.abs(shares - 1 / 3).max() < 0.03


def test_idle_may_come_more_often():
    idle = LABELS.index("idle")
    labels = np.array(steady(0, 0, idle), np.int16)
    clips = draw(labels, 6000, 8, np.random.default_rng(0), idle_times=4.0)[:, 0]
    assert (labels[clips, 0] == idle).mean() == pytest.approx(0.8, abs=0.03)


def test_windows_to_train_on_show_idle_as_often_as_asked(tmp_path: Path):
    idle = LABELS.index("idle")
    write_toy(tmp_path, steady(0, idle))
    batch = random_batch(ClipFolder([tmp_path]), 300, WindowShape(2, 8, idle_times=9.0), np.random.default_rng(0))
    assert (batch.labels[:, -1] == idle).mean() == pytest.approx(0.9, abs=0.06)


@given(st.integers(0, 30), st.integers(1, 16), st.floats(0.5, 2.0))
def test_a_window_at_any_tempo_stays_in_its_clip(last, frames, tempo):
    indices = frames_at_tempo(last, frames, tempo)
    assert len(indices) == frames
    assert indices[-1] == last
    assert (np.diff(indices) >= 0).all()
    assert indices[0] >= 0


def test_a_batch_has_the_labels_of_its_pictures(tmp_path: Path):
    write_toy(tmp_path, [[0] * 12 + [7] * 12, [7] * 12 + [0] * 12])
    clips = ClipFolder([tmp_path])
    batch = random_batch(clips, 6, WindowShape(8, 16), np.random.default_rng(0))
    assert batch.pictures.shape == (6, 8, 16, 16, 3)
    assert set(np.unique(batch.labels)) <= {0, 7}
    again = random_batch(clips, 6, WindowShape(8, 16), np.random.default_rng(0))
    np.testing.assert_array_equal(batch.pictures, again.pictures)
    assert len(joined(batch, again).labels) == 12


def test_fit_changes_nothing_but_the_size():
    fitted = fit(SCENE[None], 24)
    assert fitted.shape == (1, 24, 24, 3)
    assert np.abs(fitted.mean((0, 1, 2)) - SCENE.mean((0, 1))).max() < 2


@given(st.integers(0, 2**31))
def test_all_frames_of_a_clip_are_varied_alike(seed):
    still = np.repeat(SCENE[None], 4, 0)
    varied, _ = vary(still, 20, np.random.default_rng(seed), variety=CALM)
    assert varied.shape == (4, 20, 20, 3)
    assert varied.dtype == np.uint8
    assert (varied == varied[0]).all()
    assert (still == SCENE).all()


def test_each_kind_of_variety_shows():
    def shown(**only: float) -> np.ndarray:
        nothing = {"grey": 0.0, "blur": 0.0, "noise": 0.0, "cover": 0.0}
        seen, _ = vary(SCENE[None], 40, np.random.default_rng(1), variety=Variety(**(nothing | only)))
        return seen[0].astype(int)

    plain = shown()
    assert np.ptp(shown(grey=1.0), axis=2).max() == 0
    assert np.abs(np.diff(shown(blur=1.0), axis=0)).mean() < np.abs(np.diff(plain, axis=0)).mean()
    for kind in ("noise", "cover"):
        assert (shown(**{kind: 1.0}) != plain).any()


def test_variety_changes_from_clip_to_clip():
    rng = np.random.default_rng(0)
    views = [vary(SCENE[None], 20, rng, variety=CALM)[0] for _ in range(8)]
    assert len({view.tobytes() for view in views}) == 8
