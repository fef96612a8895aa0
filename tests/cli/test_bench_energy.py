"""Energy counters: packages alone count, full counters begin anew, and machines without any say so."""

import os

import pytest

from movinet_edge.cli import bench_energy
from movinet_edge.cli.bench_energy import Counters, EnergyUnknown, measure_energy

WRAP_UJ = 1_000_000


@pytest.fixture
def zone(tmp_path):
    def make(name, energy_uj):
        folder = tmp_path / "sys/class/powercap" / name
        folder.mkdir(parents=True)
        (folder / "energy_uj").write_text(f"{energy_uj}\n")
        (folder / "max_energy_range_uj").write_text(f"{WRAP_UJ}\n")
        return folder / "energy_uj"

    return make


def test_all_packages_are_added_up_and_their_parts_are_not(zone, tmp_path):
    one, two, part = zone("intel-rapl:0", 1000), zone("intel-rapl:1", 999_000), zone("intel-rapl:0:0", 0)

    def run():
        one.write_text("501000\n")
        two.write_text("99000\n")  # it was full on the way
        part.write_text("400000\n")

    assert Counters(tmp_path).joules_of(run) == pytest.approx(0.5 + 0.1)


def test_idling_is_taken_off(zone, tmp_path, monkeypatch):
    monkeypatch.setattr(bench_energy, "_IDLE_S", 0.01)
    monkeypatch.setattr(bench_energy, "_BUSY_S", 0.01)
    counter, steps = zone("intel-rapl:0", 0), 0

    def step():
        nonlocal steps
        steps += 1
        counter.write_text(f"{steps * 100}\n")

    found = measure_energy(step, Counters(tmp_path))
    assert found.idle_w == 0  # nothing moved while it slept
    assert found.millijoules_per_frame == pytest.approx(0.1)


def test_no_counters(tmp_path):
    with pytest.raises(EnergyUnknown, match="no RAPL counters here"):
        Counters(tmp_path)


def test_counters_that_hold_no_number(zone, tmp_path):
    zone("intel-rapl:0", "?")
    with pytest.raises(EnergyUnknown, match="cannot be read"):
        Counters(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_counters_for_root_alone(zone, tmp_path):
    zone("intel-rapl:0", 0).chmod(0)
    with pytest.raises(EnergyUnknown, match="read by root alone"):
        Counters(tmp_path)
