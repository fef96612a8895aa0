"""The control socket against real clients: good ones, wrong ones, hanging ones, and what a killed daemon leaves."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from coloured_scenes import PATIENCE_S
from stream_run import until
from structlog.testing import capture_logs

from movinet_edge.api import CommandRefused, MovinetEdgeError
from movinet_edge.daemon import control_socket as control_module
from movinet_edge.daemon.control_socket import (
    ControlSocket,
    NoDaemon,
    Reload,
    SetThreshold,
    Status,
    Switch,
    ask,
)

_NOBODY = 65534  # on Debian and most others


def answer(request):
    """Says what it was asked; refuses one stream, and fails at another."""
    match request:
        case Switch(stream="nobody"):
            raise CommandRefused("there is no stream 'nobody'")
        case Switch(stream="broken"):
            raise ZeroDivisionError("division by zero")
        case _:
            return request.model_dump()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "control.sock"


@pytest.fixture
def listening(path):
    """Starts a socket at a path; all are closed in the end."""
    opened = []

    def listen(where=path, mode=0o660, answer=answer):
        opened.append(ControlSocket(where, mode, answer))
        return opened[-1]

    yield listen
    for control in opened:
        control.close()


def talk(path, *pieces):
    """Send raw bytes; what came back, b"" when the connection was cut."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        try:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()
        except (ConnectionResetError, BrokenPipeError):
            return b""


@pytest.mark.parametrize(
    "request_",
    [Status(), Reload(), Switch(stream="porch", on=False), SetThreshold(stream="porch", action="wavíng ☃", on=0.6)],
    ids=lambda request: request.command,
)
def test_a_request_arrives_as_it_was_sent(listening, path, request_):
    listening()
    assert ask(path, request_) == request_.model_dump()


def test_a_refusal_arrives_in_the_daemons_words(listening, path):
    listening()
    with pytest.raises(CommandRefused, match=r"^there is no stream 'nobody'$"):
        ask(path, Switch(stream="nobody", on=True))


def test_a_fault_of_one_request_is_told_and_logged_and_the_next_is_answered(listening, path):
    listening()
    with capture_logs() as logs, pytest.raises(CommandRefused, match="failed at it: ZeroDivisionError"):
        ask(path, Switch(stream="broken", on=True))
    assert [log["log_level"] for log in logs] == ["error"]
    assert ask(path, Status()) == {"command": "status"}


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"hello\n", "Invalid JSON"),
        (b"\x00\xff\xfe\n", "not a request that is understood"),
        (b"[]\n", "not a request that is understood"),
        (b"{}\n", "not a request that is understood"),
        (b'{"command": "dance"}\n', "'dance'"),
        (b'{"command": "status", "loud": true}\n', "status.loud: Extra inputs"),
        (b'{"command": "switch", "stream": "porch"}\n', "switch.on: Field required"),
        (b'{"command": "set", "stream": "a", "action": "b", "on": NaN}\n', "set.on: "),
        (b'{"command": "set", "stream": "a", "action": "b", "on": 1e999}\n', "set.on: "),
        (b'{"command": "set", "stream": "a", "action": "b", "on": "high"}\n', "set.on: "),
        (b'{"command": "sta', "Invalid JSON"),  # and nothing more
    ],
)
def test_what_is_not_understood_is_said_so(listening, path, sent, words):
    listening()
    assert words in json.loads(talk(path, sent))["error"]
    assert ask(path, Status()) == {"command": "status"}


@pytest.mark.parametrize(
    "pieces",
    [(), (b"\n",), (b"x" * 100_000, b"\n"), (b'{"command": "switch", "stream": "', b"x" * 5000, b'", "on": true}\n')],
    ids=["nothing", "an empty line", "much too long", "long"],
)
def test_what_is_empty_or_too_long_costs_that_client_its_answer_alone(listening, path, pieces):
    listening()
    said = talk(path, *pieces)
    assert said == b"" or "error" in json.loads(said)
    assert ask(path, Status()) == {"command": "status"}


def test_a_request_may_come_in_pieces_and_without_its_end_of_line(listening, path):
    listening()
    assert json.loads(talk(path, b'{"comm', b'and": "status"}')) == {"ok": {"command": "status"}}


def test_a_client_that_hangs_is_sent_away_and_meanwhile_others_are_served(listening, path, monkeypatch):
    monkeypatch.setattr(control_module, "_CLIENT_S", 0.2)
    listening()
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.settimeout(PATIENCE_S)
        hanging.connect(str(path))
        hanging.sendall(b'{"comm')
        assert ask(path, Status()) == {"command": "status"}
        assert hanging.recv(100) == b"", "it is cut off"


def test_a_client_that_goes_away_before_its_answer_harms_nobody(listening, path):
    gone, answered = threading.Event(), threading.Event()

    def slow(request):
        if isinstance(request, Reload):
            gone.wait(PATIENCE_S)
            answered.set()

    listening(answer=slow)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b'{"command": "reload"}\n')
    gone.set()
    assert answered.wait(PATIENCE_S)
    assert ask(path, Status()) is None


def test_many_at_once(listening, path):
    listening()
    answers = []

    def client(number):
        request = Switch(stream=f"stream-{number}", on=True)
        answers.extend(ask(path, request) == request.model_dump() for _ in range(10))

    clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(PATIENCE_S)
    assert answers == [True] * 40


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_file_has_the_mode_that_was_asked_for_and_its_folder_is_the_owners(listening, path, mode):
    before = os.umask(0o000)
    try:
        listening(mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nobody_else_may_connect_before_the_mode_is_set(path, monkeypatch):
    modes = []
    chmod = type(path).chmod

    def look_first(self, mode):
        modes.append(stat.S_IMODE(self.stat().st_mode))
        chmod(self, mode)

    monkeypatch.setattr(type(path), "chmod", look_first)
    before = os.umask(0o000)
    try:
        ControlSocket(path, 0o660, answer).close()
    finally:
        os.umask(before)
    assert modes == [0o600]


def test_a_folder_deeper_than_a_socket_address_can_say(listening, tmp_path):
    path = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6) / "control.sock"
    assert len(str(path)) > 107
    control = listening(path)
    assert ask(path, Status()) == {"command": "status"}
    with pytest.raises(MovinetEdgeError, match="another movinet-edge listens there"):
        listening(path)
    control.close()
    assert not path.exists()
    with pytest.raises(NoDaemon):
        ask(path, Status())


KILLED = """
import sys, time
from pathlib import Path
from movinet_edge.daemon.control_socket import ControlSocket
ControlSocket(Path(sys.argv[1]), 0o660, lambda request: None)
print("listening", flush=True)
time.sleep(60)
"""


def test_what_a_killed_daemon_left_behind_is_replaced(listening, path):
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"listening\n"
        process.send_signal(signal.SIGKILL)
    assert path.is_socket()
    with pytest.raises(NoDaemon, match="nobody listens at"):
        ask(path, Status())
    listening()
    assert ask(path, Status()) == {"command": "status"}


def test_a_second_daemon_leaves_the_first_its_socket(listening, path):
    listening()
    with pytest.raises(
        MovinetEdgeError, match="another movinet-edge listens there; give this one its own `control: so"
    ):
        listening()
    assert ask(path, Status()) == {"command": "status"}


def test_another_file_of_that_name_stays(listening, path):
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(MovinetEdgeError, match="which is not a socket"):
        listening()
    assert path.read_text() == "precious"


def test_a_place_where_no_socket_can_be(listening, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MovinetEdgeError, match=r"the control socket .*/file/control\.sock cannot be made"):
        listening(tmp_path / "file" / "control.sock")


def test_no_daemon_is_said_so(path):
    with pytest.raises(NoDaemon, match=f"no movinet-edge runs here: nobody listens at {path}"):
        ask(path, Status())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else for a moment")
@pytest.mark.parametrize(
    ("mode", "folder_mode", "who"),
    [
        (0o660, 0o755, "a member of the socket's group: {group}"),
        (0o600, 0o755, "the user who runs the daemon"),
        (0o660, 0o700, "the user who runs the daemon"),
    ],
)
def test_whoever_may_not_use_it_is_told_who_may(listening, mode, folder_mode, who):
    with tempfile.TemporaryDirectory() as folder:  # since pytest's own folders are closed to others at every level
        where = Path(folder, "run", "control.sock")
        listening(where, mode)
        Path(folder).chmod(0o755)
        where.parent.chmod(folder_mode)
        who = who.format(group=where.group())
        groups = os.getgroups()
        os.setgroups([])
        os.setegid(_NOBODY)
        os.seteuid(_NOBODY)
        try:
            with pytest.raises(NoDaemon, match=f"may not be used by this user; be root, or {who}$"):
                ask(where, Status())
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)


def test_whoever_answers_nonsense_is_no_daemon(path):
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve():
            connection, _ = server.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(NoDaemon, match="does not answer"):
            ask(path, Status())
        thread.join(PATIENCE_S)


@pytest.mark.parametrize("gone", [False, True], ids=["in its place", "its file is gone"])
def test_closing_is_quick_and_leaves_nothing(path, gone):
    began_s = time.monotonic()
    control = ControlSocket(path, 0o660, answer)
    if gone:
        path.unlink()
    control.close()
    assert time.monotonic() - began_s < 3.0
    assert not path.exists()


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_and_no_thread_is_left(path, tmp_path):
    ControlSocket(path, 0o660, answer).close()
    before, threads = descriptors(), threading.active_count()
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6) / "control.sock"
    for where in (path, deep):
        control = ControlSocket(where, 0o660, answer)
        for _ in range(20):
            ask(where, Status())
            with pytest.raises(CommandRefused), capture_logs():
                ask(where, Switch(stream="broken", on=True))
        with pytest.raises(MovinetEdgeError):
            ControlSocket(where, 0o660, answer)
        control.close()
        with pytest.raises(NoDaemon):
            ask(where, Status())
    until(lambda: threading.active_count() <= threads)
    until(lambda: descriptors() <= before)
