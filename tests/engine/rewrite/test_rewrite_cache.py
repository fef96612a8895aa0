"""The cache: proved once, found again, and never a file that is not what it was when it was proved."""

import dataclasses
import os
import time

import pytest
from small_graphs import SmallSpec, small_movinet
from structlog.testing import capture_logs

from movinet_edge.engine.rewrite import RewriteCache, RewriteRefused, cache
from movinet_edge.engine.rewrite.writing import write_graph


@pytest.fixture(scope="module")
def content():
    return write_graph(small_movinet(SmallSpec(half=True)), "serving_default")


class Proofs:
    """Counts self-tests."""

    def __init__(self):
        self.seen = []

    def __call__(self, rewritten):
        self.seen.append(rewritten)


def refuse(_):
    raise RewriteRefused("self-test: it is wrong")


def test_the_second_time_nothing_is_rewritten_or_proved(tmp_path, content):
    prove = Proofs()
    first = RewriteCache(tmp_path / "new" / "folder", "LiteRT 2.3.0").optimised(content, prove)
    second = RewriteCache(tmp_path / "new" / "folder", "LiteRT 2.3.0").optimised(content, prove)
    assert prove.seen == [first]
    assert second == dataclasses.replace(first, reference=None)


@pytest.mark.parametrize("suffix", [".tflite", ".notes"])
@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_what_was_damaged_is_made_anew(tmp_path, content, suffix, damage):
    kept, prove = RewriteCache(tmp_path, "LiteRT"), Proofs()
    kept.optimised(content, prove)
    (file,) = tmp_path.glob(f"*{suffix}")
    file.unlink() if damage is None else file.write_bytes(damage)
    kept.optimised(content, prove)
    kept.optimised(content, prove)
    assert len(prove.seen) == 2


@pytest.mark.parametrize("suffix", [".tflite", ".notes"])
def test_one_bit_is_enough_to_make_it_anew(tmp_path, content, suffix):
    """A number of the plan that is still a number would be believed otherwise."""
    kept, prove = RewriteCache(tmp_path, "LiteRT"), Proofs()
    expected = kept.optimised(content, prove)
    (file,) = tmp_path.glob(f"*{suffix}")
    damaged = file.read_bytes().replace(b'"channels":1', b'"channels":3', 1) if suffix == ".notes" else None
    damaged = damaged or bytes([*file.read_bytes()[:-1], file.read_bytes()[-1] ^ 1])
    assert damaged != file.read_bytes()
    file.write_bytes(damaged)
    with capture_logs() as logs:
        found = kept.optimised(content, prove)
    assert found.plan == expected.plan
    assert (len(prove.seen), len(logs)) == (2, 1)


def test_old_forms_of_changed_models_are_not_kept_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_MOST_KEPT", 2)
    kept, prove = RewriteCache(tmp_path, "LiteRT"), Proofs()
    models = [write_graph(small_movinet(SmallSpec(half=True)), f"key_{number}") for number in range(4)]
    for age_s, content in zip((400, 300, 200, 100), models, strict=True):
        kept.optimised(content, prove)
        (newest,) = (path for path in tmp_path.glob("*.tflite") if path.stat().st_mtime > time.time() - 60)
        os.utime(newest, (time.time() - age_s,) * 2)
    assert len(list(tmp_path.iterdir())) == 4, "two models with their notes"
    for content in models[2:]:
        kept.optimised(content, prove)
    assert len(prove.seen) == 4


def test_another_runtime_or_version_proves_again_and_takes_the_place(tmp_path, content, monkeypatch):
    prove = Proofs()
    RewriteCache(tmp_path, "LiteRT 2.3.0").optimised(content, prove)
    RewriteCache(tmp_path, "LiteRT 2.4.0").optimised(content, prove)
    monkeypatch.setattr(cache, "VERSION", 99)
    RewriteCache(tmp_path, "LiteRT 2.4.0").optimised(content, prove)
    assert len(prove.seen) == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_both_forms_of_a_float16_file_are_kept(tmp_path, content):
    kept, prove = RewriteCache(tmp_path, "LiteRT"), Proofs()
    for _ in range(2):
        kept.optimised(content, prove)
        kept.optimised(content, prove, quantise_float16=False)
    assert len(prove.seen) == 2


def test_what_fails_its_proof_is_not_kept(tmp_path, content):
    with pytest.raises(RewriteRefused, match="it is wrong"):
        RewriteCache(tmp_path, "LiteRT").optimised(content, refuse)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_costs_a_warning_only(tmp_path, content):
    (tmp_path / "file").write_text("in the way")
    with capture_logs() as logs:
        rewritten = RewriteCache(tmp_path / "file", "LiteRT").optimised(content, Proofs())
    assert rewritten.content
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert str(tmp_path / "file") in logs[0]["folder"]
