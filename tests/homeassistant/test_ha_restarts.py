"""After a restart of the broker, of Home Assistant or of the daemon, entities show again what is true."""

import pytest
from edge_daemon import NOTHING, WAVING
from peers.mosquitto import Subscriber, retained

START = ("start", None)


@pytest.fixture
def waving(edge, home):
    """A daemon before which somebody waves."""
    edge.start()
    home.until_state("event", "porch event", "unknown")
    edge.paint(WAVING)
    home.until_state("binary_sensor", "porch waving", "on")
    home.until(lambda: home.events("porch event") == [START], "the event of the start")
    return edge


@pytest.mark.parametrize("after", ["still waves", "has stopped"])
def test_a_broker_that_comes_back_and_remembers_nothing(after, waving, home, broker):
    home.may_miss_broker = True
    broker.stop()
    home.until_state("binary_sensor", "porch waving", "unavailable")
    if after == "has stopped":
        waving.paint(NOTHING)
    broker.start()
    shown = "on" if after == "still waves" else "off"
    home.until_state("binary_sensor", "porch waving", shown)
    home.until_state("sensor", "porch current action", "waving" if shown == "on" else "none")
    home.until_state("switch", "porch detection", "on")


def test_home_assistant_that_comes_back_and_finds_nothing_on_the_broker(waving, home, broker):
    home.stop()
    before = retained(broker.port)
    with Subscriber(broker.port) as somebody:
        for topic in before:
            somebody.publish(topic, "", retain=True)
    home.start()
    home.until_state("binary_sensor", "porch waving", "on")
    home.until_state("number", "porch waving threshold", "0.5")
    assert retained(broker.port).keys() >= before.keys()


def test_home_assistant_that_comes_back_after_the_action_has_stopped(waving, home, broker):
    home.stop()
    with Subscriber(broker.port) as somebody:
        waving.paint(NOTHING)
        somebody.until(lambda heard: any(one.topic.endswith("/porch/event") for one in heard), "the stop")
    home.start()
    home.until_state("binary_sensor", "porch waving", "off")
    home.until_state("sensor", "porch current action", "none")
    assert home.events("porch event") == [START], "what is over was shown as an event of now"


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_daemon_that_ends_is_unavailable_and_comes_back_with_the_truth(end, waving, home):
    getattr(waving, end)()
    for domain, name in (
        ("binary_sensor", "porch waving"),
        ("binary_sensor", "porch connection"),
        ("sensor", "porch current action"),
        ("switch", "porch detection"),
    ):
        home.until_state(domain, name, "unavailable")
    waving.paint(NOTHING)
    waving.start()
    home.until_state("binary_sensor", "porch waving", "off")
    home.until_state("binary_sensor", "porch connection", "on")
    home.until_state("sensor", "porch current action", "none")
    stop = ("stop", "shutdown")
    # Killed before it had noted that the start was delivered, it delivers that again.
    told = ([START, stop], [START, START, stop]) if end == "kill" else ([START, stop],)
    home.until(lambda: home.events("porch event") in told, "the stop of what went on")


def test_home_assistant_that_starts_after_the_daemon_was_killed(waving, home):
    home.stop()
    waving.kill()
    home.start()
    home.until_state("binary_sensor", "porch waving", "unavailable")
    home.until_state("event", "porch event", "unavailable")
