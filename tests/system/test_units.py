"""The unit files as text: what is true of them on any machine."""

from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"


def directives(name):
    lines = (UNITS / name).read_text().splitlines()
    return [line for line in lines if line and line[0] not in "#["]


def test_the_template_differs_in_names_alone():
    plain = [
        line.replace("movinet-edge,", "movinet-edge %i,")
        .replace("config.yaml", "%i.yaml")
        .replace("/run/movinet-edge", "/run/movinet-edge@%i")
        .replace("StateDirectory=movinet-edge", "StateDirectory=movinet-edge@%i")
        .replace("CacheDirectory=movinet-edge", "CacheDirectory=movinet-edge@%i")
        .replace("RuntimeDirectory=movinet-edge", "RuntimeDirectory=movinet-edge@%i")
        for line in directives("movinet-edge.service")
        if not line.startswith("LoadCredential=")
    ]
    assert directives("movinet-edge@.service") == plain


@pytest.mark.parametrize("name", ["movinet-edge.service", "movinet-edge@.service", "libcamera.conf"])
def test_nothing_hides_what_inference_needs(name):
    # XNNPACK reads /proc/cpuinfo, and without it a frame takes 5 to 12 times as long.
    assert not any(line.startswith("ProcSubset=") for line in directives(name))


def test_every_exit_code_that_a_restart_cannot_help_is_named():
    from movinet_edge.cli import exit_codes

    (line,) = [line for line in directives("movinet-edge.service") if line.startswith("RestartPreventExitStatus=")]
    named = {int(code) for code in line.partition("=")[2].split()}
    assert named == {exit_codes.USAGE, exit_codes.NO_INPUT, exit_codes.CONFIGURATION}


@pytest.mark.parametrize(
    ("unit", "config"),
    [("movinet-edge.service", "config.yaml"), ("movinet-edge@.service", "porch.yaml")],
)
def test_commands_look_for_the_daemon_where_its_unit_puts_it(unit, config):
    from movinet_edge.cli.control import system_sockets

    (folder,) = [line for line in directives(unit) if line.startswith("RuntimeDirectory=")]
    place = Path("/run", folder.partition("=")[2].replace("%i", "porch"), "control.sock")
    assert system_sockets(Path("/etc/movinet-edge", config)) == (place,)
    assert system_sockets(Path("/home/me", config)) == ()
