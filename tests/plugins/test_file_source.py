"""The `file` source against real files: sampling, several files, loops and pace."""

import threading
import time

import numpy as np
import pytest
from clips import quadrants, rotated, write_clip
from file_reading import indices, read, times
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from movinet_edge.api import FrameRequest, Sampler
from movinet_edge.testing.sources import SourceContract
from movinet_edge_plugins._video import Clock, Sieve, Video
from movinet_edge_plugins.file import FileSource


class TestContract(SourceContract):
    source_class = FileSource
    bad_settings = (
        ({}, "path"),
        ({"path": []}, "path"),
        ({"path": "a.mp4", "pace": "slow"}, "pace"),
        ({"path": "a.mp4", "loop": -1}, "loop"),
        ({"path": "a.mp4", "concat": "perhaps"}, "concat"),
    )

    @pytest.fixture(autouse=True)
    def _clip(self, tmp_path):
        self.clip = write_clip(tmp_path / "clip.mp4")
        self.slow = write_clip(tmp_path / "slow.mp4", times_s=[0.0, 120.0])

    def make_source(self):
        return FileSource(FileSource.Settings(path=self.clip))

    def make_waiting_source(self):
        return FileSource(FileSource.Settings(path=self.slow, pace="realtime"))


class TestEndlessFastContract(TestContract):
    """The same for a source that never waits, so that close() comes while it decodes."""

    def make_waiting_source(self):
        return FileSource(FileSource.Settings(path=self.clip, loop=True))


# Sampling


@pytest.mark.parametrize(
    ("clip_fps", "fps", "expected"),
    [
        (10, None, list(range(12))),
        (10, 5, [0, 2, 4, 6, 8, 10]),
        (10, 3, [0, 4, 7, 10]),
        (10, 30, list(range(12))),
        (30, 10, [0, 3, 6, 9]),
        (30000 / 1001, 5, [0, 6]),
    ],
)
def test_samples_by_timestamp(tmp_path, clip_fps, fps, expected):
    clip = write_clip(tmp_path / "clip.mp4", fps=clip_fps, frames=12)
    frames = read(clip, fps=fps)
    assert indices(frames) == expected
    assert times(frames) == [round(index / clip_fps, 3) for index in expected]


def test_variable_frame_rate_keeps_its_timestamps(tmp_path):
    stamps = [0.0, 0.1, 0.15, 0.5, 0.52, 1.0, 1.01, 2.0]
    clip = write_clip(tmp_path / "clip.mkv", times_s=stamps)
    assert times(read(clip)) == stamps
    assert times(read(clip, fps=5)) == [0.0, 0.5, 1.0, 2.0]


def test_clock_starts_at_zero_whatever_the_file_says(tmp_path):
    clip = write_clip(tmp_path / "clip.mkv", times_s=[7.0, 7.1, 7.2])
    assert times(read(clip)) == [0.0, 0.1, 0.2]


@pytest.mark.parametrize("fps", [1, 2, 3, 5, 7.5, 12, 24])
@pytest.mark.parametrize("clip_fps", [24, 30000 / 1001])
def test_undecoded_b_frames_change_nothing(tmp_path, clip_fps, fps):
    clip = write_clip(tmp_path / "clip.mp4", fps=clip_fps, frames=90, options={"bf": "3", "b-pyramid": "normal"})
    everything, sampler = read(clip), Sampler(fps)
    due = [frame for frame in everything if sampler.due(frame.time_s)]
    sampled = read(clip, fps=fps)
    assert times(sampled) == times(due)
    for one, other in zip(sampled, due, strict=True):
        assert np.array_equal(one.image, other.image)


def test_b_frames_are_really_left_undecoded(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", fps=24, frames=96, options={"bf": "3"})
    counts = []
    for fps in (None, 1):
        sieve = Sieve(fps)
        with Video(clip) as video:
            seen = [sieve.due(time_s) for time_s, _ in video.frames(sieve, start_s=0.0, stopped=lambda: False)]
        counts.append(len(seen))
    assert counts[0] == 96
    assert counts[1] < 60


@given(
    fps=st.floats(0.5, 60),
    start_s=st.floats(0, 1e6),
    frame_s=st.floats(1e-3, 0.5),
    jitter=st.lists(st.floats(-0.1, 0.1), min_size=100, max_size=100),
)
def test_a_frame_passed_over_ahead_is_never_due(fps, start_s, frame_s, jitter):
    sieve = Sieve(fps)
    for index, offset in enumerate(jitter):
        time_s = start_s + (index + offset) * frame_s
        ahead = sieve.passes_over(time_s, frame_s)
        assert not (sieve.due(time_s) and ahead)


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=60))
def test_clock_never_falls(stamps):
    clock = Clock(0.04)
    ticks = [clock.tick(stamp) for stamp in stamps]
    assert ticks == sorted(ticks)
    assert ticks[:1] in ([], [0.0])


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([5.0, 5.1, 5.2], [0.0, 0.1, 0.2]),
        ([None, None, None], [0.0, 0.1, 0.2]),
        ([None, 9.0, 9.1], [0.0, 0.1, 0.2]),
        ([3.0, None, 3.3], [0.0, 0.1, 0.3]),
        ([0.0, 0.2, 0.1, 0.3], [0.0, 0.2, 0.2, 0.3]),  # jitter
        ([8.0, 9.5, 0.0, 0.1], [0.0, 1.5, 1.6, 1.7]),  # the recording's clock began anew
    ],
)
def test_clock(stamps, expected):
    clock = Clock(0.1)
    assert [round(clock.tick(stamp), 6) for stamp in stamps] == expected


def test_raw_stream_without_timestamps(tmp_path):
    clip = write_clip(tmp_path / "clip.h264", fps=25, frames=25)
    assert times(read(clip, fps=5)) == [0.0, 0.2, 0.4, 0.6, 0.8]


# Pictures


def test_scales_to_the_asked_size_and_keeps_colours_in_place(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", size_px=(128, 96), frames=1, paint=quadrants, options={"crf": "1"})
    asked = []
    [frame] = read(clip, size_for=lambda width_px, height_px: asked.append((width_px, height_px)) or (32, 24))
    assert asked == [(128, 96)]
    assert frame.image.shape == (24, 32, 3)
    assert frame.colour == "rgb"
    assert np.abs(frame.image.astype(int) - quadrants(0, 32, 24)).mean() < 6


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path, degrees):
    clip = rotated(write_clip(tmp_path / "clip.mp4", frames=1, paint=quadrants, options={"crf": "1"}), degrees)
    expected = np.rot90(quadrants(0, 64, 48), -degrees // 90)
    asked = []
    [frame] = read(clip, size_for=lambda *size_px: asked.append(size_px) or size_px)
    assert asked == [(expected.shape[1], expected.shape[0])]
    assert frame.image.shape == expected.shape
    assert frame.image.flags.c_contiguous
    assert np.abs(frame.image.astype(int) - expected).mean() < 6


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [
        ("ffv1", "gray", "mkv"),
        ("ffv1", "gray16le", "mkv"),
        ("ffv1", "yuva420p", "mkv"),
        ("ffv1", "yuv420p10le", "mkv"),
        ("png", "rgba", "mov"),
        ("png", "rgb48be", "mov"),
        ("mjpeg", "yuvj420p", "avi"),
        ("rawvideo", "bgr24", "avi"),
        ("libx264", "yuv444p", "mkv"),
    ],
)
def test_every_kind_of_picture_becomes_rgb(tmp_path, codec, pix_fmt, suffix):
    clip = write_clip(tmp_path / f"clip.{suffix}", codec=codec, pix_fmt=pix_fmt, frames=16, size_px=(62, 46))
    frames = read(clip)
    assert indices(frames) == list(range(16))
    assert {(frame.image.dtype, frame.image.shape) for frame in frames} == {(np.dtype(np.uint8), (46, 62, 3))}


def test_size_may_change_in_the_middle(tmp_path):
    first = write_clip(tmp_path / "1.ts", frames=30, options={"g": "10"})
    second = write_clip(tmp_path / "2.ts", frames=30, size_px=(96, 80), options={"g": "10"})
    first.write_bytes(first.read_bytes() + second.read_bytes())
    frames = read(first)
    assert {frame.size_px for frame in frames} == {(64, 48), (96, 80)}
    assert times(frames) == sorted(times(frames))
    assert frames[-1].time_s > 5.0


def test_without_loop_filter_little_changes(clips_dir):
    clip = clips_dir / "torchvision_basketball.mp4"
    filtered, coarse = read(clip, fps=1), read(clip, fps=1, skip_loop_filter=True)
    assert times(filtered) == times(coarse)
    difference = [
        np.abs(one.image.astype(int) - other.image).mean() for one, other in zip(filtered, coarse, strict=True)
    ]
    assert 0 < max(difference) < 6


# Several files, rounds


def test_further_files_are_discontinuities_on_one_clock(tmp_path):
    write_clip(tmp_path / "clip10.mp4", frames=3)
    write_clip(tmp_path / "clip2.mp4", frames=4)
    (tmp_path / "notes.txt").write_text("not a video")
    frames = read(tmp_path)
    assert indices(frames) == [0, 1, 2, 3, 0, 1, 2]
    assert times(frames) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert [frame.discontinuity for frame in frames] == [False, False, False, False, True, False, False]


def test_concat_is_one_recording(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_clip(tmp_path / name, frames=5)
    frames = read(tmp_path / "*.mp4", fps=5, concat=True)
    assert times(frames) == [0.0, 0.2, 0.4, 0.6, 0.8]  # the grid goes on over the seam
    assert not any(frame.discontinuity for frame in frames)
    steps_s = np.diff([frame.wall_time_s for frame in frames])
    assert steps_s == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize(("loop", "rounds"), [(False, 1), (1, 1), (3, 3)])
def test_loop_counts_rounds(tmp_path, loop, rounds):
    frames = read(write_clip(tmp_path / "clip.mp4", frames=4), loop=loop)
    assert indices(frames) == [0, 1, 2, 3] * rounds
    assert times(frames) == [round(index / 10, 3) for index in range(4 * rounds)]
    assert sum(frame.discontinuity for frame in frames) == rounds - 1


def test_loop_true_goes_on(tmp_path):
    source = FileSource(FileSource.Settings(path=write_clip(tmp_path / "clip.mp4", frames=2), loop=True))
    frames = source.frames(FrameRequest())
    assert [round(next(frames).time_s, 3) for _ in range(50)] == [round(index / 10, 3) for index in range(50)]


def test_a_list_keeps_its_order_and_a_name_with_brackets_is_a_name(tmp_path):
    odd = write_clip(tmp_path / "cam [1].mp4", frames=2)
    (tmp_path / "sub").mkdir()
    write_clip(tmp_path / "sub" / "x.mp4", frames=1)
    assert indices(read([odd, tmp_path / "**" / "x.mp4"])) == [0, 1, 0]


def test_wall_time_starts_when_the_file_is_opened(tmp_path):
    before_s = time.time()
    frames = read(write_clip(tmp_path / "clip.mp4", frames=10))
    assert before_s <= frames[0].wall_time_s <= time.time()
    assert frames[9].wall_time_s - frames[0].wall_time_s == pytest.approx(0.9, abs=1e-3)


# Pace


def test_fast_is_not_live_and_realtime_is(tmp_path):
    assert FileSource(FileSource.Settings(path=tmp_path)).live is False
    assert FileSource(FileSource.Settings(path=tmp_path, pace="realtime")).live is True


def test_realtime_never_runs_ahead_of_the_clock(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", fps=20, frames=8)
    source = FileSource(FileSource.Settings(path=clip, pace="realtime", loop=2))
    start_s, count = None, 0
    for frame in source.frames(FrameRequest()):
        now_s = time.monotonic()
        start_s = now_s if start_s is None else start_s
        assert now_s - start_s >= frame.time_s - 0.02
        count += 1
    assert count == 16


# Real clips, and the one that comes with the project


def test_demo_clip_is_as_announced(demo_clip):
    frames = read(demo_clip, fps=5)
    assert len(frames) == 45 * 5
    assert frames[0].size_px == (320, 240)
    assert demo_clip.stat().st_size < 600_000


def test_all_clips_are_read_to_their_end(clips_dir):
    for clip in sorted(clips_dir.glob("*.m[pk][4v]")):
        with capture_logs() as logs:
            frames = read(clip, fps=1, size_for=lambda *_: (32, 32))
        assert len(frames) >= 4, clip
        assert logs == [], clip


def test_two_threads_may_read_two_sources_of_one_file(demo_clip):
    results = []
    threads = [threading.Thread(target=lambda: results.append(len(read(demo_clip, fps=5)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [225, 225]
