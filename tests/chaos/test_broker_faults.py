"""Every committed event reaches a subscriber, in order, whatever happens to the broker and the daemon: a small run."""

import os

import pytest
from chaos.broker_faults import Plan, run


def test_no_event_is_lost_between_the_outbox_and_a_subscriber(tmp_path):
    try:
        outcome = run(Plan(events=600, restarts=3, freezes=1, kills=2, seed=1), tmp_path)
    except OSError as error:
        if os.environ.get("CI", "").lower() in ("true", "1"):
            raise
        pytest.skip(str(error))
    assert outcome.committed >= 600
    assert outcome.problems() == []
