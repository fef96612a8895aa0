"""`kill -9` at any instant: nothing committed is lost, nothing stays open, and a sink sees everything in order."""

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import groupby
from pathlib import Path

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.delivery import DeliveryWorker, Outbox
from movinet_edge_plugins.jsonl import JsonlSettings, JsonlSink

SCRIPT = Path(__file__).with_name("killed_daemon.py")
ROUNDS = 20
PATIENCE_S = 60.0


def run_and_kill(outbox_path: Path, events_path: Path, rng: random.Random) -> list[str]:
    """The lines that one process could tell before it was killed."""
    arguments = [sys.executable, str(SCRIPT), str(outbox_path), str(events_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(rng.randrange(1, 30))]
        time.sleep(rng.uniform(0.0, 0.01))
        process.kill()
        lines += process.stdout.readlines()
        errors = process.stderr.read()
    assert process.returncode == -signal.SIGKILL, errors
    return lines


def read_rotated(path: Path) -> list[ActionEvent]:
    older = sorted(path.parent.glob(f"{path.name}.*"), key=lambda file: -int(file.suffix[1:]))
    return [ActionEvent.from_json(line) for file in [*older, path] for line in file.read_bytes().splitlines()]


def test_killed_many_times(tmp_path):
    rng = random.Random(20240517)  # noqa: S311 - variety, no secrets
    outbox_path, events_path = tmp_path / "outbox.db", tmp_path / "events" / "events.jsonl"
    told = [line.split() for _ in range(ROUNDS) for line in run_and_kill(outbox_path, events_path, rng)]

    with closing(Outbox(outbox_path)) as outbox:
        assert outbox.corruptions == 0
        outbox.register_sinks(["jsonl"])
        outbox.recover()
        settings = JsonlSettings(path=events_path, max_bytes=20_000, keep=1000)
        worker = DeliveryWorker("jsonl", lambda: JsonlSink(settings), outbox)
        worker.start()
        assert worker.stop(PATIENCE_S)
        stored = outbox.query()

    kept = {str(event.seq): [event.id, event.event_type.value] for event in stored}
    assert len(told) > 2 * ROUNDS
    assert all(kept[seq] == [*rest] for seq, *rest in told)
    assert sorted(e.id for e in stored if e.event_type is EventType.START) == sorted(
        e.id for e in stored if e.event_type is EventType.STOP
    )

    raw = read_rotated(events_path)
    delivered = [event.model_copy(update={"late": False, "repeated": False}) for event in raw]
    assert [event.seq for event in delivered] == sorted(event.seq or 0 for event in delivered)
    copies = [list(group) for _, group in groupby(delivered, key=lambda event: event.seq)]
    assert [group[0] for group in copies] == stored
    assert all(event == group[0] for group in copies for event in group)
    # What comes twice says so.
    by_seq = [list(group) for _, group in groupby(raw, key=lambda event: event.seq)]
    assert all(event.repeated for group in by_seq for event in group[1:])
    # At most one event is between the file and the acknowledgement at each death.
    assert len(delivered) - len(copies) <= ROUNDS
