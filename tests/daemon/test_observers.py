"""Observers see what is scored, may ask for larger pictures, and cannot harm a stream."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from movinet_edge.api import Frame
from movinet_edge.daemon.observers import Observers, ScoredFrame

SEEN = ScoredFrame(
    "porch",
    Frame(np.zeros((9, 16, 3), np.uint8), 0.0),
    np.zeros(4, np.float32),
    ("waving",),
    np.zeros(1, np.float32),
    (),
    0.01,
)


class Observer:
    def __init__(self, size_px=(0, 0), error=None):
        self.size_px, self.error = size_px, error
        self.seen = []

    def scored(self, seen):
        if self.error:
            raise self.error
        self.seen.append(seen)

    def size_for(self, *_):
        if self.error:
            raise self.error
        return self.size_px


@pytest.fixture
def observers():
    return Observers()


def test_without_observers_there_is_nothing_to_do(observers):
    assert not observers
    assert observers.size_for("porch", 640, 360) == (0, 0)


def test_every_observer_is_told_until_it_is_removed(observers):
    first, second = Observer(), Observer()
    observers.add(first)
    observers.add(second)
    observers.scored(SEEN)
    observers.remove(first)
    observers.remove(first)
    observers.scored(SEEN)
    assert (len(first.seen), len(second.seen)) == (1, 2)


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ([(320, 180)], (320, 180)),
        ([(320, 180), (0, 0), (200, 300)], (320, 300)),
        ([(1920, 1080)], (640, 360)),
    ],
)
def test_the_largest_size_counts_and_none_is_larger_than_the_picture(observers, sizes, wanted):
    for size_px in sizes:
        observers.add(Observer(size_px))
    assert observers.size_for("porch", 640, 360) == wanted


@pytest.mark.parametrize("ask", [lambda o: o.scored(SEEN), lambda o: o.size_for("porch", 640, 360)])
def test_an_observer_that_fails_is_told_once_and_never_asked_again(observers, ask):
    broken, well = Observer(error=RuntimeError("broken")), Observer((320, 180))
    observers.add(broken)
    observers.add(well)
    with capture_logs() as logs:
        ask(observers)
        ask(observers)
    assert [entry["observer"] for entry in logs] == ["Observer"]
    observers.scored(SEEN)
    assert well.seen


def test_a_listener_that_fails_costs_the_others_nothing(observers):
    heard = []

    def fail(_event):
        raise RuntimeError("broken")

    observers.listen(fail)
    observers.listen(heard.append)
    event = type("Event", (), {"id": "an id"})()
    with capture_logs() as logs:
        observers.stored(event)
    assert heard == [event]
    assert logs[0]["event_id"] == "an id"
    observers.unlisten(heard.append)
    observers.unlisten(fail)
    observers.stored(event)
    assert heard == [event]
