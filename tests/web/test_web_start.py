"""The page must not cost the daemon anything: not when its port is taken, nor when what it needs is missing."""

import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from page import PATIENCE_S, PageDaemon, Visitor

from movinet_edge.api import ConfigurationError
from movinet_edge.config import WebSettings
from movinet_edge.daemon.control_socket import NoDaemon, Status, ask
from movinet_edge.web.listener import MOST_CONNECTIONS
from movinet_edge.web.start import check_page


@pytest.fixture
def daemon_at(tmp_path, web_toy, web_clip):
    """Makes a daemon with a page of these settings, which nobody waits for."""
    made = []

    def make(**web):
        made.append(PageDaemon(tmp_path, web=web, toy=web_toy, clip=web_clip).launch())
        return made[0]

    yield make
    made[0].stop()


def test_without_its_port_there_is_no_page_and_everything_else(daemon_at):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        daemon = daemon_at(port=taken.getsockname()[1])
        give_up_s = time.monotonic() + PATIENCE_S
        while "there is no page" not in daemon.told():
            assert time.monotonic() < give_up_s, daemon.told()
            time.sleep(0.05)
        assert "cannot be listened at" in daemon.told()
        while True:
            try:
                if ask(daemon.folder / "state" / "control.sock", Status())["streams"][0]["state"] == "live":
                    break
            except NoDaemon:
                pass
            assert time.monotonic() < give_up_s, daemon.told()
            time.sleep(0.05)


def test_a_certificate_that_is_not_there_is_said_before_anything_starts(tmp_path):
    settings = WebSettings.model_validate(
        {"enabled": True, "certificate": str(tmp_path / "server.crt"), "key": str(tmp_path / "server.key")}
    )
    with pytest.raises(ConfigurationError, match=r"web\.certificate: there is no file .*server\.crt"):
        check_page(settings)
    check_page(settings.model_copy(update={"enabled": False}))


NO_AIOHTTP = """
import sys
sys.modules["aiohttp"] = None
from movinet_edge.cli.main import main
raise SystemExit(main(sys.argv[1:]))
"""


def run_without_aiohttp(*arguments):
    command = [sys.executable, "-c", NO_AIOHTTP, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("enabled", "code"), [(True, 78), (False, 0)])
def test_without_its_packages_the_page_is_refused_and_nothing_else(tmp_path, web_toy, web_clip, enabled, code):
    daemon = PageDaemon(tmp_path, toy=web_toy, clip=web_clip)
    text = daemon.config.read_text(encoding="utf-8")
    daemon.config.write_text(text.replace("enabled: true", f"enabled: {enabled}".lower(), 1), encoding="utf-8")
    done = run_without_aiohttp("check", "--config", daemon.config)
    assert done.returncode == code, done.stderr
    assert ("pip install 'movinet-edge[web]'" in done.stderr) is enabled
    assert "Traceback" not in done.stderr


def test_check_says_where_the_page_will_be(tmp_path, web_toy, web_clip):
    daemon = PageDaemon(tmp_path, web={"port": 8123}, toy=web_toy, clip=web_clip)
    command = [sys.executable, "-m", "movinet_edge.cli", "check", "--config", str(daemon.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "page at http://127.0.0.1:8123/, without a password" in done.stdout


def test_a_crowd_of_connections_leaves_the_daemon_its_files(start):
    daemon = start()
    port = int(daemon.url.rpartition(":")[2])
    with ExitStack() as crowd:
        for _ in range(MOST_CONNECTIONS + 20):
            crowd.enter_context(socket.create_connection(("127.0.0.1", port)))
        descriptors = Path(f"/proc/{daemon.process.pid}/fd")
        time.sleep(0.5)
        assert len(list(descriptors.iterdir())) < MOST_CONNECTIONS + 100
        assert ask(daemon.folder / "state" / "control.sock", Status())["streams"][0]["state"] == "live"
    with Visitor(daemon.url) as visitor:
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                visitor.enter()
                break
            except aiohttp.ClientError:
                assert time.monotonic() < give_up_s
                time.sleep(0.05)
