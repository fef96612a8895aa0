"""The curve of scores: what is in it, relative to the start, and that it never grows without end."""

import json
from itertools import pairwise

import pytest
from video_packets import event

from movinet_edge.evidence import ScoreCurve


def test_times_count_from_the_start():
    curve = ScoreCurve(0.5, 0.3, [(8.0, 0.1), (9.0, 0.2)])
    curve.add(10.0, 0.61234567)
    stop = event(event_type="stop")
    found = json.loads(curve.to_json(stop))
    assert found["times_s"] == [-2.0, -1.0, 0.0]
    assert found["scores"] == [0.1, 0.2, 0.6123]
    assert (found["on"], found["off"], found["started_s"], found["ended_s"]) == (0.5, 0.3, 0.0, 2.0)
    assert (found["id"], found["stream"], found["action"]) == (stop.id, "porch", "waving")


@pytest.mark.parametrize("count", [4000, 4001, 50_000])
def test_a_long_curve_loses_points_and_keeps_its_ends(count):
    curve = ScoreCurve(0.5, 0.3)
    for index in range(count):
        curve.add(float(index), 0.5)
    times_s = json.loads(curve.to_json(event(event_type="stop", started_s=0.0)))["times_s"]
    assert 1900 <= len(times_s) <= 4000
    assert times_s[0] == 0.0
    assert count - times_s[-1] <= count / 1000
    gaps = {b - a for a, b in pairwise(times_s)}
    assert max(gaps) <= 2 * min(gaps)
