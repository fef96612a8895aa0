"""Heads of streams: one model for the streams that name the same heads, used again on a reload, and read anew."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from movinet_edge.config import StreamSettings
from movinet_edge.daemon.stream_heads import FittedHeads
from movinet_edge.heads import Head, HeadCard, Trunk, write_head
from movinet_edge.models.checksum import fingerprint
from movinet_edge.taught import TaughtModel


@pytest.fixture
def write(tmp_path, model):
    """Write a head for the toy; the path."""

    def make(name, bias=0.0):
        channels, labels = model.new_state().contribution.size, model.interface.classes
        trunk = Trunk(name="toy", sha256=fingerprint(model.path).sha256, classes=labels, channels=channels)
        card = HeadCard(name=name, classes=(name,), trunk=trunk, windows=(5,), fps=5.0, memory_window=25)
        pool, logits = np.zeros((1, 1, channels), np.float32), np.zeros((1, labels), np.float32)
        path = tmp_path / f"{name}.head.json"
        write_head(Head(card, pool, logits, np.full(1, bias, np.float32)), path)
        return str(path)

    return make


def stream(**more):
    """A stream's settings."""
    return StreamSettings.model_validate({"name": "hall", "source": {"type": "file"}, "all_labels": True, **more})


def test_streams_that_name_the_same_heads_share_them(model, write):
    fitted, names = FittedHeads(()), [write("a"), write("b")]
    both = fitted.on(model, names, stream())
    assert isinstance(both, TaughtModel)
    assert both.labels == (*model.labels, "a", "b")
    assert fitted.on(model, names, stream()) is both
    other = fitted.on(model, names[:1], stream())
    assert other is not both
    assert other.session is both.session is model.session
    assert fitted.on(model, [], stream()) is model


def test_a_reload_goes_on_with_what_is_the_same(model, write):
    path = write("a")
    before = FittedHeads(()).on(model, [path], stream())
    assert FittedHeads([model, before]).on(model, [path], stream()) is before
    write("a", bias=1.0)  # taught again
    after = FittedHeads([model, before]).on(model, [path], stream())
    assert after is not before


@pytest.mark.parametrize(
    ("settings", "window", "warnings"),
    [
        ({}, {}, []),
        ({"fps": 10}, {}, ["pace"]),
        ({"fps": "native"}, {}, ["pace"]),
        ({}, {"window": 16}, ["memory"]),
        ({}, {"memory": "cumulative"}, ["memory"]),
    ],
)
def test_another_pace_or_memory_is_told(model, write, settings, window, warnings):
    with capture_logs() as log:
        FittedHeads(()).on(model, [write("a")], stream(**settings)).new_state(**window)
    told = [entry["event"] for entry in log if entry["log_level"] == "warning"]
    assert [any(word in event for event in told) for word in warnings] == [True] * len(warnings)
    assert len(told) == len(warnings)


def test_heads_of_several_streams_on_one_inference_do_not_mix(model, write):
    taught = FittedHeads(()).on(model, [write("a", bias=-1.0)], stream())
    picture = np.zeros((*model.size_px[::-1], 3), np.uint8)
    scores = [taught.step(picture, taught.new_state())[-1] for _ in range(2)]
    assert scores == pytest.approx([1 / (1 + np.e)] * 2)
