"""systemd/install.sh on machines that boot: shown, done, done again, and undone."""

import os
import shutil
from pathlib import Path

import pytest
from appliance import CONFIG, STATE, configure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

INSTALL = (
    "env PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_CACHE_DIR=/srv/pip-cache sh /srv/checkout/systemd/install.sh"
)
SITE = "/opt/movinet-edge/lib/python3.*/site-packages"


@pytest.fixture
def what(online_machine):
    """What is installed: this checkout, or the wheel that run.sh was given."""
    wheel = os.environ.get("MOVINET_EDGE_WHEEL")
    if not wheel:
        return ""
    shutil.copy(wheel, online_machine.root / "srv")
    return f"/srv/{Path(wheel).name}"


def places(machine):
    return machine.run(
        "ls -d /opt/movinet-edge /usr/local/bin/* /etc/systemd/system/movinet* /etc/*/movinet*", check=False
    )


def test_installer(online_machine, what, package, suite):
    machine = online_machine
    before = places(machine)
    assert "pip install" in machine.run(f"{INSTALL} --dry-run {what}", user="nobody")
    assert places(machine) == before
    assert "sudo" in machine.run(f"{INSTALL} {what}", user="nobody", check=False)
    assert places(machine) == before

    text = machine.run(f"{INSTALL} {what}", timeout_s=600)
    assert "config.yaml" in text
    assert machine.unit("movinet-edge", "UnitFileState", "ActiveState") == ["enabled", "inactive"]
    configure(machine, site=SITE)
    written = (machine.root / CONFIG.lstrip("/")).read_text()
    machine.run("systemctl start movinet-edge")
    assert not machine.ok(f"cat {CONFIG}", user="nobody")

    machine.run(f"{INSTALL} {what}", timeout_s=600)
    assert machine.unit("movinet-edge", "ActiveState", "UnitFileState") == ["active", "enabled"]
    assert (machine.root / CONFIG.lstrip("/")).read_text() == written

    # The two ways of installing refuse each other.
    shutil.copy(package(suite), machine.root / "srv/movinet-edge.deb")
    assert "--uninstall" in machine.run("dpkg --install /srv/movinet-edge.deb", check=False)
    machine.run(f"{INSTALL} --uninstall")
    assert places(machine) == before
    assert (machine.root / CONFIG.lstrip("/")).read_text() == written
    assert machine.ok(f"test -s {STATE}/outbox.db")
    machine.run("dpkg --install /srv/movinet-edge.deb")
    assert "apt remove" in machine.run(f"{INSTALL} {what}", check=False)
