"""What is renamed or removed leaves nothing behind in Home Assistant's registry."""

import pytest
from edge_daemon import ACTIONS, WAVING

STREAM_ENTITIES = [
    ("binary_sensor", "connection"),
    ("event", "event"),
    ("sensor", "current action"),
    ("sensor", "dropped frames"),
    ("sensor", "frame age"),
    ("sensor", "inference rate"),
    ("switch", "detection"),
]
ACTION_ENTITIES = [("binary_sensor", ""), ("number", " threshold")]

BEFORE = {"porch": ACTIONS, "hall": {"waving": WAVING}, "attic": {"waving": WAVING}}

# One action has another name and one is gone; of the streams, too.
AFTER = {"porch": {"greeting": WAVING}, "garden": {"waving": WAVING}}


def names(streams):
    """Domains and names of all entities that there should be, in the registry's order."""
    found = []
    for stream, actions in streams.items():
        found += [(domain, f"{stream} {name}") for domain, name in STREAM_ENTITIES]
        found += [(domain, f"{stream} {action}{ending}") for action in actions for domain, ending in ACTION_ENTITIES]
    return sorted(found)


@pytest.fixture
def daemon(edge, home):
    """Home Assistant has all entities of its streams."""
    edge.watch(BEFORE)
    edge.start()
    home.until(lambda: home.names() == names(BEFORE), "all entities")
    home.until_state("binary_sensor", "attic waving", "off")
    return edge


def check(home):
    home.until(lambda: home.names() == names(AFTER), f"exactly the entities of {AFTER}")
    home.until_state("binary_sensor", "porch greeting", "off")
    home.until_state("binary_sensor", "garden waving", "off")


def test_a_change_while_the_daemon_is_down(daemon, home):
    daemon.stop()
    daemon.watch(AFTER)
    daemon.start()
    check(home)


def test_a_change_while_the_daemon_runs(daemon, home):
    daemon.watch(AFTER)
    daemon.command("reload")
    check(home)


def test_what_home_assistant_sleeps_through_is_unavailable_and_never_on(daemon, home):
    """It forgets what it is told to forget while it listens; the rest its users delete."""
    daemon.paint(WAVING, stream="attic")
    home.until_state("binary_sensor", "attic waving", "on")
    home.stop()
    daemon.watch(AFTER)
    daemon.command("reload")
    home.start()
    home.until_state("binary_sensor", "garden waving", "off")
    for domain, name in set(names(BEFORE)) - set(names(AFTER)):
        assert home.state(domain, name).state == "unavailable"


def test_a_node_that_is_cleaned_up_leaves_no_entity(daemon, home):
    daemon.stop()
    daemon.command("mqtt", "cleanup")
    home.until(lambda: home.names() == [], "no entity to be left")
