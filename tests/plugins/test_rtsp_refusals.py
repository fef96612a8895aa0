"""What the `rtsp` source says when servers refuse, or never answer."""

import socket
import traceback

import pytest
from clips import write_clip, write_sound
from live_streams import failure, source, take, write_segments
from pydantic import ValidationError
from structlog.testing import capture_logs

from movinet_edge.api import SourceUnavailable

TRICKY = 'p@s:s/w#r%d? &="ä'


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_login(start_rtsp, capfd, auth):
    server = start_rtsp(auth=auth, user="us@er", password=TRICKY)
    with capture_logs() as logs:
        assert len(take(server.url(), 1, user="us@er", password=TRICKY)) == 1
        wrong = failure(server.url(), user="us@er", password=f"{TRICKY}2")
        missing = failure(server.url())
    assert "refuses the user and password" in wrong
    assert "none are set" in missing
    assert TRICKY not in wrong + str(logs) + "".join(capfd.readouterr())


def test_the_longest_login_that_is_taken_arrives_whole(start_rtsp):
    password = "p" * 125
    server = start_rtsp(auth="digest", user="u", password=password)
    assert len(take(server.url(), 1, user="u", password=password)) == 1
    with pytest.raises(ValidationError, match="too long"):
        source(server.url(), user="u", password=f"{password}p")


def test_wrong_path(camera):
    assert "nothing under this path (404)" in failure(camera.url("nothing"))


@pytest.mark.parametrize(
    ("path", "settings", "expected"),
    [
        ("401", {}, "none are set (401)"),
        ("401", {"user": "u", "password": "p"}, "refuses the user and password that are set (401)"),
        ("403", {}, "(403)"),
        ("404", {}, "(404)"),
        ("503", {}, "cannot be opened (Server returned 5XX"),
        ("index.html", {}, "not with a video"),
        ("notes.txt", {}, "is a text file, not a video"),
        ("sound.wav", {}, "holds no video"),
        ("clip.mp4", {}, "ended the stream"),
    ],
)
def test_http_answers(tmp_path, web, path, settings, expected):
    (tmp_path / "index.html").write_text("<html>Camera</html>" * 50)
    (tmp_path / "notes.txt").write_text("camera\n" * 500)
    write_sound(tmp_path / "sound.wav")
    write_clip(tmp_path / "clip.mp4", frames=5)
    text = failure(f"{web}/{path}", **settings)
    assert expected in text
    assert text.startswith(f"{web}/{path}: ")


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp"])
def test_nothing_listens(scheme):
    with socket.socket() as bound:  # bound but not listening, so the port belongs to nobody else
        bound.bind(("127.0.0.1", 0))
        assert "refused" in failure(f"{scheme}://127.0.0.1:{bound.getsockname()[1]}/a/b")


def test_unknown_name():
    assert "the name no-such-host.invalid is not known" in failure("rtsp://no-such-host.invalid/1")


@pytest.mark.parametrize("entry", ["file:{path}", "{path}", "concat:{path}", "subfile,,start,0,end,0,,:{path}"])
def test_a_playlist_cannot_reach_files_of_this_machine(tmp_path, web, entry):
    write_segments(tmp_path)
    playlist = (tmp_path / "live.m3u8").read_text()
    segment = next(tmp_path.glob("*.ts"))
    (tmp_path / "hostile.m3u8").write_text(
        "".join(
            f"{entry.format(path=segment)}\n" if line and not line.startswith("#") else f"{line}\n"
            for line in playlist.splitlines()
        )
    )
    assert "cannot be opened" in (text := failure(f"{web}/hostile.m3u8", open_timeout=3)) or "not with a video" in text


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp", "udp"])
def test_silence(scheme):
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as hole:
        hole.bind(("127.0.0.1", 0))
        port = hole.getsockname()[1]
        if scheme == "udp":
            hole.close()
        else:
            hole.listen()
        text = failure(f"{scheme}://127.0.0.1:{port}/a/b", open_timeout=0.5)
    assert text.endswith("no answer with a video in it within 0.5 s (time-out)")


def test_a_password_is_in_no_traceback(camera):
    password = "hu" + "sh"  # tracebacks show the lines of this file
    with pytest.raises(SourceUnavailable) as caught:
        take(camera.url("nothing"), 1, user="u", password=password)
    assert password not in "".join(traceback.format_exception(caught.value))
