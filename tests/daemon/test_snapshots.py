"""Pictures of what was seen: the right frame, of the right size and colour, and never in the way."""

import stat
from datetime import UTC

import cv2
import numpy as np
import pytest
from coloured_scenes import FPS, QUICK, feed, make_pipeline, picture, scene, stream_settings
from structlog.testing import capture_logs

from movinet_edge.api import EventType, Frame, StopReason
from movinet_edge.daemon.evidence_writer import EvidenceWriter
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.evidence import EvidenceStore, Quota


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "evidence"


@pytest.fixture
def pipeline(model, folder):
    def _pipeline(**changes):
        settings = stream_settings(**{"snapshot": {"width": 64, "quality": 90}} | changes)
        watch = watch_list(settings.actions, settings.all_labels, model.labels)
        writer = EvidenceWriter(EvidenceStore(folder, Quota(keep_free_bytes=0)), lambda: None)
        return build_pipeline("porch", settings, model, watch, evidence=writer)

    return _pipeline


def mean_rgb(path):
    return cv2.imread(path)[:, :, ::-1].reshape(-1, 3).mean(axis=0)


def numbered(frames):
    """The frames with their number in the amount of green."""
    images = [np.maximum(frame.image, np.uint8([0, 3 * index, 0])) for index, frame in enumerate(frames)]
    return [Frame(image, frame.time_s) for image, frame in zip(images, frames, strict=True)]


def number(path):
    return round(mean_rgb(path)[1] / 3)


def test_a_start_shows_the_frame_that_decided_it_and_a_stop_the_peak(pipeline, folder):
    frames = numbered(scene(("black", 1), ("red", 1), ("black", 2)))
    made, scores, events = pipeline(), [], []
    for frame in frames:
        events += made.feed(frame)
        scores.append(float(made.detector.smoothed[0]))
    assert [event.event_type for event in events] == [EventType.START, EventType.STOP]
    start, stop = events
    day = f"{start.started_at.astimezone(UTC):%Y-%m-%d}"
    assert start.snapshot == str(folder / day / "porch" / f"{start.id}-start.jpg")
    assert number(start.snapshot) == round(start.time_s * FPS)
    assert number(stop.snapshot) == int(np.argmax(scores)) != number(start.snapshot)
    assert (start.clip, stop.clip) == (None, None)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


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


def test_a_folder_that_cannot_be_written_costs_the_picture_alone(pipeline, folder):
    folder.write_text("in the way")
    with capture_logs() as logs:
        events = feed(pipeline(), scene(*[("red", 1), ("black", 2)] * 2))
    assert [event.event_type for event in events] == [EventType.START, EventType.STOP] * 2
    assert {event.snapshot for event in events} == {None}
    levels = [log["log_level"] for log in logs if log["event"] == "evidence not stored"]
    assert levels == ["error", "debug", "debug", "debug"]


def test_nobody_takes_pictures_unasked(model, pipeline, folder):
    for made in (make_pipeline(model), pipeline(snapshot=None), pipeline(evidence="none")):
        events = feed(made, scene(("red", 1), ("black", 2)))
        assert {event.snapshot for event in events} == {None}
        assert made.request.size_for(640, 480) == (12, 12)
    assert not folder.exists()


def test_an_action_has_a_word_of_its_own(pipeline):
    actions = {
        "red": {"labels": ["red"], **QUICK, "evidence": "none"},
        "blue": {"labels": ["blue"], **QUICK, "evidence": "snapshot"},
    }
    for settings in ({}, {"snapshot": None}):  # a word of the action's alone is enough
        events = feed(pipeline(actions=actions, **settings), scene(("red", 1), ("black", 2), ("blue", 1), ("black", 2)))
        assert [(e.action, e.snapshot is not None) for e in events] == [
            ("red", False),
            ("red", False),
            ("blue", True),
            ("blue", True),
        ]
