"""Events under fire: the broker is restarted and frozen, the daemon killed, and a subscriber must hear every event.

    python tests/chaos/broker_faults.py --events 10000

The real daemon with the real `mqtt` sink, mosquitto, and a subscriber with a persistent session. What was committed to
the outbox is the truth that the subscriber's list is compared with.
"""

import argparse
import collections
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import yaml

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "daemon")]

from clips import write_clip  # noqa: E402 the folders of the tests are no packages
from peers.mosquitto import Heard, Mosquitto, Subscriber  # noqa: E402
from scene import write_model  # noqa: E402

STREAMS = 8
FPS = 50
_FREEZE_S = 3.0
_PATIENCE_S = 300.0
_NODE = "endurance"

# A start and a stop of each colour in ten frames, so 20 events a second from each stream.
_ACTIONS = {
    colour: {"labels": [colour], "min_duration": 0, "max_gap": 0, "cooldown": 0, "max_duration": "1h"}
    for colour in ("red", "blue")
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done, spread evenly over the events and in random order."""

    events: int
    restarts: int
    freezes: int
    kills: int
    seed: int

    def faults(self) -> list[str]:
        """The faults in their order."""
        faults = ["restart"] * self.restarts + ["freeze"] * self.freezes + ["kill"] * self.kills
        random.Random(self.seed).shuffle(faults)  # noqa: S311 guards nothing
        return faults


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    committed: int
    heard: int
    missing: list[str]
    unknown: list[str]
    out_of_order: list[str]
    resent: int
    """By the broker, which had not seen the subscriber's confirmation: nothing of ours."""
    doubled: int
    unmarked: int
    late: int
    faults: int
    took_s: float

    def problems(self) -> list[str]:
        """Everything that must not be."""
        found = [f"never heard: {key}" for key in self.missing[:5]]
        found += [f"heard but never committed: {key}" for key in self.unknown[:5]]
        found += [f"out of order: {key}" for key in self.out_of_order[:5]]
        # Each fault may catch one event between the broker's taking it and the outbox's knowing that.
        if self.doubled > self.faults:
            found.append(f"{self.doubled} doubled by {self.faults} faults, at most one each can be")
        if self.unmarked:
            found.append(f"{self.unmarked} came twice and did not say so")
        return found


def run(plan: Plan, folder: Path) -> Outcome:
    """Do it all in an empty folder."""
    began_s = time.monotonic()
    with (
        Mosquitto(folder, "max_queued_messages 0", "max_inflight_messages 0", persistence=True) as broker,
        Subscriber(broker.port, session="counter") as subscriber,
    ):
        daemon = _Daemon(_write_config(folder, broker.port))
        faults = plan.faults()
        with daemon:
            for number, fault in enumerate(faults, 1):
                share = plan.events * number // (len(faults) + 1)
                daemon.until(lambda share=share: _count(folder) >= share, f"{share} events")
                _inject(fault, broker, daemon)
            daemon.until(lambda: _count(folder) >= plan.events, "all events")
            daemon.end(signal.SIGTERM)
        # Everything is made now; what has not been delivered yet is, by a daemon that makes nothing new.
        _switch_streams_off(daemon.config)
        with daemon:
            daemon.until(lambda: _pending(folder) == 0, "the outbox to be empty")
            last = _committed(folder)[-1]
            daemon.until(
                lambda: any(_seq(one) == last[0] for one in reversed(subscriber.heard[-2000:])), "the last event"
            )
            daemon.end(signal.SIGTERM)
        heard = [one for one in subscriber.heard if one.topic.endswith("/event")]
    return _compare(_committed(folder), heard, len(faults), time.monotonic() - began_s)


class _Daemon:
    """`movinet-edge run` in a process of its own; a context manager that can be entered again."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin."""
        command = [sys.executable, "-m", "movinet_edge.cli", "run", "--config", str(self.config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def end(self, number: int) -> None:
        """Send a signal, and wait until the process is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30.0)
            self._process = None

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that happens only while the daemon runs."""
        give_up_s = time.monotonic() + _PATIENCE_S
        while not condition():
            gone = self._process is None or self._process.poll() is not None
            if gone or time.monotonic() > give_up_s:
                log = self._log.read_text(encoding="utf-8")[-2000:]
                raise AssertionError(f"waited for {what} in vain; the daemon {'is gone' if gone else 'said'}:\n{log}")
            time.sleep(0.05)

    @property
    def _log(self) -> Path:
        return self.config.with_name("daemon.log")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGKILL)


def _inject(fault: str, broker: Mosquitto, daemon: _Daemon) -> None:
    if fault == "restart":
        broker.stop()
        broker.start()
    elif fault == "freeze":
        broker.freeze()
        time.sleep(_FREEZE_S)
        broker.thaw()
    else:
        daemon.end(signal.SIGKILL)
        daemon.start()


def _write_config(folder: Path, port: int) -> Path:
    colours = {"r": (255, 0, 0), "b": (0, 0, 255)}
    script = "rrrrrbbbbb"
    film = write_clip(
        folder / "film.mp4",
        frames=10 * len(script),
        fps=FPS,
        paint=lambda index, width, height: np.full((height, width, 3), colours[script[index % 10]], np.uint8),
    )
    model = write_model(folder)
    tree = {
        "model": str(model),
        "state_dir": "state",
        "streams": [
            {
                "name": f"camera-{number}",
                "source": {"type": "file", "path": str(film), "pace": "realtime", "loop": True, "concat": True},
                "fps": "native",
                "window": 1,
                "warm_up": 0,
                "smoothing": {"type": "none"},
                "actions": _ACTIONS,
            }
            for number in range(STREAMS)
        ],
        "sinks": [
            {
                "type": "mqtt",
                "host": "127.0.0.1",
                "port": port,
                "node": _NODE,
                "timeout": 2,
                "discovery": False,
            }
        ],
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(tree, sort_keys=False))
    return config


def _switch_streams_off(config: Path) -> None:
    tree = yaml.safe_load(config.read_text())
    for stream in tree["streams"]:
        stream["enabled"] = False
    config.write_text(yaml.safe_dump(tree, sort_keys=False))


def _read(folder: Path, statement: str) -> list[tuple[int | str, ...]]:
    path = folder / "state" / "outbox.db"
    if not path.exists():
        return []
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()
    except sqlite3.OperationalError:  # the daemon is just making or recovering it
        return []


def _count(folder: Path) -> int:
    rows = _read(folder, "SELECT coalesce(max(seq), 0) FROM events")
    return int(rows[0][0]) if rows else 0


def _pending(folder: Path) -> int:
    rows = _read(folder, "SELECT (SELECT max(seq) FROM events) - min(acknowledged) FROM cursors")
    return int(rows[0][0]) if rows and rows[0][0] is not None else -1


def _committed(folder: Path) -> list[tuple[int, str]]:
    rows = _read(folder, "SELECT seq, body FROM events ORDER BY seq")
    return [(int(seq), _key(json.loads(body))) for seq, body in rows]


def _key(event: dict[str, object]) -> str:
    return f"{event['stream']} {event['id']} {event['event_type']}"


def _seq(heard: Heard) -> int | None:
    return int(json.loads(heard.text)["seq"]) if heard.topic.endswith("/event") else None


def _compare(committed: list[tuple[int, str]], heard: list[Heard], faults: int, took_s: float) -> Outcome:
    events = [json.loads(one.text) for one in heard]
    by_broker = {id(event) for event, one in zip(events, heard, strict=True) if one.again}
    expected = {key for _, key in committed}
    times = collections.Counter(_key(event) for event in events)
    firsts: dict[str, list[int]] = collections.defaultdict(list)
    seen: set[str] = set()
    unmarked = doubled = 0
    for event in events:
        if (key := _key(event)) in seen:
            doubled += id(event) not in by_broker
            unmarked += not event["repeated"] and id(event) not in by_broker
        else:
            seen.add(key)
            firsts[event["stream"]].append(event["seq"])
    disorder = [
        f"{name}: {two} after {one}" for name, seqs in firsts.items() for one, two in pairwise(seqs) if two <= one
    ]
    return Outcome(
        committed=len(committed),
        heard=len(events),
        missing=sorted(expected - times.keys()),
        unknown=sorted(times.keys() - expected),
        out_of_order=disorder,
        resent=len(by_broker),
        doubled=doubled,
        unmarked=unmarked,
        late=sum(event["late"] for event in events),
        faults=faults,
        took_s=took_s,
    )


def main() -> None:
    """Run it at full size and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 10_000), ("restarts", 20), ("freezes", 2), ("kills", 5), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(plan, Path(folder))
    print(
        f"{outcome.committed} events committed, {outcome.heard} heard in {outcome.took_s:.0f} s,"
        f" {outcome.doubled} of them twice ({outcome.resent} more resent by the broker), {outcome.late} marked late;"
        f" {plan.restarts} restarts and {plan.freezes} freezes of the broker, {plan.kills} kills of the daemon"
    )
    problems = outcome.problems()
    print("\n".join(problems) or "every event was heard, in order")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
