"""The model that comes with the package: always found, never fetched, whole, small, and with its card."""

import re
from pathlib import Path

import numpy as np
import pytest

from movinet_edge.api import ModelError
from movinet_edge.library import BUILTIN_MODEL, DEFAULT_MODEL, load
from movinet_edge.models import DownloadError, ModelStore, bundled_labels, catalogue
from movinet_edge.models.catalogue import BUNDLED_FOLDER, full_name
from movinet_edge.training.labels import LABELS

ROOT = Path(__file__).resolve().parents[2]
HOUR_FRAMES = 18_000
WINDOW = 16
LOOK_BACK_FRAMES = 28  # what all layers in a row remember
LARGEST_BYTES = 3_500_000


def test_is_here_whole_and_small(tmp_path):
    store = ModelStore(cache=tmp_path, search=[])
    found = store.get(BUILTIN_MODEL, pull=False)
    assert (found.origin, found.name) == ("package", BUILTIN_MODEL)
    assert store.pull(BUILTIN_MODEL).path == found.path
    [result] = store.verify(BUILTIN_MODEL)
    assert result.status == "ok", result
    assert found.path.stat().st_size <= LARGEST_BYTES
    assert list(tmp_path.iterdir()) == []


def test_its_labels_are_those_that_it_was_trained_with():
    assert bundled_labels(BUILTIN_MODEL) == LABELS


def test_has_a_card_that_says_what_it_is_for_and_from_what_it_was_made():
    card = (BUNDLED_FOLDER / "builtin.md").read_text(encoding="utf-8")
    for needed in ("first steps, tests and closed networks", "models pull a0", "CC0", "MIT License"):
        assert needed in card, needed
    for label in LABELS:
        assert f"\n| {label} | " in card


def test_the_figures_of_its_card_are_those_of_the_file():
    card = (BUNDLED_FOLDER / "builtin.md").read_text(encoding="utf-8")
    assert f"with the SHA-256 `{catalogue()[BUILTIN_MODEL].sha256}`" in card
    matrix = [
        [int(cell or 0) for cell in re.split(r" *\| *", line)[2:-1]]
        for number, label in enumerate(LABELS, 1)
        for line in card.splitlines()
        if line.startswith(f"| {number} {label} |")
    ]
    counts = np.array(matrix)
    assert counts.shape == (18, 18)
    assert f"{counts.sum()} spans of at least a second" in card
    top1 = 100 * counts.trace() / counts.sum()
    assert f"- top-1 {top1:.1f} % (float32" in card
    assert f"names right {top1:.0f} times of 100" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_runs_and_names_its_classes(unreachable):
    model = load(BUILTIN_MODEL, store=unreachable)
    assert (model.name, tuple(model.labels)) == (BUILTIN_MODEL, LABELS)
    card = catalogue()[BUILTIN_MODEL]
    assert model.size_px == (card.input_px, card.input_px)


def test_stands_in_where_nothing_was_chosen(unreachable, capsys):
    assert load(store=unreachable).name == BUILTIN_MODEL
    said = capsys.readouterr()
    assert "the package's own is used" in said.out + said.err


@pytest.mark.parametrize("given", [{"name_or_path": DEFAULT_MODEL}, {"labels": "kinetics-600"}])
def test_never_stands_in_for_what_was_chosen(unreachable, given):
    with pytest.raises(DownloadError, match="name it builtin"):
        load(store=unreachable, **given)


def test_stands_in_where_nothing_can_be_saved(unreachable, tmp_path):
    (tmp_path / "file").touch()
    unreachable.cache = tmp_path / "file" / "cache"
    with pytest.raises(ModelError, match="cannot be saved"):
        load(DEFAULT_MODEL, store=unreachable)
    assert load(store=unreachable).name == BUILTIN_MODEL


def test_never_stands_in_where_no_download_was_asked_for(unreachable):
    with pytest.raises(ModelError, match="is not on this machine"):
        load(store=unreachable, pull=False)


def test_short_names():
    assert full_name("a0") == DEFAULT_MODEL
    assert {full_name(name) for name in ("a0", "a1", "a2")} < set(catalogue())
    assert full_name("builtin") == "builtin"


def test_one_that_is_not_whole_is_a_fault_and_never_used(broken_builtin, unreachable):
    [result] = unreachable.verify(BUILTIN_MODEL)
    assert (result.status, result.usable) == (broken_builtin, False)
    assert "install movinet-edge again" in (result.remedy or "")
    assert unreachable.find(BUILTIN_MODEL) is None
    for pull in (True, False):
        with pytest.raises(ModelError) as told:
            unreachable.get(BUILTIN_MODEL, pull=pull)
        assert str(result.path) in str(told.value)
        assert str(told.value).endswith(f"; {result.remedy}")
        assert "\n" not in str(told.value)
    with pytest.raises(ModelError, match="install movinet-edge again"):
        unreachable.pull(BUILTIN_MODEL)


def test_no_other_file_is_taken_for_it(broken_builtin, tmp_path):
    store = ModelStore(cache=tmp_path / "cache", search=[BUNDLED_FOLDER])
    assert store.find(BUILTIN_MODEL) is None
    [result] = store.verify(BUILTIN_MODEL)
    assert result.status == broken_builtin


def test_one_that_is_not_whole_never_stands_in(broken_builtin, unreachable):
    with pytest.raises(DownloadError, match=r"could not be downloaded[\s\S]*cannot stand in: builtin is"):
        load(store=unreachable)


def test_an_hour_of_stream_gives_the_scores_of_its_last_seconds():
    model = load(BUILTIN_MODEL)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (40, *model.size_px, 3), np.uint8)
    shown = random.integers(0, len(pictures), HOUR_FRAMES)
    hour = model.new_state(window=WINDOW)
    for number in shown:
        scores = model.step(pictures[number], hour)
    fresh = model.new_state(window=WINDOW)
    for number in shown[-WINDOW - LOOK_BACK_FRAMES :]:
        anew = model.step(pictures[number], fresh)
    np.testing.assert_allclose(scores, anew, atol=1e-4)
