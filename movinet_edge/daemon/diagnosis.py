"""What can be told of this machine when something does not work: versions, cameras, disks, clock and power."""

import contextlib
import ctypes
import importlib.metadata
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from movinet_edge import __version__
from movinet_edge.engine.gpu_library import why_not_compiled_model

# A day of busy streams writes some megabytes; below this an update or another program's log fills the disk first.
_LITTLE_BYTES = 200_000_000

# What decides how fast and how right the model runs, and what talks to cameras and brokers.
_DISTRIBUTIONS = ("ai-edge-litert", "tflite-runtime", "numpy", "av", "opencv-python-headless", "paho-mqtt", "pydantic")

# What adjtimex returns for a clock that nothing keeps right. Source: adjtimex(2), TIME_ERROR.
_CLOCK_NOT_KEPT = 5
# Longer than struct timex on any machine; all zero asks and changes nothing.
_TIMEX_BYTES = 512

# The firmware's bits: now, and 16 places higher, since boot.
# Source: https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
_THROTTLING = {
    0: ("the voltage is too low", "use the official power supply and a short cable"),
    1: ("the processor's frequency is capped", "use the official power supply, or a heat sink"),
    2: ("the processor is throttled", "use the official power supply, or a heat sink"),
    3: ("the processor is too warm", "add a heat sink or a fan"),
}
_SINCE_BOOT = 16
_TOOL_S = 5.0
"""It answers within milliseconds, or hangs with the firmware."""
_HOT_C = 80.0
"""A Raspberry Pi slows itself down from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a diagnosis; `remedy` says what to do about it, and is None where nothing is wrong."""

    what: str
    found: str
    remedy: str | None = None


Check = Callable[[], Iterable[Finding]]


def examine(check: Check) -> Iterator[Finding]:
    """What a check finds; one that breaks keeps what it had found and costs nobody else's lines."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001  # a sick machine fails in ways that nobody has thought of
        yield Finding("broken check", f"{type(error).__name__}: {error}", "tell of this line in an issue")


def versions(root: Path = Path("/")) -> Iterator[Finding]:
    """What runs here, and on what. `root` is where the system's files are, as for all below."""
    yield Finding("movinet-edge", __version__)
    yield Finding("Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield Finding("system", _field(root / "etc/os-release", "PRETTY_NAME", "=").strip('"') or "unknown")
    yield Finding("kernel", f"{platform.release()} {platform.machine()}")
    if name := board(root):
        yield Finding("board", name)
    processor = _field(root / "proc/cpuinfo", "model name", ":")
    yield Finding("processor", f"{processor or 'of unknown name'}, {os.cpu_count()} cores")
    yield Finding("memory", _field(root / "proc/meminfo", "MemTotal", ":") or "unknown")
    for name in _DISTRIBUTIONS:
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            continue
    if not (root / "proc/cpuinfo").exists():
        yield Finding("/proc/cpuinfo", "is hidden", "remove ProcSubset=pid from the unit: it makes the model slow")
    if reason := why_not_compiled_model():
        finding, _, remedy = reason.partition("; ")
        yield Finding("LiteRT", f"its older interpreter is used: {finding}", remedy)


def board(root: Path = Path("/")) -> str:
    """What a single-board computer calls itself, for example Raspberry Pi 4 Model B Rev 1.4; empty on others."""
    return _text(root / "proc/device-tree/model")


def cameras(root: Path = Path("/")) -> Iterator[Finding]:
    """Video devices, what they call themselves, and whether this user may open them."""
    devices = sorted((root / "dev").glob("video*"), key=lambda device: (len(device.name), device.name))
    for device in devices:
        name = _text(root / "sys/class/video4linux" / device.name / "name") or "without a name"
        if os.access(device, os.R_OK | os.W_OK):
            yield Finding(f"/dev/{device.name}", name)
        else:
            yield Finding(
                f"/dev/{device.name}",
                f"{name}; this user may not open it",
                'sudo adduser "$USER" video, and log in again (the service itself is in that group)',
            )
    if not devices:
        yield Finding("devices", "none on USB or CSI; network cameras are tried by `movinet-edge probe`")


def folder(what: str, path: Path) -> Iterator[Finding]:
    """Room and leave to write in a folder, or where it would be made."""
    there = path
    while not _is_there(there) and there != there.parent:
        there = there.parent
    disk = shutil.disk_usage(there)
    free = f"{path}: {disk.free / 1e9:.1f} GB of {disk.total / 1e9:.1f} GB are free"
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        yield Finding(
            what, f"{path} is on a disk that is read-only", "look for its errors in `dmesg`, and mount it anew"
        )
    elif disk.free < _LITTLE_BYTES:
        yield Finding(what, free, "make room: events wait in memory while the disk is full, and can be lost there")
    elif there.stat().st_uid != os.geteuid() and not os.access(there, os.W_OK):
        yield Finding(what, f"{free}; it is another user's, such as the service's")
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Finding(what, f"{there} cannot be written", f"chmod u+rwx {there}")
    else:
        yield Finding(what, free + ("" if there == path else "; it is made when it is needed"))


def clock() -> Iterator[Finding]:
    """Whether something keeps the clock right, since events carry its time."""
    now = time.strftime("%Y-%m-%d %H:%M:%S %z (%Z)")
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state == _CLOCK_NOT_KEPT:
        yield Finding("clock", f"{now}, not synchronised", "sudo timedatectl set-ntp true")
    else:
        yield Finding("clock", f"{now}, {'synchronised' if state >= 0 else 'whether synchronised cannot be asked'}")


def power(root: Path = Path("/")) -> Iterator[Finding]:
    """Heat, and what a Raspberry Pi's firmware has done against heat and low voltage."""
    heat = heat_c(root)
    if heat is not None:
        yield Finding("temperature", f"{heat:.0f} °C", "add a heat sink or a fan" if heat >= _HOT_C else None)
    bits = throttled_bits(root)
    if bits is not None:
        yield from throttling(bits)


def heat_c(root: Path = Path("/")) -> float | None:
    """The processor's temperature; None where the system does not tell."""
    millidegrees = _text(root / "sys/class/thermal/thermal_zone0/temp")
    return int(millidegrees) / 1000 if millidegrees.isdecimal() else None


def throttled_bits(root: Path = Path("/")) -> int | None:
    """What a Raspberry Pi's firmware says of its power; None where there is no such firmware.

    From the kernel, whose path differs by model, or else from the firmware's own tool, which a container or a kernel
    without that file leaves.
    """
    for file in sorted((root / "sys/devices/platform").glob("soc*/soc*firmware/get_throttled")):
        with contextlib.suppress(ValueError):
            return int(_text(file), 16)
    tool = shutil.which("vcgencmd", path=f"{root / 'usr/bin'}:{root / 'bin'}")
    if tool is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 a fixed command
            [tool, "get_throttled"], capture_output=True, text=True, timeout=_TOOL_S, check=True
        )
        return int(done.stdout.strip().partition("=")[2], 16)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def throttling(bits: int) -> Iterator[Finding]:
    """What the firmware's number says."""
    well = True
    for bit, (what, remedy) in _THROTTLING.items():
        if bits >> bit & 1:
            well = False
            yield Finding("power", f"{what}, now", remedy)
        elif bits >> (bit + _SINCE_BOOT) & 1:
            well = False
            yield Finding("power", f"since the last boot: {what}", remedy)
    if well:
        yield Finding("power", "never too weak or too warm since the last boot")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def _text(path: Path) -> str:
    """A small file, which may end in a zero as those of the device tree do; empty if it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _field(path: Path, name: str, separator: str) -> str:
    """What stands behind a name in the first line that begins with it; empty if none does."""
    for line in _text(path).splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return ""
