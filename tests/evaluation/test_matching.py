"""Pairs of reported and real occurrences, and the figures from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.evaluation.figures import figures
from movinet_edge.evaluation.intervals import Found, Interval, overlap
from movinet_edge.evaluation.matching import match


def real(start_s, end_s, action="fall", video="a.mp4"):
    return Interval(video, start_s, end_s, action)


def told(start_s, end_s, action="fall", video="a.mp4", decided_s=None):
    return Found(video, action, start_s, end_s, start_s + 1.0 if decided_s is None else decided_s, 0.9)


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (real(0, 10), told(0, 10), 1.0),
        (real(0, 10), told(5, 15), 1 / 3),
        (real(0, 10), told(2, 4), 0.2),
        (real(0, 10), told(10, 12), 0.0),
        (real(0, 10), told(11, 12), 0.0),
        (real(3, 3), told(3, 3), 1.0),
    ],
)
def test_overlap(one, other, share):
    assert overlap(one, other) == pytest.approx(share)


@pytest.mark.parametrize(("start_s", "end_s"), [(2, 1), (-1, 1), (0, float("inf")), (float("nan"), 1)])
def test_no_span_of_time(start_s, end_s):
    with pytest.raises(ValueError, match="no span of time"):
        real(start_s, end_s)


def test_the_best_overlap_is_paired_first():
    matching = match([real(0, 10), real(9, 20)], [told(8, 20)], 0.05)
    assert [pair.truth for pair in matching.matches] == [real(9, 20)]
    assert matching.missed == (real(0, 10),)
    assert matching.false == ()


def test_a_second_report_of_the_same_is_false():
    matching = match([real(0, 10)], [told(0, 5), told(5, 10)], 0.3)
    assert (len(matching.matches), len(matching.false), len(matching.missed)) == (1, 1, 0)


@pytest.mark.parametrize("other", [{"action": "walk"}, {"video": "b.mp4"}])
def test_another_action_or_video_is_no_match(other):
    matching = match([real(0, 10)], [told(0, 10, **other)], 0.3)
    assert not matching.matches


spans = st.tuples(st.floats(0, 50), st.floats(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6), st.floats(0.05, 1.0))
def test_everything_is_counted_once(truth, found, least):
    truth, found = [real(*span) for span in truth], [told(*span) for span in found]
    matching = match(truth, found, least)
    assert sorted([pair.truth for pair in matching.matches] + list(matching.missed)) == sorted(truth)
    key = lambda finding: (finding.start_s, finding.end_s)  # noqa: E731
    assert sorted([pair.found for pair in matching.matches] + list(matching.false), key=key) == sorted(found, key=key)
    assert all(overlap(pair.truth, pair.found) >= least for pair in matching.matches)


def test_figures_of_a_day():
    truth = [real(10, 20), real(100, 110), real(50, 60, action="wave")]
    found = [told(11, 20, decided_s=12.5), told(300, 310)]
    fall, wave = figures(["fall", "wave"], truth, found, hours=0.5)
    assert [(c.overlap, c.right, c.false, c.missed) for c in fall.counts] == [(0.3, 1, 1, 1), (0.5, 1, 1, 1)]
    assert (fall.counts[0].precision, fall.counts[0].recall, fall.counts[0].f1) == (0.5, 0.5, 0.5)
    assert (fall.report_delay_s, fall.end_error_s, fall.false_per_hour) == (2.5, 0.0, 2.0)
    assert (wave.counts[0].precision, wave.counts[0].recall, wave.report_delay_s) == (None, 0.0, None)


def test_figures_need_some_video():
    with pytest.raises(ValueError, match="some video"):
        figures(["fall"], [], [], hours=0.0)
