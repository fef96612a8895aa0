"""`movinet-edge status` against a daemon that runs, and where none does."""

import re
import socket

import pytest
from commands import in_pipes, on_terminal
from running_daemon import CONFIG, RunningDaemon

from movinet_edge import __version__
from movinet_edge.api import DaemonStatus
from movinet_edge.cli.control import SYSTEM_SOCKET
from movinet_edge.daemon.control_socket import ControlSocket


@pytest.fixture(scope="module")
def running(tmp_path_factory, toy, clip_of):
    """A daemon with a stream that runs, one that is off and one that cannot be read."""
    clip = clip_of("long.mkv", ("red", 30))
    daemon = RunningDaemon(tmp_path_factory.mktemp("daemon"), CONFIG, toy=toy, clip=clip)
    daemon.start_and_wait()
    yield daemon
    assert daemon.stop() == 0, daemon.told()
    assert "Traceback" not in daemon.told()


def test_the_table(running):
    running.until(lambda: any(action["active"] for action in running.stream("hall")["actions"]))
    running.until(lambda: running.stream("hall")["health"]["fps_scored"])
    ran = running.ask("status")
    assert (ran.code, ran.err) == (0, "")
    assert re.match(rf"movinet-edge {re.escape(__version__)}, up for \d+(\.\d)? s\n", ran.out)
    rows = {line.split()[0]: line.strip() for line in ran.out.splitlines() if line.strip()}
    assert re.match(r"hall +live .* 5\.\d of 5 .* ms +reddening, turning: \[all\]$", rows["hall"])
    assert re.match(r"yard +disabled ", rows["yard"])
    assert re.match(r"attic +ended ", rows["attic"])
    assert re.match(r"jsonl +(idle|delivering) +[1-9]\d* +0 +0 +0$", rows["jsonl"])
    assert re.search(r"^attic: .*nothing\.mp4.*there is no such file", ran.out, re.MULTILINE)
    assert "hall:" not in ran.out, "where all is well there is nothing to remark"


@pytest.mark.parametrize("columns", [80, 119, 120])
def test_what_matters_most_fits_on_a_narrow_terminal(running, columns):
    running.until(lambda: any(action["active"] for action in running.stream("hall")["actions"]))
    running.until(lambda: running.stream("hall")["health"]["fps_scored"])
    ran = on_terminal("status", "--config", running.config, columns=columns)
    assert ran.code == 0
    assert re.search(r"^ *hall +live .* 5\.\d of 5 .*reddening", ran.out, re.MULTILINE)
    assert re.search(r"^ *yard +disabled ", ran.out, re.MULTILINE)
    assert re.search(r"^ *jsonl +(idle|delivering) +[1-9]", ran.out, re.MULTILINE)
    assert ("reconnects" in ran.out) == (columns >= 120)
    assert "…" not in ran.out


def test_everything_for_programs(running):
    running.until(lambda: running.stream("hall")["health"]["fps_scored"])
    ran = running.ask("status", "--json")
    assert (ran.code, ran.err) == (0, "")
    status = DaemonStatus.model_validate_json(ran.out)
    assert status.version == __version__
    assert {stream.name: stream.state for stream in status.streams} == {
        "hall": "live",
        "yard": "disabled",
        "attic": "ended",
    }
    hall = status.streams[0]
    assert hall.health.read >= hall.health.scored > 0
    assert hall.health.fps_wanted == 5.0
    assert hall.health.inference_p95_ms >= hall.health.inference_p50_ms > 0.0
    assert hall.health.frame_age_s < 5.0
    assert set(hall.health.dropped) == {"engine busy", "unusable"}
    assert hall.actions[0].model_dump(include={"name", "on", "off"}) == {"name": "reddening", "on": 0.5, "off": 0.3}
    assert hall.advice == ()
    assert [sink.name for sink in status.sinks] == ["jsonl"]


LOGIN = """\
    model: {toy}
    state_dir: state
    log: {{level: debug}}
    streams:
      - name: beside
        source: {{type: rtsp, url: "rtsp://127.0.0.1:{port}/1", user: looker, password: "h#sh:{secret}"}}
        actions: &actions
          reddening: {{labels: [turning red]}}
      - name: within
        source: {{type: rtsp, url: "rtsp://looker:h%23sh%3A{secret}@127.0.0.1:{port}/1"}}
        actions: *actions
      - name: asked
        source: {{type: rtsp, url: "http://127.0.0.1:{port}/video?user=looker&pwd={secret}"}}
        actions: *actions
"""


def test_a_login_is_neither_in_the_log_nor_in_the_status(folder, toy):
    hidden = "correcthorse"
    with socket.socket() as nobody:  # bound but not listening
        nobody.bind(("127.0.0.1", 0))
        daemon = RunningDaemon(folder, LOGIN, toy=toy, port=nobody.getsockname()[1], secret=hidden)
        daemon.start_and_wait()
        daemon.until(lambda: all("refused" in stream["reason"] for stream in daemon.status()["streams"]))
        daemon.until(lambda: all(daemon.stream(name)["health"]["reconnects"] for name in ("beside", "within", "asked")))
        shown = [daemon.ask("status").out, daemon.ask("status", "--json").out]
        assert daemon.stop() == 0
    for text in (daemon.told(), *shown):
        assert "refused" in text
        assert hidden not in text
        assert "looker" not in text


def test_the_socket_may_be_named_instead_of_the_configuration(running):
    ran = in_pipes("status", "--json", "--socket", running.folder / "state" / "control.sock")
    assert DaemonStatus.model_validate_json(ran.out).version == __version__


def test_no_daemon(cli, folder, toy, red_clip):
    daemon = RunningDaemon(folder, CONFIG, toy=toy, clip=red_clip)
    ran = cli("status", "--config", daemon.config)
    assert (ran.code, ran.out) == (69, "")
    assert ran.err == (f"movinet-edge: no movinet-edge runs here: nobody listens at {folder}/state/control.sock\n")
    ran = cli("status", "--socket", folder / "elsewhere.sock")
    assert (ran.code, ran.err.count("nobody listens at")) == (69, 1)


def test_a_configuration_that_is_wrong_or_switches_the_socket_off(cli, folder, toy, red_clip):
    daemon = RunningDaemon(folder, CONFIG + "    control: {{enabled: false}}\n", toy=toy, clip=red_clip)
    ran = cli("status", "--config", daemon.config)
    assert ran.code == 69
    assert "switches the control socket off" in ran.err
    daemon.config.write_text("streams: []\n")
    for config in (daemon.config, folder / "none.yaml"):
        ran = cli("status", "--config", config)
        assert ran.code == 78
        assert str(config) in ran.err
        assert "--socket PATH reaches it" in ran.err


def test_nobody_at_the_first_place_does_not_hide_the_daemon_at_the_second(cli, folder, toy, red_clip, monkeypatch):
    """With systemd the socket is in its runtime directory, where one of a killed daemon may be."""
    stale, own = folder / "run" / "control.sock", folder / "state" / "control.sock"
    monkeypatch.setattr("movinet_edge.cli.control.SYSTEM_SOCKET", stale)
    config = RunningDaemon(folder, CONFIG, toy=toy, clip=red_clip).config
    monkeypatch.setattr("movinet_edge.cli.control.DEFAULT_PATH", config)
    stale.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(stale))
    control = ControlSocket(own, 0o600, lambda _request: "from the second")
    try:
        assert cli("status", "--json").out == '"from the second"\n'
    finally:
        control.close()
    ran = cli("status", "--json")
    assert ran.code == 69
    assert f"nobody listens at {stale}" in ran.err
    assert f"nobody listens at {own}" in ran.err


def test_the_system_socket_is_where_the_unit_puts_it():
    assert str(SYSTEM_SOCKET) == "/run/movinet-edge/control.sock"
