"""What is said to help a stream, and that nothing is said when all is well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import SourceInfo, StreamHealth
from movinet_edge.daemon.advice import advice

SUB_STREAM = SourceInfo(codec="h264", width_px=640, height_px=360, fps=5.0)
MAIN_STREAM = SourceInfo(codec="h264", width_px=1920, height_px=1080, fps=25.0)


def health(**figures):
    return StreamHealth(**{"fps_in": 5.0, "fps_scored": 5.0, "fps_wanted": 5.0, "source": SUB_STREAM, **figures})


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"fps_scored": 4.0},  # a fifth less is no news
        {"fps_wanted": None, "fps_scored": 0.5},  # every frame was asked for, however few there are
        {"fps_scored": None},
        {"source": None, "fps_in": 100.0},
        {"source": SourceInfo()},
        {"fps_in": 15.0},
        {"source": SourceInfo(width_px=640, height_px=360), "fps_in": 60.0},
        {"source": SourceInfo(width_px=1280, height_px=720, fps=25.0), "fps_in": 3.0, "fps_wanted": 3.0},
    ],
    ids=str,
)
def test_nothing_to_say(figures):
    assert advice(health(**figures)) == []


def test_a_camera_that_gives_too_little():
    (said,) = advice(health(fps_in=2.0, fps_scored=2.0))
    assert said == (
        "only 2.0 of 5 frames per second are scored, because the source gives 2.0: set the camera to 5 or more"
    )


def test_a_source_that_cannot_use_what_comes():
    (said,) = advice(health(fps_in=25.0, fps_given=1.0, fps_scored=1.0))
    assert "only 1.0 of 5 frames per second are scored, because the source can use only 1.0 of those that come" in said
    assert "`keyframes_only:`" in said
    assert "engine" not in said


@pytest.mark.parametrize("fps_given", [None, 4.0, 25.0])
def test_an_engine_that_cannot_keep_up(fps_given):
    (said,) = advice(health(fps_given=fps_given, fps_scored=3.9))
    assert "only 3.9 of 5 frames per second are scored, because the engine cannot keep up" in said
    for remedy in ("fewer streams", "`fps:`", "smaller model", "`threads:`"):
        assert remedy in said


def test_a_main_stream_where_a_sub_stream_would_do():
    (said,) = advice(health(source=MAIN_STREAM, fps_in=25.0, source_cpu=0.345))
    assert said == (
        "decoding 1920×1080 at 25 frames per second takes 34 % of a core, and is far more than the model looks at; "
        "a sub-stream of 640×360 at 5 would cost about 2 % of that"
    )


def test_before_frames_came_the_video_is_taken_at_its_word():
    (said,) = advice(health(source=MAIN_STREAM, fps_in=None, fps_scored=None))
    assert said.startswith("decoding 1920×1080 at 25 frames per second is far more")


def test_the_pace_comes_before_the_cost():
    pace, cost = advice(health(source=MAIN_STREAM, fps_in=25.0, fps_scored=1.0))
    assert "keep up" in pace
    assert "sub-stream" in cost


FIGURE = st.none() | st.floats(0.0, 1e4)
SIZE = st.none() | st.integers(0, 10_000)


@given(
    st.builds(
        StreamHealth,
        fps_in=FIGURE,
        fps_given=FIGURE,
        fps_scored=FIGURE,
        fps_wanted=FIGURE,
        source_cpu=FIGURE,
        source=st.none() | st.builds(SourceInfo, width_px=SIZE, height_px=SIZE, fps=FIGURE, codec=st.none()),
    )
)
def test_whatever_the_figures_are_there_is_at_most_one_sentence_of_each_kind(figures):
    said = advice(figures)
    assert len(said) <= 2
    assert all("None" not in sentence and "nan" not in sentence and "inf" not in sentence for sentence in said)
