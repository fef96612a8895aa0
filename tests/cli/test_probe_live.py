"""`probe` and real servers: cameras that work, every way in which one does not, and passwords that stay secret."""

import json
import signal
import socket
import subprocess
import sys

import cv2
import pytest
from clips import write_clip
from commands import COMMAND, PATIENCE_S
from peers.http_camera import http_camera
from peers.rtsp_server import FPS, SIZE_PX

USER, PASSWORD = "us@er", 'p@s:s/w#r%d? &="ä'
PLAIN = "hush-hush"


@pytest.fixture(scope="module")
def camera(start_rtsp, tmp_path_factory):
    """Without a login; under /large is a main stream."""
    film = tmp_path_factory.mktemp("films") / "large.h264.mp4"
    write_clip(film, size_px=(1280, 720), frames=150, fps=25, options={"preset": "ultrafast", "g": "12"})
    return start_rtsp(files=[film])


@pytest.fixture(scope="module")
def locked_camera(start_rtsp):
    return start_rtsp(auth="digest", user=USER, password=PASSWORD)


@pytest.fixture
def web(folder):
    """The address of an HTTP camera that also serves what is in the working folder."""
    with http_camera(folder) as url:
        yield url


def test_a_camera_that_works(cli, camera, folder):
    ran = cli("probe", camera.url(), "--seconds", 2, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert found["source"] == f"rtsp://127.0.0.1:{camera.port}"
    assert (found["works"], found["fault"], found["codec"]) == (True, None, "h264")
    assert (found["width_px"], found["height_px"]) == SIZE_PX
    assert found["fps_announced"] == FPS
    assert found["fps_measured"] == pytest.approx(FPS, rel=0.2)
    assert 0.0 < found["first_frame_s"] < 10.0
    assert 0.0 < found["cpu"] < 1.0
    assert found["advice"] == []
    assert found["snapshot"] == f"{folder}/movinet-edge-probe.jpg"
    assert cv2.imread(found["snapshot"]).shape == (SIZE_PX[1], SIZE_PX[0], 3)


def test_a_main_stream_is_told_what_a_sub_stream_would_save(cli, camera):
    ran = cli("probe", camera.url("large.h264"), "--seconds", 1.5, "--no-snapshot")
    assert (ran.code, ran.err) == (0, "")
    *rows, advice = ran.out.splitlines()
    assert "  size         1280×720" in rows
    assert "decoding 1280×720" in advice
    assert "% of a core" in advice
    assert "a sub-stream of 640×360" in advice


def test_mjpeg_over_http(cli, web):
    ran = cli("probe", f"{web}/mjpeg", "--seconds", 1, "--no-snapshot")
    assert (ran.code, ran.err) == (0, "")
    assert "mjpeg" in ran.out


def test_a_login(cli, locked_camera, folder):
    (folder / "secret").write_text(f"{PASSWORD}\n", encoding="utf-8")
    arguments = ["--user", USER, "--password-file", "secret", "--seconds", 0.5]
    ran = cli("probe", locked_camera.url(), *arguments)
    assert (ran.code, ran.err) == (0, "")
    assert PASSWORD not in ran.out
    (folder / "secret").write_text(PLAIN, encoding="utf-8")
    wrong = cli("probe", locked_camera.url(), *arguments)
    assert (wrong.code, wrong.out) == (66, "")
    assert "refuses the user and password that are set (401)" in wrong.err
    missing = cli("probe", locked_camera.url())
    assert (missing.code, missing.out) == (66, "")
    assert "wants a user and a password, and none are set (401)" in missing.err


def test_a_login_in_the_configuration(cli, locked_camera, folder, monkeypatch):
    (folder / "config.yaml").write_text(
        f"streams: [{{name: porch, source: {{type: rtsp, url: '{locked_camera.url()}', user: '{USER}'}},"
        " actions: {waving: {labels: [waving hand]}}}]\n"
    )
    monkeypatch.setenv("MOVINET_EDGE__STREAMS__0__SOURCE__PASSWORD", PASSWORD)
    ran = cli("probe", "porch", "--config", "config.yaml", "--seconds", 0.5, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["works"] is True
    assert PASSWORD not in ran.out


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("401", "none are set (401)"),
        ("403", "(403)"),
        ("404", "nothing under this path (404)"),
        ("index.html", "not with a video"),
        ("unknown.mkv", "cannot decode"),
    ],
)
def test_what_a_server_may_answer(cli, web, folder, path, said):
    (folder / "index.html").write_text("<html>Camera</html>" * 50)
    unknown = write_clip(folder / "unknown.mkv")
    unknown.write_bytes(unknown.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    ran = cli("probe", f"{web}/{path}")
    assert (ran.code, ran.out) == (66, "")
    assert ran.err.startswith(f"movinet-edge: {web}/{path}: ")
    assert said in ran.err


def test_a_wrong_path_on_a_camera(cli, camera):
    ran = cli("probe", camera.url("nothing"))
    assert (ran.code, ran.out) == (66, "")
    assert "nothing under this path (404)" in ran.err


def test_a_stream_that_breaks_off_is_described_and_is_a_fault(cli, web, folder):
    write_clip(folder / "clip.mp4", frames=8)
    ran = cli("probe", f"{web}/clip.mp4", "--seconds", 30)
    assert ran.code == 66
    assert ran.out.startswith(f"{web}: gave pictures, but broke off\n  codec        h264\n")
    assert "the server ended the stream" in ran.err


def test_an_unknown_name(cli):
    ran = cli("probe", "rtsp://no-such-host.invalid/1")
    assert (ran.code, ran.out) == (66, "")
    assert "the name no-such-host.invalid is not known" in ran.err


def test_nothing_listens(cli):
    with socket.socket() as bound:  # bound but not listening, so the port belongs to nobody else
        bound.bind(("127.0.0.1", 0))
        ran = cli("probe", f"rtsp://127.0.0.1:{bound.getsockname()[1]}/1")
    assert (ran.code, ran.out) == (66, "")
    assert "refused" in ran.err


def test_silence(cli):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        place = f"rtsp://127.0.0.1:{hole.getsockname()[1]}"
        ran = cli("probe", f"{place}/1", "--timeout", 0.5)
    assert (ran.code, ran.out) == (66, "")
    assert ran.err == f"movinet-edge: {place}: no picture came within 0.5 s (time-out)\n"


# As the command, but the process aborts between Python's end and its own. There FFmpeg's thread, which nobody can stop,
# would call back and crash, though only now and then.
_ABORTS_AFTER_PYTHON = """
import ctypes
from movinet_edge.cli.main import console_main
libc = ctypes.CDLL(None)
libc.__cxa_atexit(ctypes.cast(libc.abort, ctypes.c_void_p), None, None)
console_main()
"""


@pytest.mark.parametrize("command", [COMMAND, (sys.executable, "-c", _ABORTS_AFTER_PYTHON)], ids=["as it is", "aborts"])
def test_ctrl_c_is_130_in_silence(command):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        arguments = ["probe", f"rtsp://127.0.0.1:{hole.getsockname()[1]}/1"]
        with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            hole.settimeout(PATIENCE_S)
            connection, _ = hole.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("place", ["{web}/mjpeg", "{web}/404", "http://127.0.0.1:1/1", "rtsp://no-such-host.invalid/1"])
@pytest.mark.parametrize("json_too", [False, True], ids=["list", "json"])
def test_a_password_in_the_address_is_taken_warned_of_and_shown_nowhere(cli, web, place, json_too):
    url = place.format(web=web).replace("://", f"://me:{PLAIN}@") + f"?password={PLAIN}"
    ran = cli("probe", url, "--seconds", 0.3, "--no-snapshot", *(["--json"] if json_too else []))
    assert ran.code in (0, 66)
    assert PLAIN not in ran.out + ran.err
    assert "--password-file keep it to yourself" in ran.err


@pytest.mark.parametrize(
    "url",
    [
        f"rtsp://me:{PLAIN}/#@camera/1",
        f"rtsp://me:{PLAIN}@@camera:/x@/1",
        f"rtsp://me:{PLAIN}@camera:port/1",
        f"rtsp://me:{PLAIN} @camera/1",
        f"rtsp://:{PLAIN}@camera/1",
        f"gopher://me:{PLAIN}@camera/1",
    ],
)
def test_a_password_in_an_address_that_cannot_be_is_shown_nowhere(cli, url):
    ran = cli("probe", url)
    assert (ran.code, ran.out) == (78, "")
    assert ran.err.startswith("movinet-edge: command line: ")
    assert PLAIN not in ran.err
