"""What people say of events: kept with the clip, the last word counting, whatever becomes of the evidence."""

from datetime import UTC, datetime

import pytest

from movinet_edge.api import ConfigurationError, EventType
from movinet_edge.daemon.event_labels import EventLabels
from movinet_edge.delivery import Outbox
from movinet_edge.delivery.database import OutboxUnavailable
from movinet_edge.evidence import EVIDENCE_FOLDER, EvidenceStore
from movinet_edge.heads import BACKGROUND
from movinet_edge.teaching.examples import Span
from movinet_edge.teaching.from_events import examples_from_events
from movinet_edge.testing.sinks import example_event

NOON = datetime(2026, 5, 17, 12, 0, tzinfo=UTC)
# What no stream says otherwise.
USUAL = {}.get
STOPS = [example_event(EventType.STOP, number=number, started_at=NOON, ended_at=NOON) for number in range(3)]


@pytest.fixture
def state_dir(tmp_path):
    """A daemon's state folder with three events; there is a clip of the first two."""
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.register_sinks(["log"])
    outbox.append(STOPS)
    outbox.close()
    store = EvidenceStore(tmp_path / EVIDENCE_FOLDER)
    for number, event in enumerate(STOPS[:2]):
        store.put(event, "clip.mp4", b"clip %d" % number)
    return tmp_path


@pytest.fixture
def labels(state_dir):
    """The labels in it."""
    return EventLabels(state_dir)


@pytest.mark.parametrize(
    ("said", "action"),
    [
        ("right", STOPS[0].action),
        ("Wrong ", BACKGROUND),
        ("carrying a parcel", "carrying a parcel"),
        (" x ", "x"),
        ("Background", BACKGROUND),
    ],
)
def test_what_was_said(labels, said, action):
    label = labels.add(STOPS[0].id, said, pre_roll_s=USUAL)
    assert (label.event_id, label.action, label.reported_as) == (STOPS[0].id, action, STOPS[0].action)
    assert labels.all() == {label.event_id: label}


def test_the_clip_outlives_the_evidence(labels, state_dir):
    label = labels.add(STOPS[1].id, "right", pre_roll_s=USUAL)
    (item,) = EvidenceStore(state_dir / EVIDENCE_FOLDER).find(STOPS[1].id)
    item.path.unlink()
    assert labels.clip_of(label).read_bytes() == b"clip 1"
    assert {path.name for path in labels.folder.iterdir()} == {"labels.jsonl", label.clip}


def test_the_last_word_counts(labels):
    for said in ("right", "wrong"):
        last = labels.add(STOPS[0].id, said, pre_roll_s=USUAL)
    assert labels.all() == {last.event_id: last}


def test_without_a_clip_the_label_is_kept(labels):
    label = labels.add(STOPS[2].id, "right", pre_roll_s=USUAL)
    assert label.clip is None
    assert labels.clip_of(label) is None


def test_a_clip_that_is_finished_after_the_label_counts(labels, state_dir):
    label = labels.add(STOPS[2].id, "right", pre_roll_s=USUAL)
    EvidenceStore(state_dir / EVIDENCE_FOLDER).put(STOPS[2], "clip.mp4", b"late")
    assert labels.clip_of(label).read_bytes() == b"late"
    assert labels.clip_of(label).parent == labels.folder


@pytest.mark.parametrize(("pre_rolls_s", "start_s"), [({}, 5.0), ({STOPS[0].stream: 0.0}, 0.0), ({"other": 9.0}, 5.0)])
def test_the_action_begins_after_the_pre_roll_of_its_stream(labels, pre_rolls_s, start_s):
    assert labels.add(STOPS[0].id, "right", pre_roll_s=pre_rolls_s.get).start_s == start_s


def test_a_line_that_a_power_cut_has_halved_costs_only_itself(labels):
    label = labels.add(STOPS[0].id, "right", pre_roll_s=USUAL)
    with (labels.folder / "labels.jsonl").open("a") as file:
        file.write('{"event_id": "x", "act')
    assert labels.all() == {label.event_id: label}
    other = labels.add(STOPS[1].id, "wrong", pre_roll_s=USUAL)
    assert labels.all() == {label.event_id: label, other.event_id: other}


def test_a_clip_is_never_looked_for_elsewhere(labels, state_dir):
    (state_dir / "secret").write_text("x")
    label = labels.add(STOPS[0].id, "right", pre_roll_s=USUAL).model_copy(update={"clip": "../secret"})
    assert labels.clip_of(label) is None


@pytest.mark.parametrize(
    ("event_id", "said", "says"),
    [
        (STOPS[0].id[:-1] + "~", "right", "no stored event has the id .* did you mean"),
        ("zzz", "right", "`movinet-edge events` lists them"),
        ("", "right", "no stored event"),
        (STOPS[0].id[:3], "right", "3 events have an id that begins with"),
        (STOPS[0].id, " ", "is no action"),
        (STOPS[0].id, "a\nb", "is no action"),
        (STOPS[0].id, "x" * 65, "up to 64 letters"),
    ],
)
def test_what_cannot_be_labelled(labels, event_id, said, says):
    with pytest.raises(ConfigurationError, match=says):
        labels.add(event_id, said, pre_roll_s=USUAL)
    assert labels.all() == {}


def test_without_a_store_it_is_said(tmp_path):
    with pytest.raises(OutboxUnavailable, match="no events are stored yet"):
        EventLabels(tmp_path).add("x", "right", pre_roll_s=USUAL)


def test_examples_come_from_labels(labels):
    action = STOPS[0].action
    for event, said in zip(STOPS, ("right", "wrong", "right"), strict=True):
        labels.add(event.id, said, pre_roll_s=USUAL)
    examples, without_clip = examples_from_events(labels, action)
    assert [example.spans for example in examples] == [(Span(action, 5.0, 8.6),), (Span(BACKGROUND),)]
    assert {example.source for example in examples} == {f"{STOPS[0].stream}, day 2026-05-17"}
    assert without_clip == 1


@pytest.mark.parametrize(("duration_s", "end_s"), [(9.0, 14.0), (0.0, 7.0)])
def test_what_a_clip_shows_after_its_event_is_no_example(labels, duration_s, end_s):
    label = labels.add(STOPS[0].id, "right", pre_roll_s=USUAL).model_copy(update={"duration_s": duration_s})
    (labels.folder / "labels.jsonl").write_text(label.model_dump_json())
    ((example,), _) = examples_from_events(labels, STOPS[0].action)
    assert example.spans == (Span(STOPS[0].action, 5.0, end_s),)


def test_another_action_is_background(labels):
    labels.add(STOPS[0].id, "jumping", pre_roll_s=USUAL)
    ((example,), _) = examples_from_events(labels, STOPS[0].action)
    assert example.spans == (Span(BACKGROUND),)


def test_nothing_labelled_yet(labels):
    with pytest.raises(ConfigurationError, match="no event is labelled yet"):
        examples_from_events(labels, "waving")
