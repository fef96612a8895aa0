"""Outboxes in a folder of the test's own, with a clock that the test sets, and workers that are stopped in the end."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from trial import PATIENCE_S, Trial

from movinet_edge.delivery import Backoff, DeliveryWorker, Outbox


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "outbox.db"


@pytest.fixture
def make(path, clock) -> Iterator[Callable[..., Outbox]]:
    """Opens the outbox (again); a former one is closed first."""
    made: list[Outbox] = []

    def open_again(*sinks: str, **options: object) -> Outbox:
        if made:
            made[-1].close()
        made.append(Outbox(path, clock=clock, **options))
        if sinks:
            made[-1].register_sinks(sinks)
        return made[-1]

    yield open_again
    if made:
        made[-1].close()


@pytest.fixture
def outbox(tmp_path) -> Iterator[Outbox]:
    with closing(Outbox(tmp_path / "outbox.db")) as outbox:
        outbox.register_sinks(["a", "b"])
        yield outbox


@pytest.fixture
def run(outbox) -> Iterator[Callable[..., DeliveryWorker]]:
    """Start a worker that hardly pauses; it is stopped after the test."""
    workers: list[DeliveryWorker] = []

    def start(trial: Trial, name: str = "a", pause_s: float = 0.001, **options: object) -> DeliveryWorker:
        backoff = Backoff(first_s=pause_s, cap_s=pause_s)
        workers.append(DeliveryWorker(name, trial.make_sink, outbox, backoff=backoff, **options))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop(PATIENCE_S)
