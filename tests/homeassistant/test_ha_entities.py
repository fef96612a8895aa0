"""What Home Assistant makes of a daemon: its entities, what they show, and what can be done with them."""

import cv2
import numpy as np
import pytest
from edge_daemon import ACTIONS, NOTHING, SITTING, WAVING

# Of one stream `porch` that watches for two actions.
ENTITIES = [
    ("binary_sensor", "porch connection"),
    ("binary_sensor", "porch sitting down"),
    ("binary_sensor", "porch waving"),
    ("event", "porch event"),
    ("number", "porch sitting down threshold"),
    ("number", "porch waving threshold"),
    ("sensor", "porch current action"),
    ("sensor", "porch dropped frames"),
    ("sensor", "porch frame age"),
    ("sensor", "porch inference rate"),
    ("switch", "porch detection"),
]

START = ("start", None)


@pytest.fixture
def daemon(edge, home):
    """Runs, and Home Assistant shows it."""
    edge.start()
    home.until_state("event", "porch event", "unknown")
    return edge


def test_a_daemon_is_there_without_any_configuration_in_home_assistant(daemon, home):
    home.until(lambda: home.names() == ENTITIES, "all entities")
    for domain, name, state in (
        ("binary_sensor", "porch connection", "on"),
        ("binary_sensor", "porch sitting down", "off"),
        ("event", "porch event", "unknown"),
        ("number", "porch waving threshold", "0.5"),
        ("sensor", "porch current action", "none"),
        ("sensor", "porch dropped frames", "0"),
        ("switch", "porch detection", "on"),
    ):
        home.until_state(domain, name, state)
    options = home.state("sensor", "porch current action").attributes["options"]
    assert sorted(options) == ["none", "sitting down", "waving"]
    assert home.state("binary_sensor", "porch connection").attributes["device_class"] == "connectivity"


def test_an_action_is_followed_from_its_start_to_its_stop(daemon, home):
    daemon.paint(WAVING)
    home.until_state("binary_sensor", "porch waving", "on")
    home.until_state("sensor", "porch current action", "waving")
    home.until(lambda: home.events("porch event") == [START], "the event of the start")
    event = home.state("event", "porch event").attributes
    assert (event["stream"], event["action"], event["schema"]) == ("porch", "waving", 1)
    daemon.paint(NOTHING)
    home.until_state("binary_sensor", "porch waving", "off")
    home.until_state("sensor", "porch current action", "none")
    home.until(lambda: home.events("porch event") == [START, ("stop", "below")], "the event of the stop")
    assert home.state("event", "porch event").attributes["id"] == event["id"]
    daemon.paint(SITTING)
    home.until_state("binary_sensor", "porch sitting down", "on")
    home.until_state("sensor", "porch current action", "sitting down")
    home.until(lambda: home.events("porch event") == [START, ("stop", "below"), START], "one event more")
    waving = [state.state for state in home.history("binary_sensor", "porch waving") if state.state in ("on", "off")]
    assert waving == ["off", "on", "off"]


def test_a_picture_of_an_action_is_shown_to_those_who_asked_for_pictures(edge, home):
    edge.watch({"porch": ACTIONS}, snapshot=True)
    edge.start()
    home.until_state("image", "porch snapshot", "unknown")
    edge.paint(WAVING)
    home.until(lambda: home.state("image", "porch snapshot").state != "unknown", "a picture")
    picture = home.fetch(home.state("image", "porch snapshot").attributes["entity_picture"])
    blue, green, red = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).mean(axis=(0, 1))
    assert red > 200
    assert max(green, blue) < 50


def test_detection_is_switched_off_and_on(daemon, home):
    daemon.paint(WAVING)
    home.until_state("binary_sensor", "porch waving", "on")
    home.call("switch", "turn_off", "porch detection")
    home.until_state("switch", "porch detection", "off")
    home.until_state("binary_sensor", "porch waving", "unavailable")
    home.until_state("binary_sensor", "porch connection", "off")
    home.until(lambda: home.events("porch event") == [START, ("stop", "disabled")], "the stop of what went on")
    daemon.paint(NOTHING)
    home.call("switch", "turn_on", "porch detection")
    home.until_state("switch", "porch detection", "on")
    home.until_state("binary_sensor", "porch connection", "on")
    home.until_state("binary_sensor", "porch waving", "off")


def test_a_threshold_is_set_and_outlives_a_restart_of_the_daemon(daemon, home):
    home.call("number", "set_value", "porch waving threshold", value=0.85)
    home.until_state("number", "porch waving threshold", "0.85")
    daemon.stop()
    home.until_state("number", "porch waving threshold", "unavailable")
    daemon.start()
    home.until_state("number", "porch waving threshold", "0.85")
    home.until_state("number", "porch sitting down threshold", "0.5")
