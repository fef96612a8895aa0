"""`doctor`: on this machine as it is, on made-up machines, and beside a daemon that runs."""

import json
import os
import textwrap

import pytest
from running_daemon import CONFIG, RunningDaemon

from movinet_edge import __version__
from movinet_edge.cli.self_test import judged, judged_speed
from movinet_edge.daemon import diagnosis
from movinet_edge.daemon.diagnosis import Finding, examine

SECTIONS = [
    "versions",
    "cameras",
    "disks",
    "clock",
    "power",
    "configuration",
    "sinks",
    "models",
    "daemon",
    "self-test",
]


@pytest.fixture
def examined(cli):
    """Run it and give the lines by section and name."""

    def _examined(*arguments):
        ran = cli("doctor", "--json", *arguments)
        answer = json.loads(ran.out)
        assert ran.code == (0 if answer["well"] else 1)
        lines = [line for section in answer["sections"].values() for line in section]
        assert answer["well"] == all(line["well"] for line in lines)
        assert not [line for line in lines if line["what"] == "broken check"]
        return {title: {line["what"]: line for line in section} for title, section in answer["sections"].items()}

    return _examined


@pytest.fixture
def write(folder, toy, red_clip):
    """Write a configuration into the working folder."""

    def _write(source, sinks="[]"):
        text = f"""\
            model: {toy}
            state_dir: state
            streams:
              - name: hall
                source: {source}
                actions:
                  reddening: {{labels: [turning red]}}
            sinks: {sinks}
            """
        path = folder / "config.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return _write


def test_it_needs_neither_a_configuration_nor_a_model(examined, folder):
    found = examined("--config", folder / "none.yaml")
    assert list(found) == SECTIONS
    assert found["versions"]["movinet-edge"]["found"] == __version__
    assert found["configuration"]["file"]["remedy"] == "movinet-edge init"
    assert found["models"]["builtin"]["found"].startswith("ok")
    assert "movinet-edge models pull a0" in found["models"]["others"]["found"]
    assert found["self-test"]["runtime"]["found"].startswith("builtin on LiteRT")
    assert found["self-test"]["bundled clip"]["found"] == "jumping jacks and push up seen, as expected"
    assert found["sinks"] == {}


def test_what_is_read_by_a_person(cli, folder):
    ran = cli("doctor", "--config", folder / "none.yaml")
    assert (ran.code, ran.err) == (1, "")
    assert [line for line in ran.out.splitlines() if line in SECTIONS] == SECTIONS
    assert f"  movinet-edge             {__version__}\n" in ran.out
    assert "! file                     none.yaml" in ran.out.replace(f"{folder}/", "")
    assert "→ movinet-edge init\n" in ran.out
    assert f"{ran.out.count('→')} to look at, marked with !" in ran.out


def test_the_official_model_understands_the_clip(examined, official, folder):
    found = examined("--config", folder / "none.yaml")
    assert found["models"]["movinet-a0-int8"]["found"].startswith("ok: ")
    assert found["self-test"]["runtime"]["well"]
    assert found["self-test"]["runtime"]["found"].startswith("movinet-a0-int8 on ")
    assert found["self-test"]["bundled clip"]["found"] == "jumping jacks and push up seen, as expected"
    assert " ms per frame" in found["self-test"]["speed"]["found"]


def test_a_damaged_model_is_seen(examined, a0_int8, tmp_path, folder):
    content = bytearray(a0_int8.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "movinet-a0-int8.tflite").write_bytes(content)
    line = examined("--config", folder / "none.yaml")["models"]["movinet-a0-int8"]
    assert "corrupted" in line["found"]
    assert line["remedy"] == "remove that file, then `movinet-edge models pull movinet-a0-int8`"


def test_a_broken_installation_is_seen(examined, broken_builtin, folder):
    everything = examined("--config", folder / "none.yaml")
    found = everything["models"]
    assert found["builtin"]["found"].startswith(f"{broken_builtin}: ")
    assert found["builtin"]["remedy"].startswith("install movinet-edge again")
    assert "movinet-edge models pull a0" in found["others"]["found"]
    assert everything["self-test"]["self-test"]["remedy"] == "movinet-edge models pull movinet-a0-int8"


def test_a_configuration_that_is_right(examined, write, red_clip):
    found = examined("--config", write(f"{{type: file, path: {red_clip}}}", "[{type: log}]"))
    assert found["configuration"]["file"]["well"]
    assert found["configuration"]["stream hall"]["found"].startswith("file, 1 action, toy on ")
    assert found["sinks"]["log"]["found"] == "log; --online tries it"
    assert "/work/state: " in found["disks"]["state"]["found"]


def test_a_configuration_that_is_wrong_costs_only_its_own_lines(examined, write):
    found = examined("--config", write("{type: fiel}", "[{type: log}]"))
    line = found["configuration"]["file"]
    assert not line["well"]
    assert "config.yaml:5" in line["found"]
    assert "did you mean file" in line["found"].replace("'", "")
    assert list(found) == SECTIONS


def test_no_secret_is_told(cli, write, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MOVINET_EDGE__SINKS__0__PASSWORD", "open sesame")
    path = write(
        "{type: rtsp, url: 'rtsp://anna:hunter22@127.0.0.1/live/anna/hunter22?x=1', qos: open sesame}",
        "[{type: mqtt, host: 127.0.0.1, port: 9, user: bert}]",
    )
    for arguments in ((), ("--json",), ("--online",)):
        ran = cli("doctor", *arguments, "--config", path)
        assert "config.yaml" in ran.out
        assert "MOVINET_EDGE__SINKS__0__PASSWORD" in ran.out
        for secret in ("hunter22", "anna", "sesame", str(tmp_path)):
            assert secret not in ran.out + ran.err


def test_online_tries_the_sinks(examined, write, red_clip):
    path = write(f"{{type: file, path: {red_clip}}}", "[{type: log}, {type: mqtt, host: 127.0.0.1, port: 9}]")
    sinks = examined("--online", "--config", path)["sinks"]
    assert sinks["log"]["well"]
    assert not sinks["mqtt"]["well"]
    assert "refused" in sinks["mqtt"]["found"]


def test_beside_a_daemon(examined, folder, toy, red_clip):
    daemon = RunningDaemon(folder, CONFIG, toy=toy, clip=red_clip)
    daemon.start_and_wait()
    try:
        daemon.until(lambda: daemon.stream("attic")["state"] == "ended")
        daemon.until(lambda: daemon.stream("hall")["state"] == "live")
        found = examined("--config", daemon.config)["daemon"]
    finally:
        daemon.stop()
    assert found["answer"]["found"].startswith(f"movinet-edge {__version__}, since ")
    assert found["stream hall"]["found"].startswith("live")
    assert found["stream yard"]["well"]
    assert not found["stream attic"]["well"]
    assert "there is no such file" in found["stream attic"]["found"]
    assert found["sink jsonl"]["well"]


def test_a_check_that_breaks_keeps_what_it_found():
    def check():
        yield Finding("first", "is told")
        raise ZeroDivisionError("by what?")

    first, broken = examine(check)
    assert first == Finding("first", "is told")
    assert broken.found == "ZeroDivisionError: by what?"
    assert broken.remedy


@pytest.fixture
def pi(tmp_path):
    """The files of a Raspberry Pi, as far as they are looked at."""

    def place(name, text):
        path = tmp_path / "pi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    place("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    place("proc/cpuinfo", "processor\t: 0\n")
    place("etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    place("sys/class/thermal/thermal_zone0/temp", "81234\n")
    place("sys/devices/platform/soc/soc:firmware/get_throttled", "50004\n")
    for number, name in ((10, "bcm2835-codec-decode"), (2, "C920")):
        place(f"dev/video{number}", "")
        place(f"sys/class/video4linux/video{number}/name", f"{name}\n")
    return tmp_path / "pi"


def test_a_pi_says_what_it_is(pi):
    told = {finding.what: finding.found for finding in diagnosis.versions(pi)}
    assert told["board"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert told["system"] == "Debian GNU/Linux 12 (bookworm)"


def test_a_hidden_cpuinfo_is_told(pi):
    (pi / "proc/cpuinfo").unlink()
    remedies = {finding.what: finding.remedy for finding in diagnosis.versions(pi)}
    assert "ProcSubset=pid" in remedies["/proc/cpuinfo"]


def test_cameras_by_number(pi):
    assert [(finding.what, finding.found) for finding in diagnosis.cameras(pi)] == [
        ("/dev/video2", "C920"),
        ("/dev/video10", "bcm2835-codec-decode"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_camera_of_others(pi):
    (pi / "dev/video2").chmod(0)
    finding = next(diagnosis.cameras(pi))
    assert "may not open it" in finding.found
    assert "adduser" in (finding.remedy or "")


def test_a_hot_pi_with_a_weak_supply(pi):
    heat, before, now = diagnosis.power(pi)
    assert (heat.found, bool(heat.remedy)) == ("81 °C", True)
    assert now.found == "the processor is throttled, now"
    assert before.found == "since the last boot: the voltage is too low"


@pytest.mark.parametrize(
    ("script", "bits"),
    [("echo throttled=0x50004", 0x50004), ("echo VCHI initialization failed; exit 1", None), ("echo what?", None)],
)
def test_the_firmwares_own_tool_is_asked_where_the_kernel_says_nothing(pi, script, bits):
    (pi / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    assert diagnosis.throttled_bits(pi) is None
    (pi / "usr/bin").mkdir(parents=True)
    tool = pi / "usr/bin/vcgencmd"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    assert diagnosis.throttled_bits(pi) == bits


def test_another_pis_firmware_has_another_path(pi):
    (pi / "sys/devices/platform/soc").rename(pi / "sys/devices/platform/soc@107c000000")
    assert diagnosis.throttled_bits(pi) == 0x50004


@pytest.mark.parametrize(
    ("bits", "told"),
    [
        (0x0, ["never too weak"]),
        (0x50005, ["voltage is too low, now", "throttled, now"]),
        (0x80000, ["since the last boot: the processor is too warm"]),
        (0x20002, ["capped, now"]),
    ],
)
def test_the_firmwares_bits(bits, told):
    findings = list(diagnosis.throttling(bits))
    assert len(findings) == len(told)
    for finding, part in zip(findings, told, strict=True):
        assert part in finding.found
        assert bool(finding.remedy) == (bits != 0)


def test_a_machine_that_is_no_pi(tmp_path):
    assert list(diagnosis.power(tmp_path)) == []
    assert "none on USB or CSI" in next(diagnosis.cameras(tmp_path)).found


def test_a_folder_that_is_not_there_yet(tmp_path):
    (finding,) = diagnosis.folder("state", tmp_path / "a" / "b")
    assert finding.found.startswith(f"{tmp_path}/a/b: ")
    assert "it is made when it is needed" in finding.found


@pytest.mark.parametrize(
    ("frame_ms", "board", "machine", "well"),
    [
        (12.0, "Raspberry Pi 4 Model B Rev 1.4", "aarch64", True),
        (46.0, "Raspberry Pi 4 Model B Rev 1.4", "aarch64", False),
        (16.0, "Raspberry Pi 5 Model B Rev 1.0", "aarch64", False),
        (8.0, "", "x86_64", True),
        (10.0, "", "x86_64", False),
        (100.0, "", "armv7l", True),
    ],
)
def test_speed_beside_what_is_usual(frame_ms, board, machine, well):
    finding = judged_speed(frame_ms, board, machine)
    assert (finding.remedy is None) == well
    assert f"{frame_ms:.1f} ms per frame" in finding.found


def test_events_that_are_not_the_clips():
    assert judged([]).found.startswith("nothing seen, where jumping jacks and push up should be")
