"""`reload`, `enable`, `disable` and `set`, each against a daemon in a process of its own."""

import os
import signal
import stat

import pytest
from running_daemon import CONFIG, RunningDaemon


@pytest.fixture
def daemon(folder, toy, clip_of):
    """A daemon that is started by the test."""
    daemon = RunningDaemon(folder, CONFIG, toy=toy, clip=clip_of("long.mkv", ("red", 30)))
    yield daemon
    if daemon.process is not None:
        assert daemon.stop() == 0, daemon.told()
        assert "Traceback" not in daemon.told()


@pytest.fixture
def ask(daemon, cli):
    """A verb to the daemon; in this process, since a process of its own takes half a second."""
    return lambda verb, *arguments: cli(verb, *arguments, "--config", daemon.config)


def threshold(daemon):
    return daemon.stream("hall")["actions"][0]["on"]


def test_what_is_switched_and_set_is_done_told_and_kept_over_a_restart(daemon, ask):
    daemon.start_and_wait()
    daemon.until(lambda: ("hall", "start", None) in daemon.events())
    assert ask("disable", "hall").out == "hall is switched off\n"
    daemon.until(lambda: ("hall", "stop", "disabled") in daemon.events())
    assert ask("enable", "yard").out == "yard is switched on\n"
    ran = ask("set", "hall.reddening.on=0.75")
    assert (ran.code, ran.out) == (0, "reddening of hall begins at 0.75\n")
    assert ask("set", "hall.turning: [all].on=0.8").out == "turning: [all] of hall begins at 0.8\n"
    assert daemon.stop() == 0

    daemon.start_and_wait()
    assert daemon.stream("hall")["state"] == "disabled"
    assert daemon.stream("yard")["state"] != "disabled"
    assert [action["on"] for action in daemon.stream("hall")["actions"]] == [0.75, 0.8]
    assert ask("enable", "hall").code == 0
    daemon.until(lambda: daemon.stream("hall")["state"] == "live")

    # What cannot be is refused in the daemon's words, and changes nothing.
    for arguments, words in (
        (("enable", "hal"), "there is no stream 'hal'; did you mean 'hall'?"),
        (("disable", "garage"), "there is no stream 'garage'; there are: hall, yard, attic"),
        (("set", "hall.redening.on=0.5"), "stream 'hall' watches for no action 'redening'; did you mean 'reddening'?"),
    ):
        ran = ask(*arguments)
        assert (ran.code, ran.out, ran.err) == (78, "", f"movinet-edge: {words}\n")
    assert threshold(daemon) == 0.75


def test_a_changed_file_is_applied_by_reload_and_by_sighup_and_a_wrong_one_is_not(daemon, ask):
    daemon.start_and_wait()
    right = daemon.config.read_text()
    assert ask("reload").out == "nothing to change\n"
    daemon.config.write_text(right.replace("on: 0.5", "on: 0.6"))
    assert ask("reload").out == "stream changed: hall\n"
    assert threshold(daemon) == 0.6

    daemon.config.write_text(right.replace("on: 0.5", "on: 0.7"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: threshold(daemon) == 0.7)

    # Wrong in a place of its own, for which the verb need not look at the file itself.
    daemon.config.write_text(right.replace("labels: [turning red], on: 0.5", "labels: [turning rad], on: 0.5"))
    ran = ask("reload")
    assert (ran.code, ran.out) == (78, "")
    assert "the old configuration goes on, because the new one is wrong:" in ran.err
    assert "config.yaml:7: streams[0].actions.reddening.labels[0]: " in ran.err
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: daemon.told().count("the configuration was not reloaded, the old one goes on") == 2)
    assert threshold(daemon) == 0.7

    daemon.config.write_text(right.replace("on: 0.5", "on: 0.8"))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until(lambda: threshold(daemon) == 0.8)
    assert daemon.told().count("source rejected") == 1, "the stream that did not change was not opened again"


def test_after_a_kill_the_socket_is_made_anew_and_in_the_end_it_is_gone(daemon, ask):
    daemon.config.write_text(daemon.config.read_text() + "control: {mode: '0600'}\n")
    daemon.start_and_wait()
    path = daemon.folder / "state" / "control.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL
    assert path.is_socket()
    ran = ask("reload")
    assert (ran.code, ran.err) == (69, f"movinet-edge: no movinet-edge runs here: nobody listens at {path}\n")
    daemon.start_and_wait()
    assert daemon.stop() == 0
    assert not path.exists()


def test_a_socket_that_cannot_be_made_costs_no_detection(daemon):
    (daemon.folder / "state").mkdir()
    os.mkfifo(daemon.folder / "state" / "control.sock")
    daemon.start()
    daemon.until(daemon.events)
    assert "there is no control socket" in daemon.told()
    assert "which is not a socket" in daemon.told()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("hall.reddening.on=1.5", "'1.5' is not a score"),
        ("hall.reddening.on=0", "'0' is not a score"),
        ("hall.reddening.on=nan", "'nan' is not a score"),
        ("hall.reddening.on=1e999", "'1e999' is not a score"),
        ("hall.reddening.on=high", "'high' is not a score"),
        ("hall.reddening.on=", "'' is not a score"),
        ("hall.reddening.off=0.5", "not of the form STREAM.ACTION.on=SCORE"),
        ("hall.reddening=0.5", "not of the form STREAM.ACTION.on=SCORE"),
        ("hall.on=0.5", "not of the form STREAM.ACTION.on=SCORE"),
        ("=0.5", "not of the form STREAM.ACTION.on=SCORE"),
        ("hall", "not of the form STREAM.ACTION.on=SCORE"),
    ],
)
def test_what_is_no_threshold_is_refused_before_anybody_is_asked(cli, change, words):
    ran = cli("set", change, "--socket", "/nowhere")
    assert (ran.code, ran.out) == (64, "")
    assert words in ran.err
    assert "Traceback" not in ran.err
