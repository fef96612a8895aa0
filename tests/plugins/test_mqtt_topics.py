"""Names in topics and ids, what can be set for the sink, and which topics are whose."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from movinet_edge_plugins._mqtt_topics import Command, Topics, slug
from movinet_edge_plugins.mqtt import MqttSettings

TOPICS = Topics("movinet-edge", "pi", "homeassistant")
NAMES = st.text(st.sampled_from("aB0_-. é手/+#"), max_size=8) | st.text(max_size=80)


@pytest.mark.parametrize("name", ["porch", "Porch-2", "front_door", "a", "-", "1234567"])
def test_a_plain_name_stays_as_it_is(name):
    assert slug(name) == name


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("waving hand", "waving_hand_"),
        ("Küche", "K_che_"),
        ("手を振る", ""),
        ("", ""),
        ("a/b", "a_b_"),
        ("a__b", "a_b_"),
        ("_a", "a_"),
        ("a" * 100, "a" * 49 + "_"),
        ("a_0123456789", "a_0123456789_"),
    ],
)
def test_another_name_gets_its_hash(name, begins):
    assert re.fullmatch(re.escape(begins) + "[0-9a-f]{10}", slug(name))


@given(st.lists(NAMES, unique=True, max_size=20))
def test_distinct_names_never_meet(names):
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(slugs)


@given(NAMES, NAMES)
def test_a_slug_is_never_taken_for_the_name_of_another(name, other):
    assert slug(slug(name)) != slug(other) or slug(name) in (name, other)


@given(NAMES)
def test_a_slug_is_fit_for_topics_and_ids(name):
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,60}", slug(name))
    assert "__" not in slug(name)
    assert slug(name).strip("_") == slug(name)


@pytest.mark.parametrize(
    ("topic", "command"),
    [
        ("movinet-edge/pi/porch/enabled/set", Command("porch", None)),
        ("movinet-edge/pi/porch/action/waving/threshold/set", Command("porch", "waving")),
        ("movinet-edge/pi/porch/enabled/state", None),
        ("movinet-edge/pi/enabled/set", None),
        ("movinet-edge/other/porch/enabled/set", None),
        ("movinet-edge/pi/porch/action/waving/set", None),
        ("homeassistant/status", None),
    ],
)
def test_commands_are_told_by_their_topics(topic, command):
    assert TOPICS.command(topic) == command


def test_every_retained_topic_of_a_stream_is_known_as_one():
    own = [
        TOPICS.stream_status("a b"),
        TOPICS.label("porch"),
        TOPICS.enabled("porch") + "/state",
        TOPICS.action_state("porch", "Ä"),
        TOPICS.threshold("porch", "Ä") + "/state",
    ]
    assert [topic for topic in own if not TOPICS.is_state(topic)] == []
    others = [
        TOPICS.status,
        TOPICS.stats,
        TOPICS.event("porch"),
        TOPICS.discovery,
        TOPICS.birth,
        TOPICS.enabled("porch") + "/set",
        "movinet-edge/pi2/porch/status",
    ]
    assert [topic for topic in others if TOPICS.is_state(topic)] == []


# Settings


@pytest.mark.parametrize(
    ("wrong", "where", "reason"),
    [
        ({"host": "mqtt://broker"}, "host", "leave out mqtt://"),
        ({"host": ""}, "host", "no name"),
        ({"host": "bro ker"}, "host", "no name"),
        ({"port": 0}, "port", "greater"),
        ({"port": 70000}, "port", "less"),
        ({"transport": "udp"}, "transport", "websockets"),
        ({"path": "mqtt"}, "path", "match"),
        ({"protocol": 4}, "protocol", "3.1.1"),
        ({"tls": {"key": "key.pem"}}, "tls", "certificate"),
        ({"tls": {"cafile": "ca.pem"}}, "tls", "not permitted"),
        ({"password": "hidden"}, "password", "user"),
        ({"base_topic": ""}, "base_topic", "no topic"),
        ({"base_topic": "a/#"}, "base_topic", "no topic"),
        ({"base_topic": "$SYS"}, "base_topic", "no topic"),
        ({"base_topic": "/a"}, "base_topic", "no topic"),
        ({"discovery_prefix": "home assistant"}, "discovery_prefix", "no topic"),
        ({"node": "my pi"}, "node", "letters"),
        ({"node": "pi/2"}, "node", "letters"),
        ({"keepalive": 0}, "keepalive", "greater"),
        ({"timeout": 0}, "timeout", "greater"),
        ({"qos": 2}, "qos", "not permitted"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_with_the_reason(wrong, where, reason):
    with pytest.raises(ValidationError) as caught:
        MqttSettings(**({"host": "broker"} | wrong))
    assert {error["loc"][0] for error in caught.value.errors()} == {where}
    assert any(re.search(reason, error["msg"]) for error in caught.value.errors())
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 1883),
        ({"tls": True}, 8883),
        ({"tls": {"ca": "ca.pem"}}, 8883),
        ({"transport": "websockets"}, 80),
        ({"transport": "websockets", "tls": True}, 443),
        ({"tls": True, "port": 1234}, 1234),
    ],
    ids=str,
)
def test_the_port_follows_from_the_rest(given, port):
    assert MqttSettings(host="broker", **given).broker().port == port


@pytest.mark.parametrize("host", ["broker", "broker.lan", "192.168.1.2", "::1", "fe80::1%eth0"])
def test_names_and_addresses_are_hosts(host):
    assert MqttSettings(host=host).broker().host == host


def test_version_5_may_be_written_as_a_number():
    assert MqttSettings(host="broker", protocol=5).broker().is_v5
    assert not MqttSettings(host="broker", protocol="3.1.1").broker().is_v5


def test_the_password_is_never_shown():
    settings = MqttSettings(host="broker", user="me", password="hidden")  # noqa: S106
    assert settings.broker().password == "hidden"  # noqa: S105
    assert "hidden" not in repr(settings) + str(settings.broker()) + repr(settings.broker())


def test_the_node_is_the_machine_by_default():
    assert re.fullmatch(r"[a-zA-Z0-9_-]+", MqttSettings(host="broker").topics().node)
