"""The keys for what is done while the daemon runs: the control socket, and when a stream is stalled or off."""

import stat
from pathlib import Path

import pytest

STREAMS = """\
streams:
  - name: porch
    source: {type: file, path: clip.mp4}
    all_labels: true
"""


def test_what_holds_when_nothing_is_said(loaded, tmp_path, monkeypatch):
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    configuration = loaded("state_dir: state\n" + STREAMS)
    assert (configuration.control.enabled, configuration.control.mode) == (True, 0o660)
    assert configuration.control_sockets == (tmp_path / "state" / "control.sock",)
    (stream,) = configuration.streams
    assert (stream.enabled, stream.stall_after_s) == (True, 10.0)


def test_systemds_runtime_directory_comes_before_the_state_folder(loaded, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/movinet-edge:/run/other")
    assert loaded("state_dir: state\n" + STREAMS).control_sockets == (
        Path("/run/movinet-edge/control.sock"),
        tmp_path / "state" / "control.sock",
    )
    assert loaded("control: {socket: own.sock}\n" + STREAMS).control_sockets == (tmp_path / "own.sock",)


@pytest.mark.parametrize(
    ("written", "mode"), [('"0660"', 0o660), ("'600'", 0o600), ('"0777"', stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)]
)
def test_a_mode_is_octal(loaded, written, mode):
    assert loaded(f"control: {{mode: {written}}}\n{STREAMS}").control.mode == mode


@pytest.mark.parametrize(
    "written", ["0660", "660", '"rw-rw----"', '"0o660"', '"0888"', '"66"', '"10660"', "null", "[6]"]
)
def test_what_is_no_mode_is_said_so(complaints, written):
    """A number is none: YAML would take 0660 for six hundred and sixty."""
    (complaint,) = complaints(f"control: {{mode: {written}}}\n{STREAMS}")
    assert complaint.startswith("config.yaml:1: control.mode: ")
    assert 'is not a file mode; write for example "0660", in quotes' in complaint


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("stall_afer: 5s", "unknown key; did you mean 'stall_after'?"),
        ("stall_after: 0", "streams[0].stall_after: "),
        ("stall_after: soon", "'soon' is not a duration"),
        ("enabled: maybe", "streams[0].enabled: "),
        ("enable: false", "unknown key; did you mean 'enabled'?"),
    ],
)
def test_what_a_stream_cannot_have(complaints, key, complaint):
    (told,) = complaints(f"{STREAMS}    {key}\n")
    assert told.startswith("config.yaml:5: streams[0].")
    assert complaint in told


def test_what_a_stream_can_have(loaded):
    (stream,) = loaded(f"{STREAMS}    stall_after: 1m30s\n    enabled: false\n").streams
    assert (stream.stall_after_s, stream.enabled) == (90.0, False)


def test_a_misspelt_key_of_the_socket(complaints):
    assert complaints(f"control: {{sockt: /run/x}}\n{STREAMS}") == [
        "config.yaml:1: control.sockt: unknown key; did you mean 'socket'?"
    ]
