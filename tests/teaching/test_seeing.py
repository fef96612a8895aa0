"""What is kept of a recording: windows of the right moments, made as a running stream makes them."""

import numpy as np
import pytest

from movinet_edge.api import SourceError
from movinet_edge.heads import centred_logits
from movinet_edge.teaching.examples import Example, Span
from movinet_edge.teaching.looks import AS_IT_IS, Look
from movinet_edge.teaching.seeing import Signals, see


def example(path, *spans):
    return Example(str(path), spans or (Span("x"),), path.name)


def test_windows_lie_within_their_span_once_it_has_settled(clip, trunk):
    path = clip("a.mkv", ("grey", 3), ("blue", 3))
    first, second = see(example(path, Span("no", 0, 3), Span("yes", 3)), trunk, Signals(), [AS_IT_IS])
    assert (first.span, second.span) == (0, 1)
    # Where both hold, at 3 s, nothing is certain.
    assert first.times_s == pytest.approx([0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8])
    assert second.times_s == pytest.approx([3.4, 3.8, 4.2, 4.6, 5.0, 5.4, 5.8])


def test_a_row_is_what_a_stream_that_has_run_on_shows(clip, trunk):
    path = clip("long.mkv", ("grey", 2), ("blue", 3))
    (seen,) = see(example(path, Span("x", 4.3)), trunk, Signals(windows=(2, 5)), [AS_IT_IS])
    state = trunk.new_state()
    contributions = []
    # Nine frames backwards, then the recording: five frames a second of ten.
    order = [*range(9, 0, -1), *range(25)]
    frames = [frame for _, frame in sorted(_frames(path).items())]
    rows = {}
    for place, index in enumerate(order):
        scores = trunk.step(frames[2 * index].image, state)
        contributions.append(state.contribution)
        means = [np.mean(contributions[-window:], axis=0) for window in (2, 5)]
        rows[place - 9] = np.concatenate([*means, centred_logits(scores)])
    assert seen.times_s == pytest.approx([4.8])
    np.testing.assert_allclose(seen.rows[0], rows[24], atol=1e-4)


def _frames(path):
    from movinet_edge.api import FrameRequest
    from movinet_edge.teaching.seeing import open_source

    source = open_source(example(path))
    frames = {frame.time_s: frame for frame in source.frames(FrameRequest(None, lambda *_: (32, 32)))}
    source.close()
    return frames


def test_a_slower_look_has_more_windows(clip, trunk):
    path = clip("a.mkv", ("grey", 4))
    seen = see(example(path), trunk, Signals(), [AS_IT_IS, Look(speed=0.8), Look(speed=1.25)])
    usual, slow, fast = (len(one.times_s) for one in seen)
    assert fast < usual < slow


def test_a_long_span_keeps_windows_from_all_of_it(clip, trunk):
    path = clip("long.mkv", ("grey", 60))
    (seen,) = see(example(path), trunk, Signals(), [AS_IT_IS])
    assert 30 <= len(seen.times_s) <= 60
    assert seen.times_s[-1] > 57
    assert np.ptp(np.diff(seen.times_s)) < 0.01


def test_what_is_too_short_gives_nothing(clip, trunk):
    assert see(example(clip("short.mkv", ("grey", 0.3))), trunk, Signals(), [AS_IT_IS]) == []


def test_progress_is_told_in_seconds(clip, trunk):
    told = []
    see(example(clip("a.mkv", ("grey", 2))), trunk, Signals(), [AS_IT_IS], progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.9)


def test_what_is_no_video_is_said(tmp_path, trunk):
    path = tmp_path / "a.mp4"
    path.write_text("no video")
    with pytest.raises(SourceError, match=r"a\.mp4"):
        see(example(path), trunk, Signals(), [AS_IT_IS])


def test_a_live_stream_is_looked_at_for_a_while(start_rtsp, trunk):
    camera = start_rtsp()
    live = Example(camera.url(), (Span("background"),), "camera", seconds=2.0)
    (seen,) = see(live, trunk, Signals(), [AS_IT_IS])
    assert 3 <= len(seen.times_s) <= 5
    assert seen.times_s[-1] <= 2.0
