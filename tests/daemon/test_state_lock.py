"""One daemon per state folder, for as long as its process lives."""

import os
import signal
import subprocess
import sys

import pytest

from movinet_edge.api import MovinetEdgeError
from movinet_edge.daemon.state_lock import StateInUse, locked_state

HOLDER = """
import sys, time
from pathlib import Path
from movinet_edge.daemon.state_lock import locked_state
with locked_state(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_made_for_its_owner_alone(tmp_path):
    folder = tmp_path / "a" / "state"
    with locked_state(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "lock").read_text(encoding="ascii") == f"{os.getpid()}\n"


def test_a_second_one_is_refused_and_told_who_holds_it(tmp_path):
    with locked_state(tmp_path), pytest.raises(StateInUse) as caught, locked_state(tmp_path):
        pass
    assert f"process {os.getpid()}" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_afterwards_it_is_free(tmp_path):
    for _ in range(2):
        with locked_state(tmp_path):
            pass


def test_a_longer_number_from_before_leaves_nothing_behind(tmp_path):
    (tmp_path / "lock").write_text("123456789012345\n", encoding="ascii")
    with locked_state(tmp_path):
        assert (tmp_path / "lock").read_text(encoding="ascii") == f"{os.getpid()}\n"


def test_an_unreadable_number_does_not_hide_the_reason(tmp_path):
    (tmp_path / "lock").write_bytes(b"")
    with locked_state(tmp_path):
        (tmp_path / "lock").write_bytes(b"\xff")
        with pytest.raises(StateInUse), locked_state(tmp_path):
            pass


def test_the_lock_goes_with_a_killed_process(tmp_path):
    arguments = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateInUse, match=f"process {holder.pid}"), locked_state(tmp_path):
            pass
        holder.kill()
        holder.wait()
        assert holder.returncode == -signal.SIGKILL
    with locked_state(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_says_what_would_help(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MovinetEdgeError, match="state_dir") as caught, locked_state(tmp_path / "file" / "state"):
        pass
    assert str(tmp_path / "file" / "state") in str(caught.value)
