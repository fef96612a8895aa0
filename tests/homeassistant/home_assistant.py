"""A real Home Assistant in a process of its own, with the MQTT integration on a broker of the test."""

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

# Generous: only a test that fails waits so long. Figures come once a minute, and Home Assistant may have missed the
# first.
PATIENCE_S = 90.0

_PROCESS = Path(__file__).with_name("hass_process.py")

# It does not like to be told that it must install nothing.
_NOT_ABOUT_US = ("homeassistant.bootstrap",)

# What it says of a broker that is away, and the logger that says it.
_OUTAGE = (
    "homeassistant.components.mqtt.client",
    ("Disconnected from MQTT server", "Failed to connect to MQTT server", "Error returned from MQTT server: The conn"),
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class State:
    """What an entity showed at some time."""

    entity_id: str
    state: str
    attributes: dict[str, Any]


class HomeAssistant:
    """Mirrors states and entities of the process. Entities are called by domain and name, as people see them.

    A context manager; after `stop` it can be started again and remembers what Home Assistant does.

    Attributes:
        may_miss_broker: it is no complaint that the broker is away.
    """

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.may_miss_broker = False
        self._folder = folder
        self._write_configuration(broker_port)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()
        # All of these are guarded by the condition.
        self._ready = False
        self._states: dict[str, State] = {}
        self._ids: list[tuple[tuple[str, str], str]] = []
        self._answers: list[str | None] = []
        self._history: list[State] = []
        self._log: list[dict[str, str]] = []

    def start(self) -> None:
        """Begin, and wait until it has started."""
        with (self._folder / "output.txt").open("a") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(_PROCESS), str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self.until(lambda: self._ready, "Home Assistant to start")

    def stop(self) -> None:
        """In an orderly way, as its own restart does."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert self._reader is not None
        process.stdin.close()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
            self._reader.join(PATIENCE_S)
        with self._changed:
            self._ready = False
            self._states.clear()

    def names(self) -> list[tuple[str, str]]:
        """Domain and name of every entity in the registry, sorted; one that is there twice is listed twice."""
        with self._changed:
            return sorted(name for name, _ in self._ids)

    def state(self, domain: str, name: str) -> State | None:
        """What the entity shows; None when there is no such entity."""
        with self._changed:
            return self._states.get(dict(self._ids).get((domain, name), ""))

    def history(self, domain: str, name: str) -> list[State]:
        """What the entity has shown so far, over restarts."""
        with self._changed:
            entity_id = dict(self._ids)[domain, name]
            return [state for state in self._history if state.entity_id == entity_id]

    def events(self, name: str) -> list[tuple[str, str | None]]:
        """Type and reason of every event that the event entity has shown, in order."""
        # Its state is the time of the newest event, which it shows again after it was unavailable.
        shown = {state.state: state.attributes for state in self.history("event", name)}
        return [(event["event_type"], event.get("reason")) for event in shown.values() if event.get("event_type")]

    def until(self, condition: Callable[[], T], what: str) -> T:
        """Wait until `condition` gives something true, and return that."""
        with self._changed:
            found = self._changed.wait_for(condition, PATIENCE_S)
            assert found, f"waited for {what} in vain; there is\n{self._sight()}"
            return found

    def until_state(self, domain: str, name: str, wanted: str) -> None:
        """Wait until the entity shows this."""

        def is_shown() -> bool:
            state = self.state(domain, name)
            return state is not None and state.state == wanted

        self.until(is_shown, f"{domain} {name!r} to be {wanted!r}")

    def call(self, domain: str, service: str, name: str, **data: Any) -> None:
        """Do what a person does in its user interface: call a service for the entity of that domain and name."""
        assert self._process is not None
        assert self._process.stdin is not None
        with self._changed:
            data["entity_id"] = dict(self._ids)[domain, name]
            self._answers.clear()
        self._process.stdin.write(json.dumps({"domain": domain, "service": service, "service_data": data}) + "\n")
        self._process.stdin.flush()
        self.until(lambda: self._answers, f"an answer to {domain}.{service}")
        assert self._answers == [None]

    def fetch(self, path: str) -> bytes:
        """What a browser gets from its web server."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http_port}{path}", timeout=PATIENCE_S) as answer:
            content: bytes = answer.read()
            return content

    def complaints(self) -> list[str]:
        """Warnings and errors so far that are about our messages."""
        with self._changed:
            return [
                f"{record['level']} {record['logger']}: {record['text']}"
                for record in self._log
                if record["logger"].startswith("homeassistant.")
                and not record["logger"].startswith(_NOT_ABOUT_US)
                and not (
                    self.may_miss_broker and record["logger"] == _OUTAGE[0] and record["text"].startswith(_OUTAGE[1])
                )
            ]

    def _sight(self) -> str:
        lines = [f"{domain} {name!r}: {self.state(domain, name)}"[:300] for domain, name in self.names()]
        lines += [f"events of {name!r}: {self.events(name)}" for domain, name in self.names() if domain == "event"]
        output = (self._folder / "output.txt").read_text()[-3000:]
        return "\n".join([*lines, *self.complaints(), output])

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                ((kind, what),) = json.loads(line).items()
                with self._changed:
                    self._take(kind, what)
                    self._changed.notify_all()

    def _take(self, kind: str, what: Any) -> None:
        match kind:
            case "ready":
                self._ready = True
            case "state" if what["state"] is None:
                self._states.pop(what["entity_id"], None)
            case "state":
                state = self._states[what["entity_id"]] = State(**what)
                self._history.append(state)
            case "entities":
                self._ids = [((one["entity_id"].split(".")[0], one["name"]), one["entity_id"]) for one in what]
            case "answer":
                self._answers.append(what)
            case "log":
                self._log.append(what)

    def _write_configuration(self, broker_port: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._http_port = free.getsockname()[1]
        # JSON is YAML. MQTT brings the web server along.
        configuration = {"http": {"server_host": "127.0.0.1", "server_port": self._http_port}}
        (self._folder / "configuration.yaml").write_text(json.dumps(configuration))
        storage = self._folder / ".storage"
        storage.mkdir()
        (storage / "core.config_entries").write_text(json.dumps(_config_entries(broker_port)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _config_entries(broker_port: int) -> dict[str, Any]:
    """What it keeps after somebody has set MQTT up in its user interface."""
    entry = {
        "created_at": "2025-04-01T00:00:00+00:00",
        "data": {"broker": "127.0.0.1", "port": broker_port, "protocol": "5"},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "mqtt",
        "entry_id": "01JQQ0000000000000000000MQ",
        "minor_version": 2,
        "modified_at": "2025-04-01T00:00:00+00:00",
        "options": {"discovery": True},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": "broker",
        "unique_id": None,
        "version": 1,
    }
    return {"version": 1, "minor_version": 5, "key": "core.config_entries", "data": {"entries": [entry]}}
