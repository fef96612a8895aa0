"""The `testpattern` source keeps the contract of every source, and draws what it says."""

from itertools import islice

import numpy as np
import pytest
from movinet_edge.api import FrameRequest
from movinet_edge.testing.sources import SourceContract

from movinet_edge_template.source import PatternSettings, PatternSource


class TestContract(SourceContract):
    source_class = PatternSource
    bad_settings = (
        ({"width_px": 0}, "width_px"),
        ({"fps": 0}, "fps"),
        ({"pace": "slow"}, "pace"),
        ({"duration": "soon"}, "duration"),
    )

    def make_source(self):
        return PatternSource(PatternSettings(duration="2s"))

    def make_waiting_source(self):
        return PatternSource(PatternSettings(pace="realtime", fps=0.01))


class TestEndlessFastContract(TestContract):
    """The same for a source that never waits, so that close() comes while it draws."""

    def make_waiting_source(self):
        return PatternSource(PatternSettings())


def take(request=None, count=100, **settings):
    return list(islice(PatternSource(PatternSettings(**settings)).frames(request or FrameRequest()), count))


def test_pictures_come_at_the_given_rate_and_size():
    frames = take(fps=4, duration="1s", width_px=64, height_px=48)
    assert [frame.time_s for frame in frames] == [0.0, 0.25, 0.5, 0.75]
    assert {frame.size_px for frame in frames} == {(64, 48)}


def test_the_square_moves():
    first, second = take(fps=1, count=2)
    assert not np.array_equal(first.image, second.image)


def test_only_what_is_looked_at_is_drawn_but_all_of_it_counts():
    source = PatternSource(PatternSettings(fps=10, duration="1s"))
    frames = list(source.frames(FrameRequest(fps=5, size_for=lambda width_px, height_px: (32, 24))))
    assert [frame.time_s for frame in frames] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert {frame.size_px for frame in frames} == {(32, 24)}
    assert source.frames_read == 10
