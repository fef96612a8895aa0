"""What was changed while the daemon ran: kept over restarts, and an older word than a later edit of the file."""

import json
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest
from coloured_scenes import PATIENCE_S
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from trouble import file_size_limit

from movinet_edge.daemon.adjustments import Adjustments


@pytest.fixture
def path(tmp_path):
    return tmp_path / "adjustments.json"


def test_what_was_not_changed_is_as_configured(path):
    adjustments = Adjustments(path)
    assert adjustments.on("porch", "waving", 0.5) == 0.5
    assert adjustments.enabled("porch", True) is True
    assert adjustments.enabled("porch", False) is False
    assert not path.exists()


def test_a_change_outlives_a_restart(path):
    before = Adjustments(path)
    before.set_on("porch", "waving", configured=0.5, now=0.7)
    before.set_enabled("yard", configured=True, now=False)
    for adjustments in (before, Adjustments(path)):
        assert adjustments.on("porch", "waving", 0.5) == 0.7
        assert adjustments.on("porch", "yoga", 0.5) == 0.5
        assert adjustments.on("yard", "waving", 0.5) == 0.5
        assert adjustments.enabled("yard", True) is False
        assert adjustments.enabled("porch", True) is True


def test_a_later_edit_of_the_file_wins_for_good(path):
    adjustments = Adjustments(path)
    adjustments.set_on("porch", "waving", configured=0.5, now=0.7)
    adjustments.set_enabled("porch", configured=True, now=False)
    assert adjustments.on("porch", "waving", 0.6) == 0.6
    assert adjustments.enabled("porch", False) is False
    # Written back as it was, it does not bring back what was said long before.
    for later in (adjustments, Adjustments(path)):
        assert later.on("porch", "waving", 0.5) == 0.5
        assert later.enabled("porch", True) is True


def test_what_is_set_back_is_no_longer_kept(path):
    adjustments = Adjustments(path)
    adjustments.set_on("porch", "waving", configured=0.5, now=0.7)
    adjustments.set_on("porch", "waving", configured=0.5, now=0.5)
    adjustments.set_enabled("porch", configured=True, now=False)
    adjustments.set_enabled("porch", configured=True, now=True)
    assert "waving" not in path.read_text()
    assert json.loads(path.read_text())["enabled"] == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"on": {"porch": {"waving": {"configured": 0.5, "now": 7}}}}',
        b'{"on": {"porch": {"waving": {"configured": 0.5, "now": NaN}}}}',
        b'{"enabled": {"porch": {"configured": true}}}',
        b'{"volume": 11}',
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_left_out(path, content):
    path.write_bytes(content)
    with capture_logs() as logs:
        adjustments = Adjustments(path)
    assert [(log["log_level"], log["path"]) for log in logs] == [("error", str(path))]
    assert "\n" not in logs[0]["reason"]
    assert adjustments.on("porch", "waving", 0.5) == 0.5
    adjustments.set_on("porch", "waving", configured=0.5, now=0.7)
    assert Adjustments(path).on("porch", "waving", 0.5) == 0.7


def test_a_folder_in_its_place_is_told_and_the_change_holds_until_the_next_start(path):
    path.mkdir()
    with capture_logs() as logs:
        adjustments = Adjustments(path)
        adjustments.set_on("porch", "waving", configured=0.5, now=0.7)
    assert [log["log_level"] for log in logs] == ["error", "error"]
    assert logs[1]["event"] == "the change holds until the next start only"
    assert adjustments.on("porch", "waving", 0.5) == 0.7


def test_a_folder_that_went_away_costs_no_change(path):
    adjustments = Adjustments(path)
    path.parent.rmdir()
    with capture_logs() as logs:
        adjustments.set_enabled("porch", configured=True, now=False)
    assert [log["log_level"] for log in logs] == ["error"]
    assert adjustments.enabled("porch", True) is False


def test_a_full_disk_leaves_the_old_file_whole(path):
    adjustments = Adjustments(path)
    adjustments.set_on("porch", "waving", configured=0.5, now=0.7)
    before = path.read_bytes()
    with capture_logs() as logs, file_size_limit(10):
        adjustments.set_on("porch", "waving", configured=0.5, now=0.8)
    assert [log["log_level"] for log in logs] == ["error"]
    assert path.read_bytes() == before
    assert adjustments.on("porch", "waving", 0.5) == 0.8
    adjustments.set_on("porch", "yoga", configured=0.5, now=0.6)
    assert Adjustments(path).on("porch", "waving", 0.5) == 0.8


WRITER = """
import sys
from pathlib import Path
from movinet_edge.daemon.adjustments import Adjustments
adjustments = Adjustments(Path(sys.argv[1]))
print("begun", flush=True)
for number in range(1, 10**9):
    adjustments.set_on("porch", "waving", configured=0.5, now=(1 + number % 99) / 100)
"""


def test_a_kill_at_any_instant_leaves_a_whole_file(path):
    for wait_s in (0.0, 0.005, 0.011):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"begun\n"
            give_up_s = time.monotonic() + PATIENCE_S
            while not path.exists():
                assert time.monotonic() < give_up_s
            time.sleep(wait_s)
            process.send_signal(signal.SIGKILL)
        with capture_logs() as logs:
            assert 0.0 < Adjustments(path).on("porch", "waving", 0.5) <= 1.0
        assert logs == []


def test_nothing_is_kept_without_a_path():
    adjustments = Adjustments(None)
    adjustments.set_on("porch", "waving", configured=0.5, now=0.7)
    assert adjustments.on("porch", "waving", 0.5) == 0.7


def test_many_at_once_lose_no_change(path):
    adjustments = Adjustments(path)
    threads = [
        threading.Thread(
            target=lambda name=name: [
                adjustments.set_on(name, f"action-{number}", configured=0.5, now=0.9) for number in range(10)
            ]
        )
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    later = Adjustments(path)
    assert all(later.on(name, f"action-{number}", 0.5) == 0.9 for name in "abcd" for number in range(10))
    assert stat.S_ISREG(path.stat().st_mode)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


FRACTIONS = st.sampled_from([0.1, 0.25, 0.5, 0.9])


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["set", "edit"]), FRACTIONS), max_size=30))
def test_the_later_word_counts(steps):
    """Of commands and edits of the file (which the daemon reads at once), whichever came last."""
    adjustments = Adjustments(None)
    configured, wanted = {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}
    for action, what, on in steps:
        if what == "set":
            adjustments.set_on("porch", action, configured=configured[action], now=on)
            wanted[action] = on
        else:
            if on != configured[action]:
                wanted[action] = on
            configured[action] = on
        for name in "ab":
            assert adjustments.on("porch", name, configured[name]) == wanted[name]
