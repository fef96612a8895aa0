"""`movinet-edge mqtt` and `check --online`, with a real broker and without one."""

import json
import textwrap

import pytest
from peers.mosquitto import Subscriber, retained

from movinet_edge.daemon.state_lock import locked_state

CONFIG = """\
    model: {toy}
    state_dir: state
    streams:
      - name: hall
        source: {{type: file, path: {clip}}}
        actions:
          reddening: {{labels: [turning red]}}
    sinks:
      - {{type: log}}
      - {{type: mqtt, host: 127.0.0.1, port: {port}, node: attic, {login}}}
"""
DISCOVERY = "homeassistant/device/attic/config"


@pytest.fixture
def write(folder, toy, red_clip):
    """Write the configuration for the broker at a port."""

    def _write(port, *, login="keepalive: 10s", text=CONFIG):
        path = folder / "config.yaml"
        names = {"toy": toy, "clip": red_clip, "port": port, "login": login}
        path.write_text(textwrap.dedent(text).format(**names), encoding="utf-8")
        return path

    return _write


def test_check_online_says_what_answers(cli, write, broker):
    ran = cli("check", "--online", "--config", write(broker.port))
    assert ran.code == 0
    assert "  sink log: not tried" in ran.out
    assert f"  sink mqtt: the broker 127.0.0.1:{broker.port} is reached" in ran.out
    assert retained(broker.port) == {}


def test_check_online_says_what_does_not(cli, write, broker):
    broker.stop()
    ran = cli("check", "--online", "--config", write(broker.port))
    assert ran.code == 1
    assert "  sink mqtt: FAILED: " in ran.out
    assert "refused" in ran.out


def test_discovery_is_shown_and_not_sent(cli, write, broker):
    ran = cli("mqtt", "discovery", "--config", write(broker.port))
    assert ran.code == 0
    assert ran.out.startswith(f"{DISCOVERY} {{")
    shown, _ = json.JSONDecoder().raw_decode(ran.out[len(DISCOVERY) + 1 :])
    kinds = {component["p"] for component in shown["cmps"].values()}
    assert {"binary_sensor", "event", "sensor", "switch", "number"} <= kinds
    assert "movinet-edge/attic/hall/action/" in ran.out
    assert retained(broker.port) == {}


def test_cleanup_removes_what_a_daemon_left(cli, write, broker):
    config = write(broker.port)
    with Subscriber(broker.port) as other:
        other.publish(DISCOVERY, '{"cmps": {}}', retain=True)
        other.publish("movinet-edge/attic/hall/status", "online", retain=True)
        other.publish("movinet-edge/cellar/hall/status", "online", retain=True)
    ran = cli("mqtt", "cleanup", "--config", config)
    assert ran.code == 0
    assert "movinet-edge/attic/hall/status" in ran.out
    assert retained(broker.port) == {"movinet-edge/cellar/hall/status": "online"}


def test_cleanup_needs_no_model(cli, write, broker, toy):
    config = write(broker.port, text=CONFIG.replace("model: {toy}", "model: a2"))
    ran = cli("mqtt", "cleanup", "--config", config)
    assert (ran.code, ran.err) == (0, "")


def test_cleanup_is_refused_beside_a_running_daemon(cli, write, broker, folder):
    with locked_state(folder / "state"):
        ran = cli("mqtt", "cleanup", "--config", write(broker.port))
    assert ran.code == 1
    assert "publishes everything again" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("discovery", "--sink", "mqqt"), 1, "there is no mqtt sink 'mqqt'; there are: mqtt"),
        (("discover",), 64, "invalid choice: 'discover'"),
        ((), 64, "the following arguments are required: what"),
    ],
)
def test_wrong_use(cli, write, arguments, code, complaint):
    ran = cli("mqtt", *arguments, "--config", write(1))
    assert ran.code == code
    assert complaint in ran.err


def test_a_configuration_without_such_a_sink(cli, write):
    text = CONFIG.replace("type: mqtt, host: 127.0.0.1, port: {port}, node: attic, {login}", "type: jsonl, path: a")
    ran = cli("mqtt", "discovery", "--config", write(1, text=text))
    assert ran.code == 78
    assert "no sink of type mqtt" in ran.err
