"""Every committed event reaches a subscriber, in order, whatever happens to the broker and the daemon: a small run."""

from chaos.broker_faults import Plan, run
from peers.missing import is_missing
from peers.mosquitto import Mosquitto


def test_no_event_is_lost_between_the_outbox_and_a_subscriber(tmp_path):
    try:
        Mosquitto(tmp_path)
    except OSError as error:
        is_missing(error)
    outcome = run(Plan(events=600, restarts=3, freezes=1, kills=2, seed=1), tmp_path)
    assert outcome.committed >= 600
    assert outcome.problems() == []
