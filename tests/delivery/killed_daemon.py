"""A process to be killed: stores starts and stops without end, delivers them, and tells what was committed.

Called with the outbox and the event file; one line `seq id type` per event on standard output, after its commit.
"""

import os
import random
import sys
from itertools import count
from pathlib import Path

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.delivery import DeliveryWorker, Outbox
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins.jsonl import JsonlSettings, JsonlSink


def tell(events: list[ActionEvent]) -> None:
    os.write(1, "".join(f"{event.seq} {event.id} {event.event_type}\n" for event in events).encode())


def main(outbox_path: Path, events_path: Path) -> None:
    outbox = Outbox(outbox_path)
    outbox.register_sinks(["jsonl"])
    tell(outbox.recover())
    settings = JsonlSettings(path=events_path, max_bytes=20_000, keep=1000)
    DeliveryWorker("jsonl", lambda: JsonlSink(settings), outbox).start()
    rng = random.Random(os.getpid())  # noqa: S311 - variety, no secrets
    running: list[str] = []
    for n in count():
        batch = [example_event(id=f"{os.getpid()}-{n}")]
        running.append(batch[0].id)
        while running and rng.random() < 0.5:
            batch.append(example_event(EventType.STOP, id=running.pop(0)))
        tell(outbox.append(batch))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
