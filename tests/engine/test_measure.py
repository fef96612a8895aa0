"""Timing ways in turn, and what several streams cost: the order of the runs, and figures that fit together."""

import numpy as np
import pytest
from structlog.testing import capture_logs
from toy_model import Block, ToySpec, write

from movinet_edge.engine import load_model, runtime
from movinet_edge.engine.measure import first_frame_ms, measure, measure_streams, measure_threads
from movinet_edge.engine.measure_rows import Timing, in_turn
from movinet_edge.engine.rewrite import hosting


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A model."""
    return write(
        ToySpec(size_px=32, classes=4, head=8, blocks=(Block(4, (3,)),)), tmp_path_factory.mktemp("m") / "t.tflite"
    )


@pytest.fixture(scope="module")
def model(path):
    return load_model(path, labels=("a", "b", "c", "d"))


@pytest.mark.parametrize(("frames", "rows"), [(1, 1), (20, 1), (21, 2)])
def test_ways_take_turns_row_by_row(frames, rows):
    order = []
    found = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, frames)
    assert {name: times_ms.shape for name, times_ms in found.items()} == {"a": (rows, 20), "b": (rows, 20)}
    assert "".join(order) == ("a" * 23 + "b" * 23) * rows
    assert all((times_ms >= 0).all() for times_ms in found.values())


def test_a_timing_is_made_of_percentiles():
    found = Timing.of("way", np.arange(101.0).reshape(1, 101))
    assert found == Timing("way", 50.0, 95.0, 99.0)


def test_one_measurement(model):
    found = measure(model, frames=20)
    assert found.frames == 20
    assert [timing.name.partition(":")[0] for timing in found.timings] == [
        "step",
        "step_tensor",
        "runtime's bare run",
        "official example's loop",
    ]
    assert found.speedup > 0
    assert found.streams_per_core == pytest.approx(200 / found.timings[0].p50_ms)


@pytest.mark.parametrize("compiled", [True, False], ids=["CompiledModel", "interpreter"])
@pytest.mark.parametrize("fast", [True, False], ids=["rewritten", "as it is"])
def test_whatever_runs_the_model_has_a_bare_run(path, monkeypatch, compiled, fast):
    for module in (runtime, hosting):
        monkeypatch.setattr(module, "why_not_compiled_model", lambda: None if compiled else "it would end the process")
    with capture_logs():
        model = load_model(path, labels=("a", "b", "c", "d"), fast=fast)
    assert (model.runtime.name, model.runtime.rewritten) == ("LiteRT" if compiled else "LiteRT interpreter", fast)
    assert all(timing.p50_ms > 0 for timing in measure(model, frames=1).timings)


def test_the_first_frame(model):
    assert first_frame_ms(model) > 0


def test_threads_by_name(model):
    assert [timing.name for timing in measure_threads({1: model, 3: model}, frames=20)] == ["1 thread", "3 threads"]


def test_streams_beside_one(model):
    found = measure_streams(model, streams=3, frames=20)
    assert found.streams == 3
    assert 0 < found.ratio < 10
    assert found.megabytes is not None


def test_one_stream_has_no_further_ones(model):
    assert measure_streams(model, streams=1, frames=20).megabytes is None
