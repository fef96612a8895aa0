"""The power goes at any moment: what was committed is there afterwards, once and in order, and no action is stuck."""

import json
import os
import random
import shutil
import subprocess
import time

import pytest
from appliance import DROP_IN, STATE, configure, stored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

CUTS = int(os.environ.get("MOVINET_EDGE_CUTS", "3"))
SEED = 20261121
INTEGRITY = f"import sqlite3; print(*sqlite3.connect('{STATE}/outbox.db').execute('pragma integrity_check').fetchone())"


class Disk:
    """The machine's /var/lib, on an ext4 file system of its own that loses what was not written yet."""

    def __init__(self, image, mount):
        self._image, self._mount = image, mount
        with image.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)

    def attach(self):
        subprocess.run(["mount", "-o", "loop", self._image, self._mount], check=True)

    def detach(self):
        subprocess.run(["umount", self._mount], check=True)

    def lose_power(self):
        """What has reached the image stays; what waits in memory, and would be written by unmounting, does not."""
        kept = self._image.with_suffix(".kept")
        shutil.copyfile(self._image, kept)
        self.detach()
        kept.replace(self._image)


@pytest.fixture
def disk(machine, tmp_path):
    machine.run("systemctl stop movinet-edge", check=False)
    machine.power_off()
    mount = machine.root / "var/lib/private"
    mount.mkdir(mode=0o700, exist_ok=True)
    mount.chmod(0o700)
    disk = Disk(tmp_path / "disk.img", mount)
    yield disk
    if machine.on:
        machine.power_off()
    subprocess.run(["umount", "-q", mount], check=False)


def test_nothing_that_was_committed_is_lost(machine, disk):
    # Somebody else's machine hears of the events: its memory outlives our power.
    heard_folder = machine.root / "srv/heard"
    heard_folder.mkdir(exist_ok=True)
    heard_folder.chmod(0o1777)
    (machine.root / DROP_IN.lstrip("/") / "test-heard.conf").write_text("[Service]\nReadWritePaths=/srv/heard\n")
    configure(machine, pace="fast", sink={"type": "jsonl", "path": "/srv/heard/events.jsonl"})
    chance = random.Random(SEED)  # noqa: S311 moments, not secrets

    def heard():
        text = (heard_folder / "events.jsonl").read_text() if (heard_folder / "events.jsonl").exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    for cut in range(CUTS):
        disk.attach()
        machine.boot()
        machine.wait(lambda: machine.unit("movinet-edge", "ActiveState") == "active", f"not up after cut {cut}")
        known = len(heard())
        machine.wait(lambda known=known: len(heard()) > known, f"no event after cut {cut}")
        time.sleep(chance.uniform(0.0, 3.0))
        machine.unplug()
        disk.lose_power()
        told = {event["id"] + event["event_type"]: event["seq"] for event in heard()}

        disk.attach()
        machine.boot()
        machine.wait(lambda: machine.unit("movinet-edge", "ActiveState") == "active", f"not up after cut {cut}")
        machine.run("systemctl stop movinet-edge")
        assert machine.run(f'python3 -c "{INTEGRITY}"') == "ok"
        rows = {event["id"] + event["event_type"]: event["seq"] for event in stored(machine)}
        assert {key: seq for key, seq in told.items() if rows.get(key) != seq} == {}, f"told and lost, cut {cut}"
        assert sorted(rows.values()) == list(range(1, len(rows) + 1)), f"a hole in the numbers, cut {cut}"
        starts = {key.removesuffix("start") for key in rows if key.endswith("start")}
        stops = {key.removesuffix("stop") for key in rows if key.endswith("stop")}
        assert starts == stops, f"stuck, cut {cut}"
        machine.power_off()
        disk.detach()
    disk.attach()
    machine.boot()
    machine.wait(lambda: machine.unit("movinet-edge", "ActiveState") == "active", "not up at last")
    machine.run("systemctl stop movinet-edge")
    everything = {(event["id"], event["event_type"]) for event in stored(machine)}
    assert everything <= {(event["id"], event["event_type"]) for event in heard()}, "stored and never told"
    machine.power_off()
    disk.detach()
