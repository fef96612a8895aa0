"""A real MQTT broker (mosquitto) in a process of its own, to be frozen, killed and restarted; and a subscriber."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

# Generous: only a test that fails waits so long.
PATIENCE_S = 20.0

_SYNC = "test/sync"


class Mosquitto:
    """The broker's process. A context manager; with `persistence` it remembers over a restart what is retained."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        listener: Sequence[str] = (),
        anonymous: bool = True,
        persistence: bool = False,
        websockets: bool = False,
    ) -> None:
        """`options` and those of the `listener` are lines of its configuration. Raises OSError when there is none."""
        self._program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if self._program is None:
            raise OSError("there is no mosquitto; Debian: apt-get install mosquitto")
        self.port, self.websocket_port = _free_port(), _free_port()
        self._ports = [self.port, self.websocket_port] if websockets else [self.port]
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        lines = [
            f"user {getpass.getuser()}",  # as root it would become somebody who cannot read the test's files
            f"allow_anonymous {str(anonymous).lower()}",
            f"persistence {str(persistence).lower()}",
            f"persistence_location {folder}/",
            *options,
            f"listener {self.port} 127.0.0.1",
            *listener,
        ]
        if websockets:  # which 2.0 does not listen for alone, nor on an address
            lines += [f"listener {self.websocket_port}", "protocol websockets"]
        self._config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, and wait until it can be connected to."""
        assert self._program is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", self._config, "-v"], stdout=log, stderr=log)
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s and self._process.poll() is None:
            try:
                for port in self._ports:
                    socket.create_connection(("127.0.0.1", port), 1.0).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        self.kill()
        raise OSError(f"mosquitto did not start: {self._log.read_text(encoding='utf-8')[-1000:]}")

    def stop(self) -> None:
        """In an orderly way: what is to be remembered is written."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut does it; also when frozen."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Connections stay open, and nothing comes any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@dataclass(frozen=True)
class Heard:
    """A message as a subscriber gets it; `properties` as paho gives them."""

    topic: str
    text: str
    retained: bool
    properties: Any = None
    again: bool = False
    """The broker says that it sends this a second time: it did not see the subscriber's confirmation of the first."""


class Subscriber:
    """A client that hears everything, in MQTT 5. A context manager; nothing is lost once it is entered."""

    def __init__(self, port: int, *, session: str | None = None, **login: str) -> None:
        """With a name in `session` the broker keeps for it what comes while it is away."""
        self.heard: list[Heard] = []
        self._changed = threading.Condition()
        self._subscribed = False
        self._session = session
        self._port = port
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=session or "", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        if login:
            self._client.username_pw_set(**login)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: self._note(None)
        self._client.on_message = lambda _client, _data, message: self._note(message)

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish and wait for the confirmation."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def until(self, condition: Callable[[list[Heard]], object], what: str = "it") -> list[Heard]:
        """Wait until `condition` holds for what was heard so far; what was heard."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self.heard), PATIENCE_S):
                last = "\n".join(f"{heard.topic} {heard.text[:200]}" for heard in self.heard[-20:])
                raise AssertionError(f"waited for {what} in vain; heard last:\n{last}")
            return list(self.heard)

    def until_last(self, topic: str, text: str) -> None:
        """Wait until the newest message on the topic is this one."""
        self.until(lambda _: self.last(topic) == text, f"{text!r} on {topic}")

    def last(self, topic: str) -> str | None:
        """The newest message on a topic; None when there was none."""
        return next((heard.text for heard in reversed(self.heard) if heard.topic == topic), None)

    def texts(self, topic: str) -> list[str]:
        """All messages on a topic."""
        return [heard.text for heard in list(self.heard) if heard.topic == topic]

    def forget(self) -> None:
        """As if nothing was heard so far."""
        with self._changed:
            self.heard.clear()

    def _note(self, message: Any) -> None:
        with self._changed:
            if message is None:
                self._subscribed = True
            else:
                text = message.payload.decode("utf-8", "backslashreplace")
                self.heard.append(Heard(message.topic, text, message.retain, message.properties, message.dup))
            self._changed.notify_all()

    def __enter__(self) -> Self:
        expiry = Properties(PacketTypes.CONNECT)
        expiry.SessionExpiryInterval = 3600 if self._session else 0
        self._client.connect("127.0.0.1", self._port, clean_start=self._session is None, properties=expiry)
        self._client.loop_start()
        with self._changed:
            assert self._changed.wait_for(lambda: self._subscribed, PATIENCE_S), "no subscription"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def retained(port: int) -> dict[str, str]:
    """All that is retained on the broker, by topic."""
    with Subscriber(port) as subscriber:
        subscriber.publish(_SYNC, "now")
        heard = subscriber.until(lambda heard: any(one.topic == _SYNC for one in heard), "the end")
    return {one.topic: one.text for one in heard if one.retained}
