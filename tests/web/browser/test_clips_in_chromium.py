"""Clips as they are made: a browser plays them to their end, and stumbles over none of their pictures."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from clips import write_clip

from movinet_edge.api import FrameRequest, VideoFormat, VideoPacket
from movinet_edge.evidence import as_mp4
from movinet_edge_plugins.file import FileSource

PLAY = "const film = document.querySelector('video'); film.muted = true; film.play().catch(() => {});"
STATE = """
const film = document.querySelector('video');
return film.error ? film.error.message : film.ended ? 'ended' : null;
"""


def of_video(path, **options):
    """From a key frame in the middle of a video on, if there is one."""
    write_clip(path, frames=40, options={"g": "10", **options})
    taken = []
    source = FileSource(FileSource.Settings(path=path))
    source.tap(taken.append)
    for _ in source.frames(FrameRequest(fps=5.0)):
        pass
    keys = [index for index, packet in enumerate(taken) if packet.is_keyframe]
    return taken[keys[len(keys) // 2] :]


def of_pictures(path):
    form = VideoFormat("mjpeg", Fraction(1, 1000))
    levels = [np.full((49, 65, 3), 10 * index, np.uint8) for index in range(15)]
    return [
        VideoPacket(bytes(cv2.imencode(".jpg", level)[1]), index / 5, None, None, True, form)
        for index, level in enumerate(levels)
    ]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.mp4", of_video),
        ("a.ts", of_video),
        ("a.mkv", lambda path: of_video(path, bf="2")),
        ("a.mp4", lambda path: of_video(path, bf="3", **{"x264-params": "open-gop=1"})),
        ("a.mp4", of_pictures),
    ],
    ids=["mp4", "transport stream", "reordered", "open groups", "pictures"],
)
def test_a_clip_plays_to_its_end(tmp_path, chromium, name, make):
    (tmp_path / "clip.mp4").write_bytes(as_mp4(make(tmp_path / name)))
    (tmp_path / "page.html").write_text("<!doctype html><video src=clip.mp4></video>")
    browser = chromium(tmp_path.as_uri()).open("/page.html")
    browser.run(PLAY)
    assert browser.until(lambda: browser.run(STATE)) == "ended"
