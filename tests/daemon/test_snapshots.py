"""Pictures of what was seen: the right frame, of the right size, bounded in number, and never in the way."""

import stat

import cv2
import numpy as np
import pytest
from coloured_scenes import FPS, QUICK, feed, make_pipeline, picture, scene, stream_settings
from structlog.testing import capture_logs

from movinet_edge.api import EventType, Frame, StopReason
from movinet_edge.daemon import snapshots as snapshots_module
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list


@pytest.fixture
def pipeline(model, tmp_path):
    def _pipeline(**changes):
        settings = stream_settings(**{"snapshot": {"width": 64, "quality": 90}} | changes)
        watch = watch_list(settings.actions, settings.all_labels, model.labels)
        return build_pipeline("porch", settings, model, watch, state_dir=tmp_path)

    return _pipeline


def mean_rgb(path):
    return cv2.imread(path)[:, :, ::-1].reshape(-1, 3).mean(axis=0)


def numbered(frames):
    """The frames with their number in the amount of green."""
    images = [np.maximum(frame.image, np.uint8([0, 3 * index, 0])) for index, frame in enumerate(frames)]
    return [Frame(image, frame.time_s) for image, frame in zip(images, frames, strict=True)]


def number(path):
    return round(mean_rgb(path)[1] / 3)


def test_a_start_shows_the_frame_that_decided_it_and_a_stop_the_peak(pipeline, tmp_path):
    frames = numbered(scene(("black", 1), ("red", 1), ("black", 2)))
    made, scores, events = pipeline(), [], []
    for frame in frames:
        events += made.feed(frame)
        scores.append(float(made.detector.smoothed[0]))
    assert [event.event_type for event in events] == [EventType.START, EventType.STOP]
    start, stop = events
    assert start.snapshot == str(tmp_path / "snapshots" / "porch" / f"{start.id}-start.jpg")
    assert number(start.snapshot) == round(start.time_s * FPS)
    assert number(stop.snapshot) == int(np.argmax(scores)) != number(start.snapshot)
    assert stat.S_IMODE((tmp_path / "snapshots" / "porch").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("size_px", "asked_px", "kept_px"),
    [((160, 120), (64, 48), (64, 48)), ((32, 24), (32, 24), (32, 24)), ((640, 16), (64, 12), (64, 2))],
)
def test_a_source_is_asked_for_what_the_model_and_the_snapshot_need(pipeline, size_px, asked_px, kept_px):
    made = pipeline()
    assert made.request.size_for(*size_px) == asked_px
    frames = [Frame(picture("red", size_px), index / FPS) for index in range(3)]
    (start,) = feed(made, frames)
    image = cv2.imread(start.snapshot)
    assert (image.shape[1], image.shape[0]) == kept_px


@pytest.mark.parametrize("colour", ["rgb", "bgr", "rgba", "bgra", "grey"])
def test_colours_come_out_right(pipeline, colour):
    red = {"rgb": (255, 0, 0), "bgr": (0, 0, 255), "rgba": (255, 0, 0, 255), "bgra": (0, 0, 255, 255), "grey": (200,)}
    image = np.full((24, 32, len(red[colour])), red[colour], np.uint8)
    made = pipeline(actions={"any": {"labels": ["*"], **QUICK}})
    (start,) = feed(made, [Frame(image, index / FPS, colour) for index in range(3)])
    expected = (200, 200, 200) if colour == "grey" else (255, 0, 0)
    assert mean_rgb(start.snapshot) == pytest.approx(expected, abs=12)


def test_what_is_open_at_the_end_has_its_peak_too(pipeline):
    made = pipeline()
    feed(made, scene(("black", 1), ("red", 1)))
    (stop,) = made.end(StopReason.SHUTDOWN)
    assert mean_rgb(stop.snapshot) == pytest.approx([255, 0, 0], abs=12)


def test_only_the_newest_are_kept(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots_module, "_MOST_KEPT", 3)
    events = feed(pipeline(), scene(*[("red", 1), ("black", 2)] * 4))
    kept = {str(path) for path in (tmp_path / "snapshots" / "porch").iterdir()}
    assert len(kept) == 3
    assert events[-1].snapshot in kept


def test_a_folder_that_cannot_be_written_costs_the_picture_alone(pipeline, tmp_path):
    (tmp_path / "snapshots").write_text("in the way")
    with capture_logs() as logs:
        events = feed(pipeline(), scene(*[("red", 1), ("black", 2)] * 2))
    assert [event.event_type for event in events] == [EventType.START, EventType.STOP] * 2
    assert {event.snapshot for event in events} == {None}
    assert [log["log_level"] for log in logs if log["event"] == "snapshot not written"] == ["error", *["debug"] * 3]


def test_nobody_takes_pictures_unasked(model, tmp_path):
    made = make_pipeline(model)
    events = feed(made, scene(("red", 1), ("black", 2)))
    assert {event.snapshot for event in events} == {None}
    assert made.request.size_for(640, 480) == (12, 12)
    assert list(tmp_path.iterdir()) == []
