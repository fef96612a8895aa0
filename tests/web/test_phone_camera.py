"""A browser as the camera of a stream: its pictures become events, and strangers' pictures no harm."""

import contextlib
import struct
import time

import aiohttp
import cv2
import numpy as np
import pytest
from page import PATIENCE_S, Visitor

BLUE, BLACK = (255, 0, 0), (0, 0, 0)  # of OpenCV, so blue comes first


def jpeg(colour, size_px=(64, 48)):
    image = np.full((size_px[1], size_px[0], 3), colour, np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


def message(picture, at_s):
    return struct.pack("<d", at_s) + picture


def send_for(socket, colour, seconds, *, wanted):
    """Send as the page does, until a message comes that is wanted."""
    picture, began_s = jpeg(colour), time.monotonic()
    while time.monotonic() - began_s < seconds:
        socket.send(message(picture, time.monotonic()))
        answer = socket.of_type("taken")
        assert answer["type"] == "taken"
        found = [told for told in socket_scores(socket) if wanted(told)]
        if found:
            return found[0]
    raise AssertionError("what was waited for did not come")


def socket_scores(socket):
    """What comes until the next picture is due."""
    told, until_s = [], time.monotonic() + 0.2
    while (left_s := until_s - time.monotonic()) > 0:
        try:
            raw = socket._visitor.do(socket.raw.receive(timeout=left_s))
        except TimeoutError:
            break
        assert raw.type is aiohttp.WSMsgType.TEXT, raw
        told.append(raw.json())
    return told


def test_pictures_of_a_phone_end_in_an_event_of_the_right_action(visitor, open_daemon):
    assert visitor.get("/api/cameras").json == {"cameras": [{"stream": "phone", "busy": False}]}
    with visitor.socket("/api/cameras/phone") as phone:
        wanted = phone.of_type("wanted")
        assert (wanted["fps"], wanted["width_px"]) == (5, 480)
        send_for(phone, BLACK, PATIENCE_S, wanted=lambda told: told["type"] == "scores")
        scores = send_for(phone, BLUE, PATIENCE_S, wanted=lambda told: told.get("active") == ["bluing"])
        assert scores["top"][0][0] == "blue"
        with Visitor(open_daemon.url) as other:
            assert other.enter().get("/api/cameras").json["cameras"][0]["busy"]
    with visitor.socket("/api/live") as live:
        # Without pictures for `silence` the phone has gone, and with it the action.
        stop = live.of_type("event")["event"]
        while stop["stream"] != "phone" or stop["event_type"] != "stop":
            stop = live.of_type("event")["event"]
        assert (stop["action"], stop["reason"]) in (("bluing", "source_lost"), ("bluing", "gap"))
    with visitor.socket("/api/cameras/phone") as phone:  # and may come back
        send_for(phone, BLACK, PATIENCE_S, wanted=lambda told: told["type"] == "scores")


def test_the_later_of_two_phones_stays(visitor):
    with visitor.socket("/api/cameras/phone") as first:
        first.of_type("wanted")
        with visitor.socket("/api/cameras/phone") as second:
            assert first.ends() == 4001
            second.of_type("wanted")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (message(b"GIF89a", 1.0), 4002),
        (message(jpeg(BLUE)[:2], 1.0), 4002),
        (message(jpeg(BLUE, (4000, 3000)), 1.0), 4002),
        (message(jpeg(BLUE), float("nan")), 4002),
        (b"short", 4002),
        ({"type": "text"}, 1000),
    ],
    ids=["no jpeg", "cut off", "too many pixels", "no time", "too short", "text"],
)
def test_what_is_no_picture_ends_the_connection(visitor, sent, code):
    # A source that waits for its next try takes nothing in, so what it says of a picture cannot be seen then.
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        with visitor.socket("/api/cameras/phone") as phone:
            phone.of_type("wanted")
            phone.send(sent)
            answer = phone.receive()
            if answer is None:
                assert phone.raw.close_code == code
                return
        assert answer["type"] == "taken"
        assert answer["ready"] is False
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_file_of_megabytes_ends_the_connection(visitor):
    with visitor.socket("/api/cameras/phone") as phone:
        phone.of_type("wanted")
        with contextlib.suppress(ConnectionError):  # it may not even be read to its end
            phone.send(message(jpeg(BLUE) + bytes(5 << 20), 1.0))
        phone.ends()


@pytest.mark.parametrize("stream", ["hall", "nowhere"])
def test_other_streams_take_no_pictures(visitor, stream):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused, visitor.socket(f"/api/cameras/{stream}"):
        pass
    assert refused.value.status == 404


def test_logging_out_ends_the_camera(owner):
    with owner.socket("/api/cameras/phone") as phone:
        phone.of_type("wanted")
        assert owner.post("/api/logout", {}).status == 200
        assert phone.ends() == 4003
