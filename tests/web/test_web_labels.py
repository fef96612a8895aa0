"""What an event really was, said on the page: who may, what is kept, and what is refused."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from page import PATIENCE_S


def some_event(visitor):
    """An event that has been stored."""
    now = datetime.now(UTC)
    period = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    give_up_s = time.monotonic() + PATIENCE_S
    while not (events := visitor.get("/api/events", params=period).json["events"]):
        assert time.monotonic() < give_up_s
        time.sleep(0.05)
    return events[-1]


def kept(daemon):
    """The labels in the daemon's state folder."""
    file = daemon.folder / "state" / "examples" / "labels.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize(
    ("said", "action"), [("right", "reddening"), ("wrong", "background"), ("<b>a parcel</b>", "<b>a parcel</b>")]
)
def test_what_was_said_is_kept(owner, guest, locked_daemon, said, action):
    event = some_event(owner)
    path = f"/api/events/{event['id']}/label"
    answer = owner.post(path, {"said": said})
    assert (answer.status, answer.json) == (200, {"action": action, "clip": False})
    last = kept(locked_daemon)[-1]
    assert (last["event_id"], last["action"], last["reported_as"]) == (event["id"], action, "reddening")
    assert last["start_s"] == 2.5  # the stream's own pre-roll
    assert guest.get(path).json == {"action": action, "clip": False}


def test_nothing_was_said_yet(visitor):
    assert visitor.get("/api/events/nothing/label").json == {"action": None, "clip": False}


def test_who_may_only_look_says_nothing(guest, owner, locked_daemon):
    before = kept(locked_daemon)
    path = f"/api/events/{some_event(owner)['id']}/label"
    assert guest.post(path, {"said": "right"}).status == 403
    owner.token = "stale"  # noqa: S105  of a page that was loaded before
    assert owner.post(path, {"said": "right"}).status == 403
    assert kept(locked_daemon) == before


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"said": " "}, 422, "is no action"),
        ({"said": "x" * 65}, 422, "up to 64 letters"),
        ({"said": 5}, 400, "right, wrong, or the name"),
        ({}, 400, "right, wrong, or the name"),
        ([], 400, "not a JSON object"),
    ],
)
def test_what_is_no_label(visitor, open_daemon, body, status, told):
    answer = visitor.post(f"/api/events/{some_event(visitor)['id']}/label", body)
    assert answer.status == status
    assert told in answer.json["error"]
    assert kept(open_daemon) == []


@pytest.mark.parametrize("event_id", ["00000000-0000-7000-8000-000000000000", "..%2f..%2fsecret", "zzz"])
def test_an_event_that_is_not_there(visitor, open_daemon, event_id):
    answer = visitor.post(f"/api/events/{event_id}/label", {"said": "right"})
    assert answer.status == 422
    assert "no stored event has the id" in answer.json["error"]
    assert kept(open_daemon) == []
