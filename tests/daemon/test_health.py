"""The figures of a stream: rates, counts that go on over reconnects, and plugins that say nonsense."""

import math
import threading

import pytest
from coloured_scenes import PATIENCE_S, ScriptedSource
from hypothesis import given
from hypothesis import strategies as st

from movinet_edge.api import SourceInfo
from movinet_edge.daemon.health import Rate, StreamMeter


def rate_of(*marks):
    rate = Rate()
    for now_s, total in marks:
        rate.mark(now_s, total)
    return rate


@pytest.mark.parametrize(
    ("marks", "now_s", "per_s"),
    [
        ([], 10.0, None),
        ([(10.0, 1)], 10.0, None),
        ([(0.0, 0), (1.0, 5)], 1.0, 5.0),
        ([(0.0, 0), (1.0, 5), (2.0, 10)], 2.9, 5.0),  # between two marks nothing has changed
        ([(0.0, 0), (1.0, 5), (2.0, 10)], 10.0, 1.0),  # but a pause counts
        ([(0.0, 0), (1.0, 5), (2.0, 10)], 31.5, 0.0),  # and is all that there is at last
        ([(0.0, 0), (1.0, 5)], 1e6, 0.0),
        ([(0.0, 0), (100.0, 100), (110.0, 600)], 110.0, 50.0),  # only the last half minute counts
        ([(1.0, 3), (1.0, 4)], 1.0, None),
        ([(0.0, 0), (1e-308, 2)], 0.0, None),  # less than a clock counts
    ],
)
def test_a_rate_is_of_the_last_half_minute(marks, now_s, per_s):
    assert rate_of(*marks).per_s(now_s) == per_s


@given(st.floats(0.5, 30.0), st.integers(20, 400))
def test_a_steady_rate_is_told_as_it_is(fps, frames):
    rate = rate_of(*((number / fps, number) for number in range(frames)))
    assert rate.per_s((frames - 1) / fps) == pytest.approx(fps)


@given(st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(0, 50)), max_size=60), st.floats(0.0, 100.0))
def test_a_rate_is_never_below_zero_nor_infinite(steps, pause_s):
    rate, now_s, total = Rate(), 0.0, 0
    for after_s, more in steps:
        now_s, total = now_s + after_s, total + more
        rate.mark(now_s, total)
    per_s = rate.per_s(now_s + pause_s)
    assert per_s is None or (per_s >= 0.0 and math.isfinite(per_s))


class Described(ScriptedSource):
    def __init__(self, frames_read=0, cpu_s=None):
        super().__init__([])
        self.frames_read = frames_read
        self.info = SourceInfo(codec="h264", width_px=640, height_px=360, fps=15.0, cpu_s=cpu_s)


def test_counts_go_on_over_all_readers():
    meter, first, second = StreamMeter(), Described(7, cpu_s=1.0), Described(0, cpu_s=0.0)
    meter.opened(first)
    assert meter.frames_read == 7
    meter.closed(first)
    assert meter.frames_read == 7
    meter.opened(second)
    second.frames_read = 3
    assert meter.frames_read == 10


def test_what_a_reader_counted_that_hangs_is_kept_and_never_counted_twice():
    meter, hanging, second = StreamMeter(), Described(100), Described(2)
    meter.opened(hanging)
    meter.opened(second)  # while the first has not ended
    assert meter.frames_read == 102
    meter.closed(hanging)
    meter.closed(hanging)
    assert meter.frames_read == 102
    meter.closed(second)
    meter.closed(second)
    assert meter.frames_read == 102


def test_rates_and_the_share_of_a_core_go_on_over_a_reconnect():
    meter = StreamMeter()
    for number in range(2):
        source = Described()
        meter.opened(source)
        for step in range(1, 11):
            source.frames_read = 5 * step
            source.info = source.info.model_copy(update={"cpu_s": 0.25 * step})
            meter.frame(10.0 * number + step, source)
        meter.closed(source)
    health = meter.health(20.0, frame_s=19.5)
    assert (health.read, health.fps_in, health.source_cpu, health.frame_age_s) == (100, 5.0, 0.25, 0.5)
    assert health.fps_given == 1.0, "of five that come, one is handed over"
    assert health.source.codec == "h264", "what the video is does not change because it is closed"


def test_a_frame_of_another_reader_is_not_counted():
    meter, now, before = StreamMeter(), Described(1), Described(1000)
    meter.opened(now)
    for step in range(3):
        meter.frame(float(step), before)
    assert meter.health(3.0, frame_s=None).fps_in is None


def test_the_time_of_the_model():
    meter = StreamMeter()
    assert (meter.health(0.0, frame_s=None).inference_p50_ms, meter.health(0.0, frame_s=None).fps_scored) == (
        None,
        None,
    )
    for number in range(101):
        meter.scored(number / 5, number, number / 1000)
    health = meter.health(20.0, frame_s=None)
    assert (health.inference_p50_ms, health.inference_p95_ms, health.fps_scored) == (50.0, 95.0, 5.0)


@pytest.mark.parametrize("nonsense", [None, "many", float("nan"), RuntimeError("no")], ids=repr)
def test_a_plugin_that_says_nonsense_costs_figures_alone(nonsense):
    class Nonsense(ScriptedSource):
        @property
        def frames_read(self):
            return self.say()

        @frames_read.setter
        def frames_read(self, value):
            pass

        @property
        def info(self):
            return self.say()

        @staticmethod
        def say():
            if isinstance(nonsense, Exception):
                raise nonsense
            return nonsense

    meter, source = StreamMeter(), Nonsense([])
    meter.opened(source)
    meter.frame(1.0, source)
    assert (meter.frames_read, meter.health(2.0, frame_s=1.0).source) == (0, None)
    meter.closed(source)


def test_a_source_whose_description_hangs_holds_up_nobody_who_asks_for_figures():
    release, asked = threading.Event(), threading.Event()

    class Hanging(ScriptedSource):
        @property
        def info(self):
            asked.set()
            release.wait(PATIENCE_S)

    meter, source = StreamMeter(), Hanging([])
    meter.opened(source)
    thread = threading.Thread(target=meter.frame, args=(1.0, source), daemon=True)
    thread.start()
    try:
        assert asked.wait(PATIENCE_S)
        assert meter.health(2.0, frame_s=1.0).frame_age_s == 1.0
        assert thread.is_alive()
    finally:
        release.set()
    thread.join(PATIENCE_S)
