"""The page `/camera`, with a clip in place of Chromium's camera: it ends in an event of the right action."""

import av
import cv2
import pytest
from chromium import PHONE
from page import PageDaemon, Visitor

CONFIG = """\
    model: {model}
    state_dir: state
    web:
      enabled: true
    {web}
    streams:
      - name: phone
        source: {{type: browser}}
        snapshot: true
        actions:
          jumping jacks: {{labels: [jumping jacks], on: 0.5, off: 0.3}}
          push-ups: {{labels: [push up], on: 0.5, off: 0.3}}
    sinks:
      - {{type: jsonl, path: events.jsonl}}
"""


@pytest.fixture(scope="module")
def as_camera(tmp_path_factory, demo_clip):
    """What Chromium plays as a camera, for ever: the demo clip as JPEGs, which it takes to be 30 a second."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with av.open(str(demo_clip)) as video, path.open("wb") as file:
        stream = video.streams.video[0]
        repeats = round(30 / float(stream.average_rate))
        for frame in video.decode(stream):
            picture = cv2.resize(frame.to_ndarray(format="bgr24"), (320, 320))
            file.write(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes() * repeats)
    return path


@pytest.fixture
def phone_daemon(tmp_path, a0_int8, free_port):
    daemon = PageDaemon(tmp_path, web={"port": free_port}, text=CONFIG, model=a0_int8).start()
    yield daemon
    daemon.stop()


def test_a_phone_sees_an_action(phone_daemon, chromium, as_camera, screenshots):
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    browser = chromium(
        phone_daemon.url, size_px=PHONE, flags=(*fake, f"--use-file-for-fake-video-capture={as_camera}")
    ).open("/camera")
    browser.one("#start").click()
    browser.until(lambda: browser.text("#state") == "live")
    browser.until(lambda: browser.all("#top li"))
    assert "KiB a picture" in browser.text("#traffic")
    action = browser.until(lambda: browser.text("#active"))
    assert action in ("jumping jacks", "push-ups")
    browser.screenshot(screenshots / "phone-dark-camera.png")
    with Visitor(phone_daemon.url) as visitor:
        visitor.enter()
        with visitor.socket("/api/live") as live:
            stream = live.of_type("status")["status"]["streams"][0]
            assert stream["state"] == "live"
            assert 4.5 <= stream["health"]["fps_scored"] <= 5.5
            stop = live.until(lambda m: isinstance(m, dict) and m["type"] == "event" and m["event"]["reason"])
    assert stop["event"]["action"] == action
    assert stop["event"]["peak_score"] > 0.8
    # It comes back by itself, however long the daemon was away.
    phone_daemon.stop()
    browser.until(lambda: browser.text("#state") == "reconnecting")
    phone_daemon.start()
    browser.until(lambda: browser.text("#state") == "live")
    browser.one("#start").click()
    browser.until(lambda: browser.text("#state") == "off")


def test_a_browser_without_a_camera_says_so(phone_daemon, chromium):
    browser = chromium(phone_daemon.url).open("/camera")
    browser.one("#start").click()
    browser.until(lambda: "no camera" in browser.text("#note") or "not allowed" in browser.text("#note"))
