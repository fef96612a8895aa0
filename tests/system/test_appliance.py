"""The package on machines that boot: installed, started, reloaded, killed, starved, upgraded, removed."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from appliance import CONFIG, PROJECT, STATE, configure, drop_in, events, live, started, stored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MOST_EXPOSURE = 1.3


@pytest.mark.parametrize("unit", ["movinet-edge.service", "movinet-edge@porch.service"])
def test_units_are_clean_and_tight(machine, unit):
    assert machine.run(f"systemd-analyze verify {unit}") == ""
    last = machine.run(f"systemd-analyze security --no-pager {unit}").splitlines()[-1]
    exposure = float(last.split(":")[1].split()[0])
    assert exposure <= MOST_EXPOSURE, last


def test_after_installation_it_waits_for_a_configuration(machine):
    assert machine.unit("movinet-edge", "UnitFileState", "ActiveState", "Result") == ["enabled", "inactive", "success"]
    assert machine.run("systemctl is-failed '*'", check=False) != "failed"
    modes = machine.run("stat -c '%a %U %G %n' /etc/movinet-edge /etc/movinet-edge/*").splitlines()
    assert modes == [
        "2750 root movinet /etc/movinet-edge",
        "2750 root movinet /etc/movinet-edge/conf.d",
        "700 root root /etc/movinet-edge/credentials",
    ]
    assert machine.run("find /usr/lib/movinet-edge -perm /o+w -not -type l") == ""


def test_it_starts_and_tells_of_events(machine):
    pid = started(machine)
    live(machine)
    machine.wait(lambda: len(events(machine)) >= 2, "no events", timeout_s=90.0)
    start, stop = events(machine)[:2]
    assert (start["event_type"], start["action"]) == ("start", "jumping jacks")
    assert (stop["event_type"], stop["id"]) == ("stop", start["id"])
    # systemd's range for users that exist only for a while.
    assert 61184 <= int(machine.run(f"stat -c %u /proc/{pid}")) <= 65519
    assert machine.run("find /var/lib/private/movinet-edge -type f -perm /077") == ""
    assert machine.ok("movinet-edge --version", user="nobody")
    assert not machine.ok(f"cat {STATE}/events.jsonl", user="nobody")
    assert not machine.ok(f"cat {CONFIG}", user="nobody")
    assert machine.run("journalctl -u movinet-edge -p warning --output=cat --no-pager") in ("", "-- No entries --")


def test_a_stop_closes_what_is_open(machine):
    started(machine)
    machine.wait(lambda: events(machine), "no events")
    machine.run("systemctl stop movinet-edge")
    assert machine.unit("movinet-edge", "Result", "ExecMainStatus") == ["success", "0"]
    last = events(machine)[-1]
    assert (last["event_type"], last["reason"]) == ("stop", "shutdown")


def test_reload_applies_what_is_right_and_refuses_what_is_wrong(machine):
    pid = started(machine)
    configure(machine, actions=["jumping jacks", "push up", "yoga"])
    machine.run("systemctl reload movinet-edge")
    assert "yoga" in machine.run("movinet-edge status --json", check=False)
    (machine.root / CONFIG.lstrip("/")).write_text("streems: []\n")
    assert not machine.ok("systemctl reload movinet-edge")
    assert machine.unit("movinet-edge", "ActiveState", "MainPID", "NRestarts") == ["active", pid, "0"]
    assert "streems" in machine.run("journalctl -u movinet-edge --output=cat --no-pager")
    live(machine)


def test_a_wrong_configuration_is_not_tried_again(machine):
    (machine.root / CONFIG.lstrip("/")).write_text("streems: []\n")
    assert not machine.ok("systemctl start movinet-edge")
    # Longer than the pause before a restart.
    time.sleep(6)
    assert machine.unit("movinet-edge", "ActiveState", "ExecMainStatus", "NRestarts") == ["failed", "78", "0"]


def test_a_killed_daemon_comes_back_and_closes_what_was_open(machine):
    pid = started(machine)
    machine.wait(lambda: events(machine), "no events")
    machine.run("systemctl kill --signal=KILL movinet-edge")
    machine.wait(lambda: machine.unit("movinet-edge", "MainPID") not in (pid, "0"), "no restart")
    machine.wait(lambda: len(events(machine)) >= 2, "no stop")
    start, stop = events(machine)[:2]
    assert (stop["event_type"], stop["id"], stop["reason"]) == ("stop", start["id"], "shutdown")
    assert machine.unit("movinet-edge", "NRestarts") == "1"


# A model that never answers, from the moment that the file is there. Everything else goes on.
HANG = """
import pathlib, threading, time

def wait():
    while not pathlib.Path("/srv/hang/now").exists():
        time.sleep(0.05)
    from movinet_edge.engine.litert import LiteRTSession
    from movinet_edge.engine.rewrite.hosted import HostedSession
    for session in (LiteRTSession, HostedSession):
        session.run = lambda *_: time.sleep(3600)

threading.Thread(target=wait, daemon=True).start()
"""


def test_a_model_that_hangs_is_ended_by_the_watchdog(machine):
    folder = machine.root / "srv/hang"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HANG)
    drop_in(machine, "test-hang", "[Service]\nEnvironment=PYTHONPATH=/srv/hang\nWatchdogSec=6\n")
    pid = started(machine)
    live(machine)
    # While it works it is fed for longer than the watchdog waits.
    time.sleep(8)
    assert machine.unit("movinet-edge", "MainPID") == pid
    (folder / "now").touch()
    machine.wait(lambda: machine.unit("movinet-edge", "NRestarts") != "0", "the watchdog sleeps")
    (folder / "now").unlink()
    assert "Watchdog timeout" in machine.run("journalctl -u movinet-edge --output=cat --no-pager")
    machine.wait(lambda: machine.unit("movinet-edge", "MainPID") not in (pid, "0"), "no restart")
    live(machine)


def test_a_full_disk_costs_nothing_but_time(machine):
    machine.run("mkdir -p /srv/out /var/lib/private && mount -t tmpfs -o size=2m,mode=0700 tmpfs /var/lib/private")
    machine.run("mount -t tmpfs -o mode=1777 tmpfs /srv/out")
    drop_in(machine, "test-out", "[Service]\nReadWritePaths=/srv/out\n")
    try:
        started(machine, sink={"type": "jsonl", "path": "/srv/out/events.jsonl"})
        machine.wait(lambda: events(machine, "/srv/out/events.jsonl"), "no events")
        machine.run("dd if=/dev/zero of=/var/lib/private/ballast bs=1k", check=False)
        refused = "the outbox cannot be written"
        machine.wait(lambda: refused in machine.run("journalctl -u movinet-edge -o cat"), "the disk is not full", 120)
        live(machine)
        before = len(events(machine, "/srv/out/events.jsonl"))
        machine.run("rm /var/lib/private/ballast")
        machine.wait(lambda: len(events(machine, "/srv/out/events.jsonl")) > before, "no recovery", 120)
        assert machine.unit("movinet-edge", "NRestarts", "ActiveState") == ["0", "active"]
        numbers = [event["seq"] for event in events(machine, "/srv/out/events.jsonl")]
        assert numbers == list(range(1, len(numbers) + 1))
    finally:
        machine.run("systemctl stop movinet-edge; umount /var/lib/private /srv/out", check=False)


def test_credentials_reach_the_daemon_alone(machine):
    configure(machine, sink={"type": "jsonl", "path": "/nowhere/events.jsonl"})
    secret = machine.root / "etc/movinet-edge/credentials/sinks__0__path"
    secret.write_text(f"{STATE}/from-credential.jsonl\n")
    secret.chmod(0o600)
    machine.run("systemctl start movinet-edge")
    machine.wait(lambda: events(machine, f"{STATE}/from-credential.jsonl"), "the credential is not used")
    # A reload reads the credentials of the start, and not none.
    machine.run("systemctl reload movinet-edge")


def test_many_daemons_on_one_machine(machine):
    machine.run("mkdir -p /etc/systemd/system/movinet-edge@.service.d")
    machine.run(
        "cp /etc/systemd/system/movinet-edge.service.d/models.conf /etc/systemd/system/movinet-edge@.service.d/"
    )
    started(machine)
    for name in ("porch", "back-door"):
        configure(machine, file=f"/etc/movinet-edge/{name}.yaml", sink={"type": "log"})
    machine.run("systemctl daemon-reload; systemctl start movinet-edge@porch movinet-edge@back-door")
    for unit in ("movinet-edge@porch", "movinet-edge@back-door"):
        assert machine.unit(unit, "ActiveState") == "active"
        machine.run(f"systemctl reload {unit}")
        name = unit.partition("@")[2]
        assert "demo" in machine.run(f"movinet-edge status --config /etc/movinet-edge/{name}.yaml")
        assert "demo" in machine.run(f"movinet-edge status --socket /run/{unit}/control.sock")
    assert "demo" in machine.run(f"movinet-edge status --config {CONFIG}")
    assert machine.run("ls -d /var/lib/movinet-edge*/outbox.db /run/movinet-edge*/control.sock | wc -l") == "6"


def test_an_upgrade_keeps_configuration_and_state(machine):
    pid = started(machine)
    machine.wait(lambda: events(machine), "no events")
    text = (machine.root / CONFIG.lstrip("/")).read_text()
    before = len(events(machine))
    machine.run("rm -rf /srv/new && dpkg-deb --raw-extract /srv/movinet-edge.deb /srv/new")
    machine.run("sed -i 's/^Version: .*/&.1/' /srv/new/DEBIAN/control && dpkg-deb -Znone --build /srv/new /srv/new.deb")
    machine.run("dpkg --install /srv/new.deb")
    assert machine.unit("movinet-edge", "MainPID") not in (pid, "0")
    assert (machine.root / CONFIG.lstrip("/")).read_text() == text
    assert len(events(machine)) >= before
    machine.run("systemctl disable --now movinet-edge && dpkg --install /srv/new.deb")
    assert machine.unit("movinet-edge", "UnitFileState", "ActiveState") == ["disabled", "inactive"]
    machine.run("systemctl enable movinet-edge; rm -rf /srv/new /srv/new.deb")


def test_an_outbox_of_the_first_version_is_migrated_by_the_upgrade(machine):
    started(machine)
    machine.run("systemctl stop movinet-edge && rm /var/lib/private/movinet-edge/*")
    script = Path(__file__).with_name("outbox-schema-1.sql").read_text()
    with closing(sqlite3.connect(machine.root / "var/lib/private/movinet-edge/outbox.db")) as old:
        old.executescript(script)
    # Then systemd makes it the daemon's, as after a restore by hand.
    machine.run("chown -R root: /var/lib/private/movinet-edge")
    machine.run("dpkg --install /srv/movinet-edge.deb")
    machine.wait(lambda: len(events(machine)) >= 4, "what was not delivered is not")
    # Two were delivered before; what was going on when the old version ended is closed now.
    told = [(event["id"], event["event_type"], event["seq"], event["late"]) for event in events(machine)[:4]]
    assert told == [("2", "start", 3, True), ("2", "stop", 4, True), ("3", "start", 5, True), ("3", "stop", 6, False)]
    machine.run("systemctl stop movinet-edge")
    assert [event["seq"] for event in stored(machine)][:6] == [1, 2, 3, 4, 5, 6]
    assert machine.run("find /var/lib/private/movinet-edge -name '*.corrupt*' -o -uid 0") == ""


def test_the_drop_in_for_libcamera_fits(machine):
    text = (PROJECT / "systemd/libcamera.conf").read_text()
    drop_in(machine, "test-libcamera", text)
    assert machine.run("systemd-analyze verify movinet-edge.service") == ""
    families, namespaces = machine.unit("movinet-edge", "RestrictAddressFamilies", "RestrictNamespaces")
    assert "AF_NETLINK" in families
    assert "AF_INET6" in families
    assert namespaces == "no"
    started(machine)
    live(machine)


def test_a_flood_of_messages_is_bounded(machine):
    drop_in(machine, "test-flood", "[Service]\nExecStart=\nExecStart=seq 100000\nType=oneshot\nRestart=no\n")
    configure(machine)
    machine.run("systemctl start movinet-edge; journalctl --sync")
    # With much free space, journald allows several times what the unit says.
    assert len(machine.journal()) < 5000


def test_removal_keeps_and_purge_clears(machine):
    started(machine)
    machine.wait(lambda: events(machine), "no events")
    machine.run("dpkg --remove movinet-edge")
    assert not machine.ok("systemctl is-active movinet-edge")
    assert not machine.ok("test -e /usr/lib/movinet-edge")
    assert machine.ok(f"test -s {CONFIG} && test -s {STATE}/outbox.db")
    machine.run("dpkg --install /srv/movinet-edge.deb")
    machine.wait(lambda: machine.unit("movinet-edge", "ActiveState") == "active", "it does not start")
    machine.run("dpkg --purge movinet-edge")
    left = machine.run(
        "find /etc /var /usr /run -xdev -name '*movinet*' -not -path '*.service.d*' -not -path '*/log/*'"
    )
    assert left.splitlines() == []
    machine.run("dpkg --install /srv/movinet-edge.deb")
