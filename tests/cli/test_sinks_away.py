"""A daemon whose sinks are away or refuse: it goes on, and what it has to tell comes later."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from peers.mosquitto import Subscriber, retained
from running_daemon import RunningDaemon

CONFIG = """\
    model: {toy}
    state_dir: state
    streams:
      - name: hall
        source: {{type: file, path: {clip}, pace: realtime, loop: true, concat: true}}
        fps: native
        window: 1
        warm_up: 0
        smoothing: {{type: none}}
        actions:
          reddening: {{labels: [turning red], min_duration: 0, max_gap: 0, cooldown: 0}}
    sinks:
      - {sink}
"""
EVENTS = "movinet-edge/attic/hall/event"


@pytest.fixture
def start(folder, toy, clip_of):
    """Starts a daemon with one sink, before which something begins and ends every second."""
    daemons = []

    def _start(sink):
        clip = clip_of("blinking.mkv", *[("red", 0.5), ("black", 0.5)] * 10)
        daemon = RunningDaemon(folder, CONFIG, toy=toy, clip=clip, sink=sink)
        daemons.append(daemon)
        daemon.start_and_wait()
        return daemon

    yield _start
    for daemon in daemons:
        assert daemon.stop() == 0, daemon.told()
        assert "Traceback" not in daemon.told()


def mqtt(broker):
    return f"{{type: mqtt, host: 127.0.0.1, port: {broker.port}, node: attic, timeout: 1s}}"


def scored(daemon):
    return daemon.stream("hall")["health"]["scored"]


def until_scored(daemon, frames):
    """Wait until so many frames more have been looked at."""
    before = scored(daemon)
    daemon.until(lambda: scored(daemon) >= before + frames)


def seqs(subscriber):
    return [json.loads(text)["seq"] for text in subscriber.texts(EVENTS)]


def test_a_broker_that_is_down_at_the_start_is_told_everything_once_it_is_there(start, broker):
    broker.stop()
    daemon = start(mqtt(broker))
    until_scored(daemon, 25)
    assert "nothing listens where the broker" in daemon.status()["sinks"][0]["last_error"]
    broker.start()
    with Subscriber(broker.port) as subscriber:
        subscriber.until(lambda _: len(seqs(subscriber)) >= 5, "events")
        subscriber.until_last("movinet-edge/attic/status", "online")
        heard = seqs(subscriber)
    # The subscriber may have come after the first of them.
    assert heard == list(range(heard[0], heard[0] + len(heard)))
    assert "homeassistant/device/attic/config" in retained(broker.port)


def test_a_frozen_broker_keeps_no_frame_waiting(start, broker):
    daemon = start(mqtt(broker))
    with Subscriber(broker.port) as subscriber:
        subscriber.until(lambda _: seqs(subscriber), "an event")
        broker.freeze()
        until_scored(daemon, 50)
        assert daemon.status()["sinks"][0]["pending"] > 1
        broker.thaw()
        subscriber.until(lambda _: len(seqs(subscriber)) >= 12, "what happened meanwhile")
        heard = seqs(subscriber)
    assert heard == sorted(set(heard))


def test_what_a_webhook_refuses_is_shown_and_sent_again_on_request(start):
    with picky_server() as server:
        daemon = start(f"{{type: webhook, url: 'http://127.0.0.1:{server.server_port}/hidden'}}")
        daemon.until(lambda: daemon.status()["sinks"][0]["rejected"] >= 2)
        refused = daemon.ask("events", "--failed", "--json").lines
        assert all(line["reason"].endswith("answered with status 410: Gone") for line in refused)
        assert "hidden" not in daemon.told()
        server.status = 204
        assert "to be sent again" in daemon.ask("events", "--retry").out
        daemon.ask("set", "hall.reddening.on=0.6")  # what is told to the sinks lets them look at once
        wanted = {line["event"]["seq"] for line in refused}
        daemon.until(lambda: wanted <= set(server.taken))
        daemon.until(lambda: not daemon.ask("events", "--failed", "--json").lines)
    assert len(server.taken) == len(set(server.taken))


class PickyServer(ThreadingHTTPServer):
    """Takes no event until `status` says so."""

    status = 410

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    server: PickyServer

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 204:
            self.server.taken.append(event["seq"])
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def picky_server() -> Iterator[PickyServer]:
    with PickyServer() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
