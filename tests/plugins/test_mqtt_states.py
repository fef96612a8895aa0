"""Sink `mqtt` against a real broker: what stands there is as the daemon is, through restarts of everything."""

import json
import os
import signal
import subprocess
import sys

import pytest
from mqtt_parts import DISCOVERY, NODE, ROOT, action, brokers, eventually, opened, settings, status, stream
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from peers.mosquitto import Subscriber, retained
from structlog.testing import capture_logs

from movinet_edge.api import DeliveryError, StreamState
from movinet_edge_plugins import _mqtt_session
from movinet_edge_plugins.mqtt import MqttSink

WAVING = f"{ROOT}/porch/action/waving/state"
ACTIVE = status(stream("porch", action(active=True, score=0.9)))
QUIET = status(stream("porch", action()))


@pytest.fixture
def start_broker(tmp_path):
    with brokers(tmp_path) as start:
        yield start


@pytest.fixture
def broker(start_broker):
    return start_broker()


def test_all_is_retained_and_online_comes_last(broker):
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(ACTIVE)
        subscriber.until_last(f"{ROOT}/status", "online")
        topics = [heard.topic for heard in subscriber.heard]
        assert topics[-1] == f"{ROOT}/status"
        assert topics.index(DISCOVERY) < topics.index(WAVING)
        assert json.loads(subscriber.last(WAVING))["state"] == "ON"
        stands = retained(broker.port)
        assert stands.items() >= dict(sink.preview(ACTIVE, controllable=False)).items()
        assert f"{ROOT}/stats" in topics
        assert f"{ROOT}/stats" not in stands


def test_only_what_has_changed_is_published(broker):
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(QUIET)
        subscriber.until_last(f"{ROOT}/status", "online")
        subscriber.forget()
        sink.report(QUIET)
        sink.report(ACTIVE)
        subscriber.until(lambda heard: len(heard) >= 2)
        assert sorted(heard.topic for heard in subscriber.heard) == [WAVING, f"{ROOT}/porch/label"]


def test_a_goodbye_is_no_will(broker):
    with opened(broker) as sink:
        sink.report(QUIET)
    assert retained(broker.port)[f"{ROOT}/status"] == "stopped"


def test_the_will_says_offline_when_the_connection_breaks(broker):
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(ACTIVE)
        subscriber.until_last(f"{ROOT}/status", "online")
        sink._session._ready._client.socket().shutdown(2)  # as when the process is killed
        subscriber.until_last(f"{ROOT}/status", "offline")
        subscriber.until_last(f"{ROOT}/status", "online")  # connected again


def test_an_action_that_was_on_when_the_daemon_was_killed_is_off_after_the_restart(broker):
    script = "import os, test_mqtt_states as t; t.report_and_die(int(os.environ['PORT']))"
    with Subscriber(broker.port) as subscriber:
        environment = os.environ | {"PORT": str(broker.port), "PYTHONPATH": os.pathsep.join(sys.path)}
        assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == -9
        subscriber.until_last(f"{ROOT}/status", "offline")
        assert json.loads(subscriber.last(WAVING))["state"] == "ON"
        with opened(broker) as restarted:
            restarted.report(QUIET)
            subscriber.until_last(f"{ROOT}/status", "online")
            assert json.loads(subscriber.last(WAVING))["state"] == "OFF"


def report_and_die(port):
    """In a process of its own."""
    sink = MqttSink(MqttSink.Settings(host="127.0.0.1", port=port, node=NODE))
    sink.open()
    sink.report(ACTIVE)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("persistence", [False, True])
def test_a_broker_that_restarts_has_everything_again(start_broker, persistence):
    broker = start_broker(persistence=persistence)
    with Subscriber(broker.port) as before, opened(broker) as sink:
        sink.report(ACTIVE)
        before.until_last(f"{ROOT}/status", "online")
        broker.stop()
        broker.start()
        with Subscriber(broker.port) as subscriber:
            subscriber.until(lambda heard: sum(one.topic == f"{ROOT}/status" and not one.retained for one in heard))
            subscriber.until_last(f"{ROOT}/status", "online")
        assert retained(broker.port).items() >= dict(sink.preview(ACTIVE, controllable=False)).items()


def test_home_assistants_birth_brings_everything_again(broker, monkeypatch):
    monkeypatch.setattr(_mqtt_session, "_BIRTH_JITTER_S", 0.1)
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(QUIET)
        subscriber.until_last(f"{ROOT}/status", "online")
        subscriber.forget()
        subscriber.publish("homeassistant/status", "offline")
        subscriber.publish("homeassistant/status", "online")
        subscriber.until_last(f"{ROOT}/status", "online")
        expected = dict(sink.preview(QUIET, controllable=False))
        assert {one.topic: one.text for one in subscriber.heard}.items() >= expected.items()


def test_a_late_will_of_an_earlier_connection_is_contradicted(broker):
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(QUIET)
        subscriber.until_last(f"{ROOT}/status", "online")
        subscriber.publish(f"{ROOT}/status", "offline", retain=True)
        subscriber.until_last(f"{ROOT}/status", "online")


# What was renamed or removed while the daemon was down


def test_nothing_is_left_behind_by_what_is_gone(broker):
    with opened(broker) as sink:
        sink.report(status(stream("porch", action("waving")), stream("Küche", action("手を振る"), action("yoga"))))
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        now = status(stream("gate", action("waving")), stream("Küche", action("yoga")))
        subscriber.forget()
        sink.report(now)
        subscriber.until_last(f"{ROOT}/status", "online")
        removal, announced = (json.loads(text)["cmps"] for text in subscriber.texts(DISCOVERY)[-2:])
        assert removal["porch__action__waving"] == {"p": "binary_sensor"}
        assert removal.keys() > announced.keys()
        expected = dict(sink.preview(now, controllable=False))
    assert retained(broker.port) == expected | {f"{ROOT}/status": "stopped"}


def test_the_neighbours_topics_are_left_alone(broker):
    others = {
        "movinet-edge/testnode2/porch/status": "online",
        "movinet-edge/other/porch/label": "none",
        f"{ROOT}/porch/note": "mine",
        "homeassistant/device/other/config": "{}",
    }
    with Subscriber(broker.port) as subscriber:
        for topic, payload in others.items():
            subscriber.publish(topic, payload, retain=True)
        with opened(broker) as sink:
            sink.report(status(stream("gate")))
    assert retained(broker.port).items() >= others.items()


def test_cleanup_leaves_nothing_of_the_node(broker):
    with Subscriber(broker.port) as subscriber:
        subscriber.publish("movinet-edge/other/status", "online", retain=True)
        subscriber.publish(f"{ROOT}/porch/enabled/set", "ON", retain=True)
    with opened(broker) as sink:
        sink.report(QUIET)
    gone = MqttSink(settings(broker)).cleanup()
    assert {DISCOVERY, WAVING, f"{ROOT}/status", f"{ROOT}/porch/enabled/set"} <= set(gone)
    assert retained(broker.port) == {"movinet-edge/other/status": "online"}


def test_a_stream_that_is_switched_off_is_said_so(broker):
    with opened(broker) as sink:
        sink.report(QUIET)
        sink.report(status(stream("porch", action(), state=StreamState.DISABLED)))
        assert retained(broker.port)[f"{ROOT}/porch/status"] == "disabled"


# Two of one name


def test_two_daemons_of_one_node_are_told_and_do_not_throw_each_other_out(broker):
    with opened(broker) as first:
        first.report(QUIET)
        with capture_logs() as logs, opened(broker) as second:
            second.report(QUIET)
            first.report(ACTIVE)
        assert [log["node"] for log in logs if "online already" in log["event"]] == ["testnode"]


def test_who_is_thrown_out_by_another_client_comes_back(broker):
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(QUIET)
        taken = sink._session._ready._client._client_id.decode()
        thief = Client(CallbackAPIVersion.VERSION2, client_id=taken, protocol=MQTTProtocolVersion.MQTTv5)
        subscriber.until_last(f"{ROOT}/status", "online")
        thief.connect("127.0.0.1", broker.port)
        subscriber.until_last(f"{ROOT}/status", "offline")
        subscriber.until_last(f"{ROOT}/status", "online")
        thief.disconnect()


def test_what_may_be_old_is_not_shown_until_the_daemon_speaks_again(broker):
    with opened(broker, timeout=0.2) as sink:
        sink.report(ACTIVE)
        broker.kill()
        with pytest.raises(DeliveryError):
            sink.report(QUIET)
        broker.start()
        with Subscriber(broker.port) as subscriber, capture_logs() as logs:
            eventually(lambda: any(log["event"] == "mqtt connected again" for log in logs))
            subscriber.publish("now", "")
            subscriber.until_last("now", "")
            assert subscriber.last(f"{ROOT}/status") is None
            sink.report(QUIET)
            subscriber.until_last(f"{ROOT}/status", "online")
            assert [json.loads(text)["state"] for text in subscriber.texts(WAVING)] == ["OFF"]
