"""Machines of each Debian release, with the package installed; the test says what they are configured to do."""

import os
import shutil
from pathlib import Path

import pytest
from appliance import DROP_IN, MODEL, PROJECT, RELEASES, new_machine

SUITES = os.environ.get("MOVINET_EDGE_SUITES", "bookworm trixie").split()


@pytest.fixture(scope="session")
def stage():
    """What run.sh has prepared: a root folder per release, and packages."""
    if "MOVINET_EDGE_STAGE" not in os.environ:
        pytest.skip("real machines: sudo bash tests/system/run.sh")
    if not MODEL.is_file():
        pytest.skip("needs the files of ../shared")
    return Path(os.environ["MOVINET_EDGE_STAGE"])


@pytest.fixture(scope="session", params=SUITES)
def suite(request):
    """Each Debian release."""
    return request.param


@pytest.fixture(scope="session")
def package(stage):
    """The package for a release, as a function."""
    return lambda suite: next((stage / "debs").glob(f"*+deb{RELEASES[suite]}_*.deb"))


@pytest.fixture(scope="module")
def online_machine(stage, suite):
    """A machine that can download Python packages, which it trusts as this machine does, and keeps for the next run."""
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    cache = stage / "pip-cache"
    cache.mkdir(exist_ok=True)
    shows = [(certificates, certificates), (PROJECT, "/srv/checkout")]
    with new_machine(stage, suite, "online", online=True, binds=[(cache, "/srv/pip-cache")], shows=shows) as machine:
        yield machine


@pytest.fixture(scope="session")
def installed(stage, package, suite):
    """A machine with the package, and nothing configured. It reaches the camera and the broker that the tests start."""
    with new_machine(stage, suite, "package", online=True) as machine:
        shutil.copy(package(suite), machine.root / "srv/movinet-edge.deb")
        machine.run("dpkg --install /srv/movinet-edge.deb")
        yield machine


@pytest.fixture
def machine(installed):
    """The same, as clean as after the installation, whatever a test before did to it."""
    yield installed
    if not installed.on:
        installed.boot()
    installed.run("systemctl stop movinet-edge 'movinet-edge@*'", check=False)
    installed.run("systemctl clean --what=state --what=cache movinet-edge", check=False)
    installed.run(f"find {DROP_IN} -name 'test-*' -delete; rm -rf /etc/movinet-edge/*.yaml /etc/movinet-edge/*/*")
    installed.run("systemctl daemon-reload; systemctl reset-failed; journalctl --rotate --vacuum-time=1s")
