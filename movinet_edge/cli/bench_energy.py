"""Reads the processor's energy counters (RAPL), where the machine has them and lets us read them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Long enough for the counters, which move every millisecond, and short enough to wait for.
_IDLE_S, _BUSY_S = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Energy:
    """What all processor packages drew, other programs included.

    Attributes:
        millijoules_per_frame: while frames ran one after the other, above idling.
        idle_w, busy_w: power.
    """

    millijoules_per_frame: float
    idle_w: float
    busy_w: float


class EnergyUnknown(Exception):
    """The machine does not tell; the text says why."""


class Counters:
    """The packages' energy counters. Source: the kernel's Documentation/power/powercap/powercap.rst."""

    def __init__(self, root: Path = Path("/")) -> None:
        """`root` is where the system's files are.

        Raises:
            EnergyUnknown: there are none, or they may not be read.
        """
        zones = root / "sys/class/powercap"
        # `intel-rapl:0` is a package, on AMD's processors too; `intel-rapl:0:1` is a part of it, counted in it.
        self._packages = sorted(zone for zone in zones.glob("intel-rapl:*") if zone.name.count(":") == 1)
        if not self._packages:
            raise EnergyUnknown("no RAPL counters here; virtual machines and Arm boards have none")
        try:
            self._wrap_uj = [int((zone / "max_energy_range_uj").read_text()) for zone in self._packages]
            self._read_uj()
        except PermissionError as error:
            raise EnergyUnknown(f"{error.filename} may be read by root alone") from error
        except (OSError, ValueError) as error:
            raise EnergyUnknown(f"the RAPL counters cannot be read: {error}") from error

    def _read_uj(self) -> list[int]:
        return [int((zone / "energy_uj").read_text()) for zone in self._packages]

    def joules_of(self, run: Callable[[], object]) -> float:
        """Energy while `run` runs, which must be less than a minute: the counters begin anew when they are full."""
        before_uj = self._read_uj()
        run()
        spent_uj = zip(self._read_uj(), before_uj, self._wrap_uj, strict=True)
        return sum((after - before) % wrap for after, before, wrap in spent_uj) / 1e6


def measure_energy(step: Callable[[], object], counters: Counters) -> Energy:
    """Idle for a moment, then run frames without a pause."""
    idle_w = counters.joules_of(lambda: time.sleep(_IDLE_S)) / _IDLE_S
    frames, began = 0, time.perf_counter()

    def busy() -> None:
        nonlocal frames
        while time.perf_counter() - began < _BUSY_S:
            step()
            frames += 1

    spent_j = counters.joules_of(busy)
    elapsed_s = time.perf_counter() - began
    return Energy((spent_j - idle_w * elapsed_s) / frames * 1e3, idle_w, spent_j / elapsed_s)
