"""What the tests of the `mqtt` sink share: a broker for each, a sink on it, and a daemon's status to report."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peers.missing import is_missing
from peers.mosquitto import PATIENCE_S, Mosquitto

from movinet_edge.api import (
    ActionStatus,
    CommandRefused,
    DaemonStatus,
    SinkStatus,
    StreamHealth,
    StreamState,
    StreamStatus,
)
from movinet_edge_plugins.mqtt import MqttSettings, MqttSink

NODE = "testnode"
ROOT = f"movinet-edge/{NODE}"
DISCOVERY = f"homeassistant/device/{NODE}/config"

StartBroker = Callable[..., Mosquitto]


@contextmanager
def brokers(folder: Path) -> Iterator[StartBroker]:
    """Starts brokers that end with the block; without mosquitto the test is skipped, in CI it fails."""
    with ExitStack() as stack:
        count = 0

        def start(*options: str, **arguments: Any) -> Mosquitto:
            nonlocal count
            count += 1
            own = folder / f"broker{count}"
            own.mkdir()
            try:
                return stack.enter_context(Mosquitto(own, *options, **arguments))
            except OSError as error:
                is_missing(error)

        yield start


def settings(broker: Mosquitto, **changes: Any) -> MqttSettings:
    return MqttSettings(**({"host": "127.0.0.1", "port": broker.port, "node": NODE, "timeout": 5} | changes))


@contextmanager
def opened(broker: Mosquitto, control: Any = None, **changes: Any) -> Iterator[MqttSink]:
    """A sink that is connected and is closed afterwards."""
    sink = MqttSink(settings(broker, **changes))
    if control is not None:
        sink.attach(control)
    sink.open()
    try:
        yield sink
    finally:
        sink.close()


class RecordingControl:
    """Takes commands for `porch` and its action `waving`, as the daemon would."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def set_enabled(self, stream: str, enabled: bool) -> None:
        self.done.append((stream, enabled))

    def set_threshold(self, stream: str, action: str, on: float) -> None:
        if on == 0.99:
            raise CommandRefused("0.99 is refused, for the test")
        self.done.append((stream, action, on))


def action(name: str = "waving", *, active: bool = False, on: float = 0.6, score: float = 0.0) -> ActionStatus:
    return ActionStatus(name=name, on=on, off=on / 2, active=active, score=score)


def stream(
    name: str = "porch",
    *actions: ActionStatus,
    state: StreamState = StreamState.LIVE,
    snapshots: bool = False,
    **health: Any,
) -> StreamStatus:
    return StreamStatus(
        name=name,
        state=state,
        since=datetime(2024, 5, 17, 8, 30, tzinfo=UTC),
        actions=actions,
        snapshots=snapshots,
        health=StreamHealth(**health),
    )


def status(*streams: StreamStatus) -> DaemonStatus:
    """By default one live stream `porch` with one quiet action `waving`."""
    return DaemonStatus(
        version="1.2.3",
        started_at=datetime(2024, 5, 17, 8, 0, tzinfo=UTC),
        streams=streams or (stream("porch", action()),),
        sinks=(SinkStatus(name="mqtt", state="idle", pending=0, delivered=7, rejected=0, dropped=0),),
    )


def eventually(condition: Callable[[], object]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, "waited in vain"
        time.sleep(0.02)
