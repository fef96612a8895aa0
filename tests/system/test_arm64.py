"""The arm64 package on an emulated Raspberry Pi 4: it installs, and finds in the bundled clip what is in it."""

import os
import shutil
import subprocess

import pytest
from appliance import MODEL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# LiteRT learns from it what the processor can do, and qemu shows that of the machine it runs on.
PI_4 = """\
processor	: 0
BogoMIPS	: 108.00
Features	: fp asimd evtstrm crc32 cpuid
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x0
CPU part	: 0xd08
CPU revision	: 3

Model		: Raspberry Pi 4 Model B Rev 1.4
"""


def test_the_clip_is_understood_on_arm64(stage, tmp_path):
    if not os.environ.get("MOVINET_EDGE_ARM64"):
        pytest.skip("an emulated machine: sudo bash tests/system/run.sh --arm64")
    root = stage / "bookworm-arm64-test"
    subprocess.run(["rm", "-rf", root], check=True)
    subprocess.run(["cp", "-a", "--reflink=auto", stage / "bookworm-arm64", root], check=True)
    (package,) = (stage / "debs/arm64").glob("*.deb")
    shutil.copy(package, root / "srv/movinet-edge.deb")
    shutil.copy(MODEL, root / "srv")
    (root / "srv/cpuinfo").write_text(PI_4)
    commands = "mount --bind /srv/cpuinfo /proc/cpuinfo && dpkg --install /srv/movinet-edge.deb && movinet-edge demo"
    machine = ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--private-network", f"--directory={root}"]
    environment = ["--setenv=QEMU_CPU=cortex-a72", "--setenv=MOVINET_EDGE_MODEL_PATH=/srv"]
    done = subprocess.run(
        [*machine, *environment, "sh", "-c", commands],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    # The demo compares its events with those that the clip has.
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All four events came" in done.stdout
    subprocess.run(["rm", "-rf", root], check=True)
