"""The fast path of loading: rewritten, proved and kept; and whatever goes wrong, the untouched file runs."""

import dataclasses
import os

import numpy as np
import pytest
from structlog.testing import capture_logs
from toy_streams import SMALL, class_names, pictures, toy_file

from movinet_edge.api import ModelError
from movinet_edge.engine import FastPath, fast, load_model
from movinet_edge.engine import rewrite as rewriting
from movinet_edge.engine.rewrite import RewriteRefused, cache

FRAMES = pictures(SMALL, 6)


@pytest.fixture
def path(tmp_path):
    """A model that can be rewritten."""
    return toy_file(SMALL, tmp_path)


@pytest.fixture
def folder(tmp_path):
    """Where rewritten files are kept."""
    return tmp_path / "cache" / "rewritten"


def load(path, folder=None, **settings):
    """The model, and what was logged meanwhile."""
    with capture_logs() as logs:
        model = load_model(path, labels=class_names(SMALL.classes), cache=folder, **settings)
    return model, logs


def scores(model):
    state = model.new_state(window=3)
    return np.stack([model.step(frame, state) for frame in FRAMES])


@pytest.fixture
def proofs(monkeypatch):
    """Counts the self-tests, which run all the same."""
    seen = []
    run = rewriting.self_test
    monkeypatch.setattr(rewriting, "self_test", lambda *arguments: seen.append(1) or run(*arguments))
    return seen


def test_the_second_start_proves_nothing_and_scores_the_same(path, folder, proofs):
    first, logs = load(path, folder)
    second, more_logs = load(path, folder)
    assert first.fast == second.fast == FastPath(used=True)
    assert first.runtime.rewritten
    assert proofs == [1]
    assert not logs + more_logs
    np.testing.assert_array_equal(scores(first), scores(second))


def test_it_scores_as_the_untouched_file_does(path):
    np.testing.assert_allclose(scores(load(path)[0]), scores(load(path, fast=False)[0]), atol=1e-6)


def test_switched_off_it_does_nothing_and_says_nothing(path, folder):
    model, logs = load(path, folder, fast=False)
    assert (model.fast, model.runtime.rewritten, logs) == (fast.OFF, False, [])
    assert not folder.exists()


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (RewriteRefused("no pass found its pattern in this file"), "no pass found its pattern in this file"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (MemoryError(), "MemoryError: "),
        (ModuleNotFoundError("No module named 'x'"), "ModuleNotFoundError: No module named 'x'"),
    ],
)
@pytest.mark.parametrize("place", ["rewrite", "hosted_session", "read_signature"])
def test_whatever_goes_wrong_the_file_runs_as_it_is_and_the_reason_is_told_once(
    path, monkeypatch, failure, reason, place
):
    def fail(*_arguments, **_settings):
        raise failure

    monkeypatch.setattr(cache if place == "rewrite" else rewriting, place, fail)
    model, logs = load(path)
    assert model.fast == FastPath(used=False, reason=reason, refused=True)
    assert not model.runtime.rewritten
    assert [(log["log_level"], log["event"], log["reason"]) for log in logs] == [
        ("warning", "the model runs as it is, not rewritten for speed", reason)
    ]
    np.testing.assert_array_equal(scores(model), scores(load(path, fast=False)[0]))


def test_what_fails_its_self_test_is_neither_used_nor_kept(path, folder, monkeypatch):
    right = fast.SessionStream.logits
    wrong = iter(range(1, 10_000))
    monkeypatch.setattr(fast.SessionStream, "logits", lambda *arguments: right(*arguments) + next(wrong))
    model, logs = load(path, folder)
    assert model.fast.refused
    assert model.fast.reason.startswith("self-test: the rewritten graph changes a logit by")
    assert len(logs) == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize("suffix", [".tflite", ".notes"])
def test_a_damaged_file_of_the_cache_is_told_and_made_anew(path, folder, proofs, suffix):
    expected = scores(load(path, folder)[0])
    (kept,) = folder.glob(f"*{suffix}")
    kept.write_bytes(kept.read_bytes()[:-100])
    model, logs = load(path, folder)
    assert [log["event"] for log in logs] == ["a kept rewritten model is damaged, so it is made anew"]
    assert model.fast.used
    assert proofs == [1, 1]
    np.testing.assert_array_equal(scores(model), expected)
    assert not load(path, folder)[1]


def test_a_file_that_changes_under_its_name_is_another_model(path, folder, proofs):
    before = scores(load(path, folder)[0])
    toy_file(dataclasses.replace(SMALL, seed=SMALL.seed + 1), path.parent)
    changed, logs = load(path, folder)
    assert (changed.fast.used, logs, proofs) == (True, [], [1, 1])
    found = scores(changed)
    assert np.abs(found - before).max() > 1e-3
    np.testing.assert_allclose(found, scores(load(path, fast=False)[0]), atol=1e-6)


def test_others_may_speak_during_the_self_test(path, monkeypatch, capfd):
    right = fast.SessionStream.logits

    def speak(*arguments):
        os.write(2, b"spoken\n")
        assert capfd.readouterr().err == "spoken\n"
        return right(*arguments)

    monkeypatch.setattr(fast.SessionStream, "logits", speak)
    assert load(path)[0].fast.used
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_is_neither_read_nor_written(path, folder, proofs, mode):
    load(path, folder)
    before = sorted(folder.iterdir())
    folder.chmod(mode)
    model, logs = load(path, folder)
    assert f"chmod go-w {folder}" in logs[0]["reason"]
    assert (model.fast.used, len(logs), proofs) == (True, 1, [1, 1])
    assert sorted(folder.iterdir()) == before


def test_the_folder_and_its_files_are_for_their_owner_alone(path, folder):
    before = os.umask(0)
    try:
        load(path, folder)
    finally:
        os.umask(before)
    assert [entry.stat().st_mode & 0o077 for entry in (folder, *folder.iterdir())] == [0, 0, 0]


def test_what_is_no_model_is_refused_as_ever_and_without_a_word_about_speed(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_text("hello")
    with capture_logs() as logs, pytest.raises(ModelError, match="not a TFLite model"):
        load_model(path, labels=["a", "b"])
    assert not logs
