"""The Debian package has the notices of those whose works are in it. Its files are looked at, no machine is booted."""

import subprocess

import pytest
from appliance import PROJECT, SITE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_notices_come_with_the_package(package, suite, tmp_path):
    subprocess.run(["dpkg-deb", "--extract", package(suite), tmp_path], check=True)
    for place in ("movinet_edge-*.dist-info/licenses/movinet_edge/models", "movinet_edge/models"):
        [notice] = tmp_path.glob(f"{SITE.lstrip('/')}/{place}/NOTICE")
        assert notice.read_bytes() == (PROJECT / "movinet_edge/models/NOTICE").read_bytes()
    said = tmp_path / "usr/share/doc/movinet-edge/copyright"
    assert said.read_bytes() == (PROJECT / "systemd/debian/copyright").read_bytes()
