"""What is kept of a stream's actions: clips and score curves, masked and at the hours that are allowed."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import av
import pytest
from clips import write_clip
from coloured_scenes import FPS, QUICK, ScriptedSource, feed, picture, scene, stream_settings, write_scene

from movinet_edge.api import Frame, FrameRequest, StopReason
from movinet_edge.daemon.evidence_writer import EvidenceWriter, stored_ids
from movinet_edge.daemon.masked_source import masked
from movinet_edge.daemon.stream_parts import build_pipeline, watch_list
from movinet_edge.delivery import Outbox
from movinet_edge.evidence import EvidenceStore, Mask, Quota
from movinet_edge_plugins.file import FileSource

RED_AND_AFTER = (("black", 4), ("red", 1), ("black", 6))


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence", Quota(keep_free_bytes=0))


@pytest.fixture
def play(model, store):
    """Plays a source, or frames, through a stream's pipeline; the events, once everything is written."""

    def _play(source, **changes):
        settings = stream_settings(**{"evidence": "clip", "clip": {"pre_roll": "1s", "post_roll": "1s"}} | changes)
        watch = watch_list(settings.actions, settings.all_labels, model.labels)
        writer = EvidenceWriter(store, lambda: None)
        pipeline = build_pipeline("porch", settings, model, watch, evidence=writer)
        with writer.running():
            if isinstance(source, list):
                frames = iter(source)
            else:
                frames = pipeline.evidence.tapped(lambda: source)().frames(pipeline.request)
            events = feed(pipeline, frames)
            events += pipeline.end(StopReason.SOURCE_LOST)
        return events

    return _play


@pytest.fixture
def video(tmp_path):
    def _video(*parts):
        return FileSource(FileSource.Settings(path=write_scene(tmp_path / "scene.mp4", *parts, fps=10)))

    return _video


def kinds(store, event):
    return [item.name for item in store.find(event.id)]


def clip_of(store, event):
    return next(item.path for item in store.find(event.id) if item.kind == "clip")


def colours(path):
    """What the clip shows: for each picture its time and the mean of red, green and blue."""
    with av.open(str(path)) as clip:
        return [(frame.time, frame.to_ndarray(format="rgb24").mean(axis=(0, 1))) for frame in clip.decode(video=0)]


def seconds_of_red(path):
    return [time_s for time_s, (red, _, _) in colours(path) if red > 128]


def test_a_source_with_packets_gives_clips_around_the_action(play, store, video):
    start, stop = play(video(*RED_AND_AFTER))
    assert kinds(store, stop) == ["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]
    assert start.clip is None
    assert Path(stop.clip) == clip_of(store, stop)
    shown = colours(clip_of(store, stop))
    red = seconds_of_red(clip_of(store, stop))
    assert (shown[1][0] - shown[0][0]) == pytest.approx(0.1)  # every frame of the source, not only what is scored
    assert 1.0 <= red[0] <= 1.0 + 4.0  # the key frame before the pre-roll
    assert red[-1] - red[0] == pytest.approx(0.9)
    assert shown[-1][0] - red[-1] == pytest.approx(1.0 + stop.ended_s - 5.0, abs=0.25)


def test_a_source_without_gives_clips_of_what_is_scored(play, store):
    _, stop = play(scene(*RED_AND_AFTER))
    shown, red = colours(clip_of(store, stop)), seconds_of_red(clip_of(store, stop))
    assert shown[1][0] - shown[0][0] == pytest.approx(1 / FPS)
    assert red[0] == pytest.approx(stop.started_s - 3.0, abs=0.25)  # as much as was asked before it, and no more
    assert red[-1] - red[0] == pytest.approx(0.8, abs=0.01)


def test_packets_that_no_browser_plays_are_passed_over(play, store, tmp_path):
    parts = [colour for colour, seconds in RED_AND_AFTER for _ in range(round(seconds * FPS))]
    path = write_clip(
        tmp_path / "scene.avi",
        frames=len(parts),
        fps=FPS,
        codec="mpeg4",
        paint=lambda i, w, h: picture(parts[i], (w, h)),
    )
    _, stop = play(FileSource(FileSource.Settings(path=path)))
    assert seconds_of_red(clip_of(store, stop))


def test_the_end_of_the_frames_is_the_end_of_the_clip(play, store, video):
    start, stop = play(video(("black", 2), ("red", 1)))
    assert stop.reason is StopReason.SOURCE_LOST
    assert colours(clip_of(store, start))[-1][0] == pytest.approx(2.9)


def test_a_clip_is_cut_off_when_it_is_too_long(play, store):
    _, stop = play(scene(("black", 2), ("red", 10), ("black", 2)), clip={"pre_roll": "1s", "longest": "3s"})
    assert colours(clip_of(store, stop))[-1][0] == pytest.approx(3.0, abs=0.01)


def test_the_curve_has_the_scores_before_and_within(play, store):
    start, stop = play(scene(*RED_AND_AFTER))
    curve = json.loads(store.find(stop.id)[-1].path.read_text())
    assert curve["times_s"][0] == pytest.approx(-1.0, abs=0.21)
    assert curve["times_s"][-1] == pytest.approx(stop.time_s - stop.started_s)
    assert max(curve["scores"]) == pytest.approx(stop.peak_score, abs=1e-3)
    crossed = next(t for t, score in zip(curve["times_s"], curve["scores"], strict=True) if score >= curve["on"])
    assert crossed == pytest.approx(0.0)
    assert curve["ended_s"] == pytest.approx(stop.duration_s, abs=1e-3)
    assert (curve["on"], curve["off"], curve["id"]) == (QUICK["on"], QUICK["off"], start.id)


def test_every_action_has_a_clip_of_its_own(play, store):
    events = play(scene(("black", 2), ("red", 1), ("blue", 1), ("black", 3)))
    stops = [event for event in events if event.ended_s is not None]
    assert {event.action for event in stops} == {"red", "blue"}
    assert len({clip_of(store, event) for event in stops}) == 2


def test_a_gap_ends_a_clip_and_what_was_before_is_not_in_the_next(play, store):
    frames = scene(("black", 2), ("red", 1)) + scene(("red", 1), ("black", 3), begin_s=60.0)
    events = play(frames)
    first, second = [event for event in events if event.ended_s is not None]
    assert colours(clip_of(store, first))[-1][0] < 3.0
    assert seconds_of_red(clip_of(store, second))[0] == 0.0


# Masks

LEFT = [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]
ALL = [[[0, 0], [1, 0], [1, 1], [0, 1]]]


def test_what_is_masked_is_not_scored(play):
    assert play(scene(*RED_AND_AFTER), mask=ALL) == []


def test_a_masked_source_gives_clips_of_masked_pictures(play, store, tmp_path):
    path = write_scene(tmp_path / "scene.mp4", *RED_AND_AFTER, fps=10)
    actions = {"any": {"labels": ["red"], **QUICK, "on": 0.3, "off": 0.28}}
    _, stop = play(FileSource(FileSource.Settings(path=path)), mask=LEFT, actions=actions)
    for item in store.find(stop.id)[:3]:
        with av.open(str(item.path)) as found:
            pictures = [frame.to_ndarray(format="rgb24") for frame in found.decode(video=0)]
        height, width = pictures[0].shape[:2]
        assert all(image[:, : width // 2 - 2].max() < 40 for image in pictures)
        assert any(image[:, width // 2 + 4 :, 0].min() > 128 for image in pictures)
        assert height > 8


def test_pictures_are_masked_for_probe_too(video):
    source = masked(lambda: video(("red", 1)), Mask(LEFT))()
    frames = list(source.frames(FrameRequest()))
    source.close()
    assert (len(frames), source.frames_read, source.live) == (10, 10, False)
    assert source.info.codec == "h264"
    half = frames[0].image.shape[1] // 2
    assert not any(frame.image[:, :half].any() for frame in frames)
    assert all(frame.image[:, half + 2 :, 0].min() > 128 for frame in frames)


# Quiet hours


def at(frames, moment):
    """The frames with wall times from a local moment on."""
    begin_s = moment.timestamp()
    return [Frame(frame.image, frame.time_s, "rgb", begin_s + frame.time_s) for frame in frames]


TEN_PM = datetime(2026, 11, 21, 22).astimezone()


@pytest.mark.parametrize(
    ("begin", "kept"),
    [
        (TEN_PM - timedelta(hours=1), ["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]),
        (TEN_PM + timedelta(hours=1), []),
        (TEN_PM + timedelta(hours=7), []),
        (TEN_PM + timedelta(hours=8), ["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]),
        (TEN_PM - timedelta(seconds=7.5), ["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]),
    ],
    ids=["before", "within", "next day", "after", "begins during the action"],
)
def test_quiet_hours_keep_nothing_and_events_go_on(play, store, begin, kept):
    start, stop = play(at(scene(*RED_AND_AFTER), begin), quiet_hours=["22:00-06:00"])
    assert kinds(store, stop) == kept
    assert (start.snapshot is not None, stop.snapshot is not None, stop.clip is not None) == (bool(kept),) * 3


def test_quiet_hours_begin_early_enough_for_what_came_before_its_frame_was_scored(play, store):
    frames = at(scene(("black", 4), ("red", 1), ("black", 30)), TEN_PM - timedelta(seconds=10))
    stop = play(frames, quiet_hours=["22:00-06:00"], clip={"pre_roll": "1s", "post_roll": "20s"})[-1]
    assert colours(clip_of(store, stop))[-1][0] <= 4.0


def test_no_clip_shows_a_moment_of_the_quiet_hours(play, store):
    for begin, last_s in ((TEN_PM - timedelta(seconds=7.5), 1.6), (TEN_PM + timedelta(hours=8, seconds=-3.7), 3.0)):
        stop = play(at(scene(*RED_AND_AFTER), begin), quiet_hours=["22:00-06:00"])[-1]
        assert colours(clip_of(store, stop))[-1][0] <= last_s
    # The second began 0.3 s before the action, although a second was asked for.
    assert seconds_of_red(clip_of(store, stop))[0] <= 0.4


# The writer


def test_a_new_source_is_tapped_and_the_old_one_no_longer_heard(store, model):
    class Camera(ScriptedSource):
        def tap(self, take):
            self.take = take

    settings = stream_settings(evidence="clip")
    watch = watch_list(settings.actions, None, model.labels)
    evidence = build_pipeline("porch", settings, model, watch, evidence=EvidenceWriter(store, lambda: None)).evidence
    make = evidence.tapped(lambda: Camera([]))
    old, new = make(), make()
    assert old.take is not new.take
    plain = evidence.tapped(lambda: ScriptedSource([]))()
    assert list(plain.frames(FrameRequest())) == []


def test_events_and_evidence_go_together(store, tmp_path, play):
    outbox = Outbox(tmp_path / "outbox.db", max_events=2)
    first = play(scene(*RED_AND_AFTER))
    second = play(scene(*RED_AND_AFTER))
    outbox.append(first)
    writer = EvidenceWriter(store, lambda: stored_ids(outbox.path))
    writer.sweep()
    outbox.append(second)
    writer.sweep()
    outbox.close()
    assert kinds(store, first[0]) == []
    assert kinds(store, second[0]) == ["peak.jpg", "start.jpg", "clip.mp4", "scores.json"]


def test_an_unreadable_outbox_is_no_reason_to_delete(store, tmp_path, play):
    events = play(scene(*RED_AND_AFTER))
    writer = EvidenceWriter(store, lambda: stored_ids(tmp_path / "nothing.db"))
    writer.sweep()
    writer.sweep()
    assert kinds(store, events[0])


def test_nothing_is_written_while_nothing_happens(play, store):
    assert play(scene(("black", 20))) == []
    assert not store.folder.exists()
