"""What an open page is told: how the daemon stands, scores, pictures and events; and what it can change."""

import json
import time
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from page import CONFIG, PATIENCE_S, PageDaemon, Visitor

DEEP = json.loads("[" * 800 + "]" * 800)


def size_of(picture):
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    return image.shape[1], image.shape[0]


def period():
    now = datetime.now(UTC)
    return {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}


def until(condition):
    give_up_s = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < give_up_s
        time.sleep(0.05)
    return found


def occurrences(visitor, **query):
    answer = visitor.get("/api/events", params={**period(), **query})
    assert answer.status == 200, answer.body
    return answer.json["events"]


def test_the_page_is_there(visitor):
    page = visitor.get("/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    script = visitor.get("/static/main.js")
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert visitor.get("/static/main.js", headers={"If-None-Match": script.headers["ETag"]}).status == 304


def test_how_the_daemon_stands(visitor):
    with visitor.socket("/api/live") as live:
        message = live.of_type("status")
    streams = {stream["name"]: stream for stream in message["status"]["streams"]}
    assert streams.keys() == {"hall", "yard", "phone"}
    assert streams["yard"]["state"] == "disabled"
    assert message["cameras"] == ["phone"]


def test_the_scores_of_every_frame(visitor):
    with visitor.socket("/api/live") as live:
        message = live.of_type("scores", stream="hall")
        active = live.until(lambda message: isinstance(message, dict) and message.get("active") == ["reddening"])
    assert message["actions"].keys() == {"reddening", "a/b: <i>"}
    assert len(message["top"]) == 4
    assert message["top"] == sorted(message["top"], key=lambda entry: -entry[1])
    assert abs(message["at"] - time.time()) < PATIENCE_S
    assert active["actions"]["reddening"] >= 0.4  # it goes on until then


@pytest.mark.parametrize(("width", "size"), [(100, (100, 56)), (640, (160, 90))])
def test_a_picture_has_the_viewers_size_and_no_more_than_the_videos(visitor, width, size):
    with visitor.socket("/api/live") as live:
        live.send({"watch": {"hall": width}})
        picture = live.until(lambda message: isinstance(message, bytes))
    assert picture[: picture[0] + 1] == b"\x04hall"
    assert size_of(picture[5:]) == size


@pytest.fixture
def masked_daemon(tmp_path, web_toy, web_clip):
    mask = "mask: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]"
    text = CONFIG.replace("snapshot: {{width: 64}}", mask, 1)
    daemon = PageDaemon(tmp_path, text=text, toy=web_toy, clip=web_clip).start()
    yield daemon
    daemon.stop()


def test_what_is_masked_is_not_in_the_live_picture(masked_daemon):
    def red(picture):
        image = cv2.imdecode(np.frombuffer(picture[5:], np.uint8), cv2.IMREAD_COLOR)[..., 2]
        if image.shape[1] < 160:  # of a size from before anybody looked
            return 0, 0
        return int(image[:, :72].max()), int(image[:, 88:].max())

    with Visitor(masked_daemon.url) as visitor, visitor.enter().socket("/api/live") as live:
        live.send({"watch": {"hall": 160}})
        hidden, shown = red(live.until(lambda message: isinstance(message, bytes) and red(message)[1] > 200))
    assert shown > 200
    assert hidden < 30


def test_nobody_gets_pictures_that_were_not_asked_for(visitor):
    with visitor.socket("/api/live") as live:
        live.send({"watch": {"hall": 64}})
        live.until(lambda message: isinstance(message, bytes))
        live.send({"watch": {}})
        came = [live.receive() for _ in range(12)]
    assert sum(isinstance(message, bytes) for message in came) <= 1


@pytest.mark.parametrize(
    "message", [[], {"watch": {"hall": "wide"}}, {"watch": {"hall": -1}}, {"watch": 5}, b"bytes", DEEP]
)
def test_a_socket_that_talks_nonsense_is_closed(visitor, message):
    with visitor.socket("/api/live") as live:
        live.send(message)
        live.ends()


def test_an_event_is_told_as_soon_as_a_sink_has_it(visitor, open_daemon):
    with visitor.socket("/api/live") as live:
        event = live.of_type("event")["event"]
        came_s = time.time()
    path = open_daemon.folder / "events.jsonl"
    line = until(lambda: next((line for line in path.read_text().splitlines() if event["id"] in line), None))
    assert json.loads(line)["stream"] == event["stream"] == "hall"
    assert came_s - path.stat().st_mtime < PATIENCE_S


def test_the_last_minutes(visitor):
    history = until(lambda: (found := visitor.get("/api/streams/hall/history").json)["points"] and found)
    assert history["actions"] == ["reddening", "a/b: <i>"]
    at_s, red, blue = history["points"][-1]
    assert abs(at_s - time.time()) < PATIENCE_S
    assert 0 <= min(red, blue) <= max(red, blue) <= 1


def test_events_of_a_period_with_their_pictures_and_scores(visitor):
    stopped = until(lambda: [row for row in occurrences(visitor, stream="hall") if row["stopped"]])[0]
    assert stopped["action"] == "reddening"
    assert stopped["labels"] == ["red"]
    assert 1.0 < stopped["duration_s"] < 3.0
    picture = visitor.get(f"/api/events/{stopped['id']}/snapshot")
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert size_of(picture.body) == (64, 36)
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert picture.headers["Cache-Control"] == "no-store"
    curve = visitor.get(f"/api/events/{stopped['id']}/curve").json
    within = [score for at_s, score in curve["points"] if curve["started"] <= at_s < curve["ended"]]
    assert min(within) >= 0.4
    began_s = curve["started"]
    before = [score for at_s, score in curve["points"] if began_s - 1.0 < at_s < began_s - 0.3]
    assert not before or max(before) < 0.6


@pytest.mark.parametrize(
    ("query", "some"),
    [
        ({"stream": "hall"}, True),
        ({"action": "reddening"}, True),
        ({"min_score": "0.6"}, True),
        ({"stream": "yard"}, False),
        ({"action": "' OR 1=1 --"}, False),
        ({"min_score": "1"}, False),
    ],
)
def test_events_are_filtered(visitor, query, some):
    until(lambda: occurrences(visitor))
    assert bool(occurrences(visitor, **query)) is some


@pytest.mark.parametrize(
    "query",
    [{"since": "yesterday"}, {"until": ""}, {"until": "2001-01-01"}, {"since": "2001-01-01"}, {"min_score": "much"}],
)
def test_a_question_that_is_none(visitor, query):
    answer = visitor.get("/api/events", params={**period(), **query})
    assert answer.status == 400
    assert answer.json["error"]


@pytest.mark.parametrize("what", ["snapshot", "clip", "curve"])
@pytest.mark.parametrize(
    "event", ["01890a5d-ac96-774b-bcce-b302099a8057", "ffffffff-ffff-7fff-bfff-ffffffffffff", "nothing"]
)
def test_what_is_not_there(visitor, event, what):
    assert visitor.get(f"/api/events/{event}/{what}").status == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/api/streams/hal/enabled", {"on": True}, 422, "did you mean 'hall'"),
        ("/api/streams/hall/enabled", {"on": 1}, 400, "true or false"),
        ("/api/streams/hall/enabled", {}, 400, "true or false"),
        ("/api/streams/hall/threshold", {"action": "redening", "on": 0.5}, 422, "did you mean 'reddening'"),
        ("/api/streams/hall/threshold", {"action": "reddening", "on": 1.5}, 422, "at most 1"),
        ("/api/streams/hall/threshold", {"action": "reddening", "on": 0}, 422, "over 0"),
        ("/api/streams/hall/threshold", {"action": "reddening", "on": "high"}, 400, "a number"),
        ("/api/streams/hall/threshold", {"on": 0.5}, 400, "an action"),
        ("/api/streams/hall/threshold", {"action": "reddening", "on": float("nan")}, 422, "at most 1"),
        ("/api/streams/hall/threshold", {"action": "reddening", "on": 10**400}, 422, "at most 1"),
    ],
)
def test_what_cannot_be_changed_is_said(visitor, path, body, status, word):
    answer = visitor.post(path, body)
    assert answer.status == status
    assert word in answer.json["error"]


def test_what_is_changed_is_shown_at_once_and_kept_over_a_restart(start):
    daemon = start()
    name = "a/b: <i>"

    def yard_and_threshold(live):
        streams = {stream["name"]: stream for stream in live.of_type("status")["status"]["streams"]}
        action = next(action for action in streams["hall"]["actions"] if action["name"] == name)
        return streams["yard"]["state"], action["on"], action["off"]

    with Visitor(daemon.url) as visitor:
        visitor.enter()
        with visitor.socket("/api/live") as live:
            assert yard_and_threshold(live) == ("disabled", 0.5, 0.3)
            assert visitor.post("/api/streams/yard/enabled", {"on": True}).status == 200
            assert visitor.post("/api/streams/hall/threshold", {"action": name, "on": 0.7}).status == 200
            give_up_s = time.monotonic() + PATIENCE_S
            while (now := yard_and_threshold(live))[0] == "disabled" or now[1] != 0.7:
                assert time.monotonic() < give_up_s
    daemon.stop()
    daemon.start()
    with Visitor(daemon.url) as visitor, visitor.enter().socket("/api/live") as live:
        state, on, off = yard_and_threshold(live)
    assert state != "disabled"
    assert (on, round(off, 6)) == (0.7, 0.42)
