"""Commands over MQTT: done when they are right, refused with a word when not, and never more than a word at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtt_parts import ROOT, RecordingControl, action, brokers, eventually, opened, status, stream
from peers.mosquitto import Subscriber
from structlog.testing import capture_logs

from movinet_edge_plugins._mqtt_commands import Commands
from movinet_edge_plugins._mqtt_topics import Topics

TOPICS = Topics("movinet-edge", "pi", "homeassistant")
ENABLED = "movinet-edge/pi/porch/enabled/set"
THRESHOLD = "movinet-edge/pi/porch/action/waving/threshold/set"


@pytest.fixture
def control():
    return RecordingControl()


def commands(control, clock=lambda: 0.0):
    known = Commands(TOPICS, control, clock=clock)
    known.know(status(stream("porch", action("waving")), stream("Küche", action("手を振る"))))
    return known


def take(control, topic, payload, *, retained=False):
    """The reason of a refusal; None when the command was taken."""
    with capture_logs() as logs:
        assert commands(control).take(topic, payload, retained)
    return next((log["reason"] for log in logs if log["event"] == "command refused"), None)


@pytest.mark.parametrize(
    ("topic", "payload", "done"),
    [
        (ENABLED, b"ON", ("porch", True)),
        (ENABLED, b"OFF", ("porch", False)),
        (THRESHOLD, b"0.6", ("porch", "waving", 0.6)),
        (THRESHOLD, b"1", ("porch", "waving", 1.0)),
        (THRESHOLD, b"1.0", ("porch", "waving", 1.0)),
        (THRESHOLD, b".5", ("porch", "waving", 0.5)),
        (THRESHOLD, b"1e-05", ("porch", "waving", 1e-05)),
        (THRESHOLD, b"0.30000000000000004", ("porch", "waving", 0.30000000000000004)),
        (TOPICS.enabled("Küche") + "/set", b"ON", ("Küche", True)),
        (TOPICS.threshold("Küche", "手を振る") + "/set", b"0.5", ("Küche", "手を振る", 0.5)),
    ],
)
def test_a_command_is_done(control, topic, payload, done):
    assert take(control, topic, payload) is None
    assert control.done == [done]


@pytest.mark.parametrize("payload", [b"", b"on", b"1", b"ON ", b"\xff\x00", b"TOGGLE", b"ON" * 1_000_000])
def test_a_switch_takes_on_and_off_alone(control, payload):
    assert "ON or OFF" in take(control, ENABLED, payload)
    assert control.done == []


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nan",
        b"NaN",
        b"inf",
        b"1e999",
        b"1e-999",
        b"0",
        b"0.0",
        b"-0.5",
        b"1.01",
        b"1_0",
        b" 0.5",
        b"0,5",
        b"0x1",
        b"0.5\n",
        b"\xd9\xa1",
        b"\xff",
        b"0." + b"1" * 1_000_000,
        b'{"on": 0.5}',
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_a_threshold_is_a_number_over_0_and_at_most_1(control, payload):
    assert "over 0 and at most 1" in take(control, THRESHOLD, payload)
    assert control.done == []


@given(payload=st.binary(max_size=40) | st.text("0123456789.eE+-_ naif", max_size=12).map(str.encode))
def test_no_payload_sets_what_is_no_threshold(payload):
    control = RecordingControl()
    reason = take(control, THRESHOLD, payload)
    assert (reason is None) == bool(control.done)
    assert all(0.0 < done[2] <= 1.0 for done in control.done)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("movinet-edge/pi/proch/enabled/set", "no stream 'proch'.*porch"),
        ("movinet-edge/pi/porch/action/wavin/threshold/set", "no action 'wavin'.*waving"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(control, topic, reason):
    import re

    assert re.search(reason, take(control, topic, b"ON"))


def test_a_retained_command_is_refused(control):
    assert "retained" in take(control, ENABLED, b"OFF", retained=True)
    assert control.done == []


def test_what_the_daemon_refuses_is_logged(control):
    assert "for the test" in take(control, THRESHOLD, b"0.99")


def test_a_failure_ends_nothing(control):
    control.set_enabled = None  # cannot be called
    with capture_logs() as logs:
        commands(control).take(ENABLED, b"ON", retained=False)
    assert [log["event"] for log in logs] == ["command failed"]


def test_other_topics_are_none_of_its_business(control):
    assert not commands(control).take("movinet-edge/pi/porch/status", b"online", retained=False)


def test_nonsense_does_not_flood_the_log(control):
    now_s = [0.0]
    known = commands(control, clock=lambda: now_s[0])
    with capture_logs() as logs:
        for _ in range(100):
            known.take(ENABLED, b"nonsense", retained=False)
        now_s[0] = 10.0
        known.take(ENABLED, b"nonsense", retained=False)
    assert [log["not_logged_before"] for log in logs] == [0, 99]


# With a broker


@pytest.fixture
def broker(tmp_path):
    with brokers(tmp_path) as start:
        yield start()


def test_commands_come_from_the_broker(broker, control):
    with Subscriber(broker.port) as subscriber:
        subscriber.publish(f"{ROOT}/porch/enabled/set", "OFF", retain=True)  # from before: not to be done
        with opened(broker, control) as sink:
            sink.report(status())
            subscriber.publish(f"{ROOT}/porch/enabled/set", b"\xff\xfe")
            subscriber.publish(f"{ROOT}/porch/action/waving/threshold/set", "1e999")
            subscriber.publish(f"{ROOT}/porch/action/waving/threshold/set", "0.4")
            subscriber.publish(f"{ROOT}/porch/enabled/set", "ON")
            sink.report(status(stream("porch", action(on=0.4))))  # as the daemon does when it has taken it
            subscriber.until_last(f"{ROOT}/porch/action/waving/threshold/state", "0.4")
            subscriber.until_last(f"{ROOT}/porch/enabled/state", "ON")
    assert control.done == [("porch", "waving", 0.4), ("porch", True)]


def test_a_command_that_is_to_be_retained_is_refused_already_when_it_is_published(broker, control):
    with Subscriber(broker.port) as subscriber, opened(broker, control) as sink:
        sink.report(status())
        subscriber.publish(f"{ROOT}/porch/enabled/set", "OFF", retain=True)
        subscriber.publish(f"{ROOT}/porch/action/waving/threshold/set", "0.4")
        eventually(lambda: control.done)
    assert control.done == [("porch", "waving", 0.4)]
