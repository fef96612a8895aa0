"""`init`: what is written is right, holds no secret and replaces nothing; cameras and brokers are really tried."""

import os
import pty
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from commands import COMMAND, PATIENCE_S

from movinet_edge.api import ConfigurationError
from movinet_edge.cli.init import _next_steps
from movinet_edge.cli.init_file import Broker, Wishes, broker_from, configuration_text
from movinet_edge.config import load
from movinet_edge.models.catalogue import BUNDLED_FOLDER

SECRET = "open:sesame#1"  # noqa: S105 - what must not be told


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(SECRET + "\n")
    return path


def test_a_camera_and_a_broker_that_answer(cli, folder, red_clip, broker, official):
    ran = cli("init", "--source", red_clip, "--broker", f"127.0.0.1:{broker.port}", "--out", "config.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert "  it works: " in ran.out
    assert f"the broker 127.0.0.1:{broker.port} is reached" in ran.out
    assert ran.out.endswith("  movinet-edge check --config config.yaml\n  movinet-edge run --config config.yaml\n")
    checked = cli("check", "--online", "--config", "config.yaml")
    assert (checked.code, checked.err) == (0, "")
    assert "stream camera: 1 action" in checked.out


def test_without_a_model_it_is_fetched_first(cli, folder, red_clip):
    ran = cli("init", "--source", red_clip, "--out", "config.yaml")
    pull, check, _run = ran.out.splitlines()[-3:]
    assert pull == "  movinet-edge models pull movinet-a0-int8    # where it cannot be downloaded: init --model builtin"
    assert check == "  movinet-edge check --config config.yaml"


@pytest.mark.parametrize("label", ["fall", "push up"])
@pytest.mark.usefixtures("offline")
def test_the_packages_own_model_needs_no_network(cli, folder, demo_clip, label, monkeypatch):
    ran = cli("init", "--model", "builtin", "--label", label, "--source", demo_clip, "--out", "config.yaml", "--yes")
    assert (ran.code, ran.err) == (0, "")
    assert "download" not in ran.out
    assert "models pull" not in ran.out
    told = load(Path("config.yaml"))
    assert (told.model, told.streams[0].window, list(told.streams[0].actions)) == ("builtin", 16, [label])
    assert "`window: 16`" in (BUNDLED_FOLDER / "builtin.md").read_text(encoding="utf-8")
    monkeypatch.setenv("MOVINET_EDGE__STATE_DIR", str(folder / "state"))
    ran = cli("run", "--config", "config.yaml")
    assert ran.code == 0
    assert "download" not in ran.err
    assert ("action started" in ran.err) == (label == "push up")  # nobody falls in the clip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a0", ("movinet-a0-int8", 25, "waving hand")),
        ("movinet-a1-int8", ("movinet-a1-int8", 25, "waving hand")),
        ("builtin", ("builtin", 16, "fall")),
    ],
)
def test_a_model_brings_its_labels(cli, folder, red_clip, name, told):
    assert cli("init", "--source", red_clip, "--model", name, "--out", "config.yaml").code == 0
    written = load(Path("config.yaml"))
    [action] = written.streams[0].actions
    assert (written.model, written.streams[0].window, action) == told


def test_a_model_of_ones_own(cli, folder, red_clip, toy):
    for file in (toy, toy.with_suffix(".txt")):
        shutil.copy(file, folder)
    # Relative paths in a configuration begin at its own folder, but this one at the folder that one works in.
    ran = cli("init", "--source", red_clip, "--model", "toy.tflite", "--out", "there/config.yaml")
    assert ran.code == 0
    assert "models pull" not in ran.out
    assert "stream camera: 1 action, toy on " in cli("check", "--config", "there/config.yaml").out
    assert list(load(Path("there/config.yaml")).streams[0].actions) == ["waiting"]


def test_nothing_is_written_when_nobody_answers(cli, folder, red_clip):
    ran = cli("init", "--source", red_clip, "--broker", "127.0.0.1:9", "--out", "config.yaml")
    assert ran.code == 1
    assert "refused" in ran.err
    assert "config.yaml is not written; --yes writes it all the same" in ran.err
    assert list(folder.iterdir()) == []


def test_yes_writes_all_the_same(cli, folder, official):
    ran = cli("init", "--source", "/dev/video97", "--broker", "127.0.0.1:9", "--out", "config.yaml", "--yes")
    assert ran.code == 0
    assert "/dev/video97" in ran.err
    assert cli("check", "--config", "config.yaml").code == 0


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_there_is_not_overwritten(cli, folder, red_clip, make):
    make(folder / "config.yaml")
    before = (folder / "config.yaml").lstat()
    ran = cli("init", "--source", red_clip, "--out", "config.yaml", "--yes")
    assert ran.code == 78
    assert "config.yaml is there already and is not overwritten" in ran.err
    assert (folder / "config.yaml").lstat() == before


ADDRESS = "rtsp://127.0.0.1:9/live"
LOGINS = [
    ["rtsp://anna:open%3Asesame%231@127.0.0.1:9/live"],
    [ADDRESS, "--user", "anna", "--password-file", "SECRET"],
]


@pytest.mark.parametrize("source", LOGINS, ids=["in the address", "beside it"])
@pytest.mark.usefixtures("official")
def test_no_secret_is_written_or_told(cli, folder, secret_file, source, monkeypatch):
    words = [str(secret_file) if word == "SECRET" else word for word in source]
    login = ["--broker-user", "bert", "--broker-password-file", secret_file]
    ran = cli("init", "--source", *words, "--broker", "127.0.0.1:9", *login, "--out", "config.yaml", "--yes")
    assert ran.code == 0
    text = (folder / "config.yaml").read_text()
    for secret in (SECRET, "sesame"):
        assert secret not in text + ran.out + ran.err
    assert stat.S_IMODE((folder / "config.yaml").stat().st_mode) & 0o007 == 0
    monkeypatch.setenv("MOVINET_EDGE__STREAMS__0__SOURCE__PASSWORD", SECRET)
    monkeypatch.setenv("MOVINET_EDGE__SINKS__0__PASSWORD", SECRET)
    for name in ("STREAMS__0__SOURCE__PASSWORD", "SINKS__0__PASSWORD"):
        assert f"read -rs MOVINET_EDGE__{name} " in ran.out
    assert cli("check", "--config", "config.yaml").code == 0
    options = load(Path("config.yaml")).streams[0].source.options
    assert (options["url"], options["user"], options["password"]) == (ADDRESS, "anna", SECRET)


WRONG = [
    ([], "--source is needed where nobody can be asked"),
    (["--source", "CLIP", "--label", "waving hnad"], "waving hand"),
    (["--source", "CLIP", "--model", "builtin", "--label", "pushing up"], "did you mean 'push up'"),
    (
        ["--source", "CLIP", "--model", "builtin", "--label", "waving hand"],
        "no label of the model matches 'waving hand'",
    ),
    (["--source", "CLIP", "--label", "push-up"], "did you mean 'push up'"),
    (["--source", "CLIP", "--model", "bulitin"], "did you mean builtin?"),
    (["--source", "CLIP", "--model", "./nowhere.tflite"], "there is no model file nowhere.tflite"),
    (["--source", "CLIP", "--broker", "anna:sesame@host"], "the broker must be a host"),
    (["--source", "CLIP", "--broker-user", "anna"], "need a --broker"),
    (["--source", "rtsp://127.0.0.1/a?user=anna&password=sesame"], "streams__0__source__url"),
    (["--source", "rtsp://127.0.0.1/a", "--user", "a", "--password-file", "nowhere"], "nowhere: cannot be read"),
    (["--source", "gopher://127.0.0.1/"], "must begin with rtsp"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=[said for _, said in WRONG])
def test_what_cannot_work(cli, folder, red_clip, arguments, said):
    words = [str(red_clip) if word == "CLIP" else word for word in arguments]
    ran = cli("init", *words, "--out", "config.yaml", "--yes")
    assert ran.code == 78
    assert said in ran.err
    assert "sesame" not in ran.err
    assert list(folder.iterdir()) == []


def test_a_broken_installation_is_told_before_anything_is_written(cli, folder, red_clip, broken_builtin):
    ran = cli("init", "--source", red_clip, "--model", "builtin", "--label", "fall", "--out", "config.yaml", "--yes")
    assert ran.code == 78
    assert "install movinet-edge again" in ran.err
    assert ran.err.count("\n") == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("host", Broker("host", None, False)),
        ("host:1884", Broker("host", 1884, False)),
        ("mqtt://10.0.0.1", Broker("10.0.0.1", None, False)),
        ("mqtts://host:8884/", Broker("host", 8884, True)),
        ("[::1]:1883", Broker("::1", 1883, False)),
    ],
)
def test_brokers(text, broker):
    assert broker_from(text) == broker


@pytest.mark.parametrize("text", ["", ":1883", "host:port", "http://host", "a@host", "host/topic", "host:99999"])
def test_what_is_no_broker(text):
    with pytest.raises(ConfigurationError, match="must be a host"):
        broker_from(text)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("/etc/movinet-edge/config.yaml", "state_dir: /var/lib/movinet-edge"),
        ("/etc/movinet-edge/porch.yaml", "state_dir: /var/lib/movinet-edge@porch"),
        ("/home/anna/config.yaml", "# state_dir: /var/lib/movinet-edge"),
    ],
)
def test_the_service_has_a_place_for_its_state(place, line):
    wishes = Wishes({"type": "camera"}, "waving hand", None, None, Path(place))
    assert line in configuration_text(wishes).splitlines()


def test_the_service_is_started_by_its_unit():
    wishes = Wishes(
        {"type": "rtsp", "user": "a"}, "x", Broker("b", None, True), "u", Path("/etc/movinet-edge/porch.yaml")
    )
    camera, broker, start, look = _next_steps(wishes)
    assert "/etc/movinet-edge/credentials/streams__0__source__password " in camera
    assert "/etc/movinet-edge/credentials/sinks__0__password " in broker
    assert start == (
        "sudo systemctl enable --now movinet-edge@porch    # the first start downloads the model; where it cannot be"
        " downloaded: init --model builtin"
    )
    assert look == "sudo movinet-edge doctor --config /etc/movinet-edge/porch.yaml"


def test_a_service_with_the_packages_own_model_downloads_nothing():
    wishes = Wishes({"type": "camera"}, "fall", None, None, Path("/etc/movinet-edge/config.yaml"), "builtin")
    start, _look = _next_steps(wishes)
    assert start == "sudo systemctl enable --now movinet-edge"


@pytest.mark.parametrize("value", ["no", "1e3", 'a "quoted" \\ text', "ümläut: #x", "{x}"])
def test_any_text_comes_back_as_it_was(folder, value):
    broker = Broker(value, None, True)
    wishes = Wishes({"type": "file", "path": value}, value, broker, value, folder / "c.yaml", f"/{value}.tflite")
    (folder / "c.yaml").write_text(configuration_text(wishes), encoding="utf-8")
    loaded = load(folder / "c.yaml")
    assert loaded.model == f"/{value}.tflite"
    assert loaded.streams[0].source.options["path"] == value
    (action,) = loaded.streams[0].actions.values()
    assert action.labels == (value,)
    assert loaded.sinks[0].options == {"host": value, "tls": True, "user": value}


def test_questions_on_a_terminal(folder, red_clip, official):
    ours, theirs = pty.openpty()
    command = [*COMMAND, "init", "--out", "config.yaml"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.write(ours, f"{red_clip}\n127.0.0.1:9\n\njuggling balls\nn\n".encode())
        out, err = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 1
    assert "Camera (rtsp://…" in out
    assert "Model (" not in out
    assert "Write it all the same?" in out
    assert "is not written" in err
    assert list(folder.iterdir()) == []


def test_without_the_default_model_it_is_asked_which_one(folder, red_clip):
    ours, theirs = pty.openpty()
    command = [*COMMAND, "init", "--out", "config.yaml"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.write(ours, f"{red_clip}\n\nbuiltin\npush up\n".encode())
        out, err = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, err) == (0, "")
    assert "Model (movinet-a0-int8 must be downloaded, builtin comes with the package) [movinet-a0-int8]: " in out
    assert "What to watch for (fall, lie, " in out
    assert load(Path("config.yaml")).model == "builtin"
    assert list(load(Path("config.yaml")).streams[0].actions) == ["push up"]


@pytest.mark.parametrize(("label", "name"), [("juggling balls", "juggling balls"), ("playing *", "watched")])
def test_an_action_is_called_like_its_label(cli, folder, red_clip, label, name):
    assert cli("init", "--source", red_clip, "--label", label, "--out", "config.yaml").code == 0
    assert list(load(Path("config.yaml")).streams[0].actions) == [name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_others_is_told_before_anything_is_asked(cli, red_clip):
    ran = cli("init", "--source", red_clip, "--out", "/config.yaml")
    assert ran.code == 78
    assert "/ cannot be written by this user; with sudo, or elsewhere by --out FILE" in ran.err
    assert ran.out == ""
