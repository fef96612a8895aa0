"""`probe`: what it tells of a source that works, what it refuses, and that nothing keeps it from ending."""

import json
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from clips import quadrants, truncated, write_clip
from commands import in_pipes

from movinet_edge.api import Frame, PluginSettings, SourceInfo
from movinet_edge.daemon.probe import probe

CONFIGURATION = """\
plugin_dirs: [plugins]
streams:
  - name: porch
    source: {type: file, path: clip.mp4}
    fps: 10
    actions: {waving: {labels: [waving hand]}}
  - name: recorder
    source: {type: file, follow: clips}
    actions: {waving: {labels: [waving hand]}}
  - name: stuck
    source: {type: stuck}
    actions: {waving: {labels: [waving hand]}}
"""
STUCK = """\
import time
from movinet_edge.api import PluginSettings

class Stuck:
    Settings = PluginSettings
    live = True
    frames_read = 0
    def __init__(self, settings): pass
    def frames(self, request):
        while True:
            time.sleep(3600)
            yield
    def close(self): time.sleep(3600)

SOURCES = {"stuck": Stuck}
"""


@pytest.fixture
def clip(folder):
    return write_clip(folder / "clip.mp4", size_px=(64, 48), frames=40, fps=20, paint=quadrants)


@pytest.fixture
def configuration(folder, clip):
    (folder / "plugins").mkdir(mode=0o755)
    plugin = folder / "plugins" / "stuck.py"
    plugin.write_text(STUCK)
    plugin.chmod(0o644)
    path = folder / "config.yaml"
    path.write_text(CONFIGURATION)
    return path


def test_a_file_that_works(cli, clip, folder):
    ran = cli("probe", "clip.mp4")
    assert (ran.code, ran.err) == (0, "")
    told, *rows = ran.out.splitlines()
    assert told == "clip.mp4: works"
    rows = dict(row.strip().split("  ", 1) for row in rows)
    assert {name: value.strip() for name, value in rows.items() if name not in ("CPU", "first frame")} == {
        "codec": "h264",
        "size": "64×48",
        "fps": "20 announced, 20 measured",
        "snapshot": f"{folder}/movinet-edge-probe.jpg",
    }
    assert rows["CPU"].endswith(" % of one core, at the pace of the recording")
    picture = cv2.imread(str(folder / "movinet-edge-probe.jpg"))
    assert picture.shape == (48, 64, 3)
    corner = picture[:16, :16].reshape(-1, 3).mean(axis=0)
    assert corner == pytest.approx([0, 0, 255], abs=25), "red, in OpenCV's order"


def test_the_findings_for_programs(cli, clip, folder):
    ran = cli("probe", clip, "--json", "--no-snapshot")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert 0.0 <= found.pop("first_frame_s") < 10.0
    assert 0.0 < found.pop("cpu") < 1.0
    assert found == {
        "source": str(clip),
        "type": "file",
        "works": True,
        "fault": None,
        "codec": "h264",
        "width_px": 64,
        "height_px": 48,
        "fps_announced": 20.0,
        "fps_measured": pytest.approx(20.0, abs=0.1),
        "frames_read": 40,
        "snapshot": None,
        "advice": [],
    }
    assert [path.name for path in folder.iterdir()] == ["clip.mp4"]


def test_a_file_that_was_cut_off_works_and_the_loss_is_told(cli, folder):
    truncated(write_clip(folder / "clip.mkv", frames=200, paint=quadrants), 0.5)
    ran = cli("probe", "clip.mkv", "--no-snapshot")
    assert ran.code == 0
    assert "cut off" in ran.err


def unknown_codec(path):
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("clip.mp4", lambda path: truncated(path, 0.8), "its beginning or index is damaged"),
        ("clip.mp4", lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
        ("clip.mp4", lambda path: path.write_bytes(bytes(9999)), "is not a video"),
        ("clip.mkv", unknown_codec, "cannot decode"),
    ],
    ids=["truncated", "empty", "zeros", "unknown codec"],
)
def test_a_file_that_cannot_be_read(cli, folder, name, spoil, said):
    spoil(write_clip(folder / name))
    told, for_programs = cli("probe", name), cli("probe", name, "--json")
    assert (told.code, told.out) == (66, "")
    assert told.err.startswith(f"movinet-edge: {folder / name}: ")
    assert said in told.err
    assert (for_programs.code, for_programs.err) == (66, told.err)
    found = json.loads(for_programs.out)
    assert (found["works"], found["fault"]) == (False, told.err.removeprefix("movinet-edge: ").strip())
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("clop.mp4", "there is no such file; did you mean clip.mp4?"),
        ("porch", "the name of a stream needs --config FILE"),
        ("192.168.1.20", "an address begins with rtsp://"),
        ("/dev/video98", "/dev/video98 is not there"),
        ("98", "/dev/video98 is not there"),
        ("/dev/null", "/dev/null is no camera"),
        ("picamera2", "sudo apt install python3-picamera2"),
    ],
)
def test_what_is_not_there(cli, clip, monkeypatch, source, said):
    monkeypatch.setitem(sys.modules, "picamera2", None)  # on a Pi it may be installed
    ran = cli("probe", source)
    assert (ran.code, ran.out) == (66, "")
    assert said in ran.err


def test_a_stream_of_a_configuration(cli, configuration):
    ran = cli("probe", "porch", "--config", configuration, "--no-snapshot", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["source"], found["type"], found["codec"]) == ("stream porch", "file", "h264")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prch"], "there is no stream of this name; did you mean 'porch'?"),
        (["rtsp://me:hush@camera/1"], "there are: porch, recorder, stuck"),
        (["recorder"], "probe one of the clips in it instead"),
        (["porch", "--user", "me"], "--user, --password-file and --transport belong to an address"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_asked_of_a_configuration(cli, configuration, arguments, said):
    ran = cli("probe", *arguments, "--config", configuration)
    assert (ran.code, ran.out) == (78, "")
    assert said in ran.err
    assert "hush" not in ran.err


def test_settings_that_cannot_work_are_told_with_their_place(cli, configuration):
    configuration.write_text(CONFIGURATION.replace("path: clip.mp4", "path: clip.mp4, lop: true"))
    ran = cli("probe", "porch", "--config", configuration)
    assert ran.code == 78
    assert f"{configuration}:4: streams[0].source.lop: " in ran.err
    assert "did you mean 'loop'?" in ran.err


def test_a_source_that_hangs_for_ever_is_left_behind(configuration):
    ran = in_pipes("probe", "stuck", "--config", configuration, "--timeout", "300ms")
    assert (ran.code, ran.out) == (66, "")
    assert ran.err == "movinet-edge: stream stuck: no picture came within 0.3 s (time-out)\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 64, "SOURCE"),
        (["clip.mp4", "--seconds", "0"], 64, "'0' is no time at all"),
        (["clip.mp4", "--timeout", "soon"], 64, "'soon' is not a duration"),
        (["clip.mp4", "--snapshot", "a.jpg", "--no-snapshot"], 64, "not allowed with"),
        (["clip.mp4", "--password", "hush"], 64, "--password"),
        (["clip.mp4", "--transport", "tcp"], 78, "clip.mp4 is none"),
        (["clip.mp4", "--snapshot", "picture.txt"], 78, "for example in .jpg or .png"),
        (["clip.mp4", "--snapshot", "picture"], 78, "for example in .jpg or .png"),
        (
            ["rtsp://camera/1", "--user", "me", "--password-file", "nowhere"],
            78,
            "nowhere: cannot be read: No such file",
        ),
        (["gopher://camera/1"], 78, "command line: url: must begin with rtsp"),
        (["clip.mp4", "--config", "nowhere.yaml"], 78, "nowhere.yaml: there is no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("clip")
def test_wrong_arguments_open_nothing(cli, folder, arguments, code, said):
    ran = cli("probe", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("name", ["picture.png", "picture.jpg"])
def test_a_snapshot_elsewhere(cli, clip, tmp_path, name):
    ran = cli("probe", clip, "--snapshot", tmp_path / name)
    assert ran.code == 0
    assert cv2.imread(str(tmp_path / name)).shape == (48, 64, 3)
    assert str(tmp_path / name) in ran.out


def test_a_snapshot_that_cannot_be_written_costs_the_findings_nothing(cli, clip, tmp_path):
    ran = cli("probe", clip, "--snapshot", tmp_path / "nowhere" / "picture.jpg")
    assert ran.code == 1
    assert "works" in ran.out
    assert "snapshot " not in ran.out
    assert "nowhere/picture.jpg: No such file or directory" in ran.err


class Scripted:
    """A live source: some frames at a pace, then silence until it is closed. Its clock begins with a hole."""

    Settings = PluginSettings
    live = True
    period_s = 0.05

    def __init__(self, count):
        self.frames_read, self._count, self.closed = 0, count, threading.Event()
        self.info = SourceInfo(codec="h264", width_px=640, height_px=480, fps=20.0, cpu_s=0.0)
        self.sizes = []

    def frames(self, request):
        for index in range(self._count):
            self.closed.wait(self.period_s)
            self.frames_read += 1
            self.info = self.info.model_copy(update={"cpu_s": index * 0.01})
            width_px, height_px = request.size_for(640, 480)
            self.sizes.append((width_px, height_px))
            yield Frame(np.zeros((height_px, width_px, 3), np.uint8), 1.0 + index * self.period_s if index else 0.0)
        self.closed.wait()

    def close(self):
        self.closed.set()


def test_figures_are_those_of_the_daemon_after_a_picture_at_full_size():
    source = Scripted(20)
    found = probe("camera", lambda: source, fps=5, timeout_s=10, seconds_s=0.7)
    assert found.fault is None
    assert found.picture.size_px == (640, 480) == source.sizes[0]
    assert set(source.sizes[1:]) == {(172, 172)}
    assert found.health.fps_in == pytest.approx(20.0, abs=0.1)
    assert found.health.source_cpu == pytest.approx(0.2, abs=0.01)


def test_a_source_that_falls_silent_is_not_measured_as_if_it_went_on():
    found = probe("camera", lambda: Scripted(6), fps=5, timeout_s=10, seconds_s=1.5)
    assert found.health.fps_in < 10.0


def test_a_silent_source_is_given_up_andclosed():
    source, ended = Scripted(0), Scripted(2)
    ended.closed.set()
    begin_s = time.monotonic()
    assert (
        "ended before the first picture"
        not in probe("camera", lambda: source, fps=5, timeout_s=0.2, seconds_s=60).fault
    )
    assert source.closed.is_set()
    assert probe("camera", lambda: ended, fps=5, timeout_s=10, seconds_s=60).fault is None
    assert time.monotonic() - begin_s < 30


def test_an_end_without_a_picture_is_a_fault():
    source = Scripted(0)
    source.closed.set()
    found = probe("camera", lambda: source, fps=5, timeout_s=10, seconds_s=60)
    assert found.fault == "camera: ended before the first picture"
