"""From an event's commit to a subscriber over MQTT on this machine, with and without a dead webhook beside it.

    python tests/benchmarks/delivery_latency.py

A hundred events a second through the real outbox, the real `mqtt` sink and mosquitto; both ways in turn, three rounds.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.mosquitto import Mosquitto, Subscriber

from movinet_edge.api import EventType
from movinet_edge.delivery import DeliveryWorker, Outbox
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins.mqtt import MqttSettings, MqttSink
from movinet_edge_plugins.webhook import WebhookSettings, WebhookSink

EVENTS_PER_S = 100


def measure(seconds: float, folder: Path, broker: Mosquitto, *, dead_webhook: bool) -> list[float]:
    """Milliseconds of each event."""
    settings = MqttSettings(host="127.0.0.1", port=broker.port, node="latency", discovery=False)
    # A port that takes nothing: bound to nobody. Connections are refused, retried and pile up in the outbox.
    webhook = WebhookSettings(url="http://127.0.0.1:9/", timeout=1)
    sinks = {"mqtt": lambda: MqttSink(settings)} | ({"dead": lambda: WebhookSink(webhook)} if dead_webhook else {})
    outbox = Outbox(folder / f"outbox-{time.monotonic_ns()}.db")
    outbox.register_sinks(list(sinks))
    sent_s: dict[int, float] = {}
    came_s: dict[int, float] = {}
    with Subscriber(broker.port) as subscriber, ExitStack() as stack:
        note = subscriber._client.on_message

        def on_message(client: object, data: object, message: object) -> None:
            now_s = time.perf_counter()
            if message.topic.endswith("/event"):  # type: ignore[attr-defined]
                came_s.setdefault(json.loads(message.payload)["seq"], now_s)  # type: ignore[attr-defined]
            note(client, data, message)

        subscriber._client.on_message = on_message
        stack.callback(outbox.close)
        for name, make in sinks.items():
            worker = DeliveryWorker(name, make, outbox)
            worker.start()
            stack.callback(worker.stop, 0.5)
        next_s = time.perf_counter() + 0.5
        for number in range(round(seconds * EVENTS_PER_S)):
            time.sleep(max(0.0, next_s - time.perf_counter()))
            next_s += 1.0 / EVENTS_PER_S
            kind = EventType.STOP if number % 2 else EventType.START
            began_s = time.perf_counter()
            (event,) = outbox.append([example_event(kind, number=number // 2)])
            sent_s[event.seq or 0] = began_s
        give_up_s = time.monotonic() + 30.0
        while len(came_s) < len(sent_s) and time.monotonic() < give_up_s:
            time.sleep(0.05)
    if len(came_s) < len(sent_s):
        raise SystemExit(f"only {len(came_s)} of {len(sent_s)} events came")
    return [1000.0 * (came_s[seq] - sent_s[seq]) for seq in sent_s]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, Mosquitto(Path(folder)) as broker:
        for _ in range(args.rounds):
            for dead in (False, True):
                times_ms = measure(args.seconds, Path(folder), broker, dead_webhook=dead)
                found[dead].append(tuple(np.percentile(times_ms, (50, 99, 100))))
    print(f"{'':32}   p50 ms   p99 ms   worst ms   (medians of {args.rounds} rounds of {args.seconds:g} s)")
    for dead, name in ((False, "mqtt alone"), (True, "mqtt beside a dead webhook")):
        p50, p99, worst = (statistics.median(column) for column in zip(*found[dead], strict=True))
        print(f"{name:32} {p50:8.2f} {p99:8.2f} {worst:10.2f}")


if __name__ == "__main__":
    main()
