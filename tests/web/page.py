"""A daemon with its page, as a process, and a client that speaks with it as a browser would."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp

CONTROL, VIEW = "correct horse", "battery staple"

PATIENCE_S = 30.0
"""Generous: only a test that fails waits so long."""

CONFIG = """\
    model: {toy}
    state_dir: state
    web:
      enabled: true
    {web}
    streams:
      - name: hall
        source: {{type: file, path: {clip}, pace: realtime, loop: true, concat: true}}
        snapshot: {{width: 64}}
        clip: {{pre_roll: 2500ms}}
        warm_up: 0
        window: 2
        smoothing: {{type: none}}
        actions:
          reddening: {{labels: [red], on: 0.6, off: 0.4, min_duration: 0, max_gap: 0, cooldown: 0}}
          "a/b: <i>": {{labels: [blue]}}
      - name: yard
        enabled: false
        source: {{type: file, path: {clip}}}
        actions:
          reddening: {{labels: [red]}}
      - name: phone
        source: {{type: browser, silence: 2s}}
        warm_up: 0
        window: 2
        actions:
          bluing: {{labels: [blue], on: 0.6, off: 0.4, min_duration: 0, max_gap: 0, cooldown: 0}}
    sinks:
      - {{type: jsonl, path: events.jsonl}}
"""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class PageDaemon:
    """The process."""

    def __init__(
        self, folder: Path, *, web: Mapping[str, Any] | None = None, text: str = CONFIG, **names: object
    ) -> None:
        self.folder, self.config = folder, folder / "config.yaml"
        extra = "\n".join(
            f"      {key}: {json.dumps(value)}" for key, value in {"port": 0, **(web or {})}.items()
        ).strip()
        self.config.write_text(textwrap.dedent(text.replace("{web}", "  " + extra)).format(**names), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> Self:
        """Start it and wait for the page."""
        self.launch()
        assert self.process is not None
        give_up_s = time.monotonic() + PATIENCE_S
        while not (found := re.search(r'"url": "(\S+?)/?"', self.told())):
            assert time.monotonic() < give_up_s, self.told()
            assert self.process.poll() is None, self.told()
            time.sleep(0.05)
        self.url = found[1]
        return self

    def launch(self) -> Self:
        """Start it."""
        with (self.folder / "daemon.log").open("wb") as out:
            command = [sys.executable, "-m", "movinet_edge.cli", "run", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        return self

    def stop(self) -> None:
        """Stop it cleanly."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0, self.told()
        assert "Traceback" not in self.told(), self.told()

    def told(self) -> str:
        """The log so far."""
        return (self.folder / "daemon.log").read_text(encoding="utf-8")


class Visitor:
    """A browser without a screen: keeps cookies, and the session's token. Its methods block."""

    def __init__(self, url: str, *, address: str | None = None, tls: Any = True) -> None:
        """`address`: the one of this machine's (127.0.0.0/8) that it comes from."""
        self.url, self.token = url, ""
        self._loop = asyncio.new_event_loop()
        self._address, self._tls = address, tls
        self._client: aiohttp.ClientSession = self.do(self._open())

    async def _open(self) -> aiohttp.ClientSession:
        local = (self._address, 0) if self._address else None
        # Cookies also for addresses, which is how tests reach it.
        return aiohttp.ClientSession(
            self.url,
            connector=aiohttp.TCPConnector(local_addr=local, ssl=self._tls),
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(PATIENCE_S),
        )

    def do(self, work: Any) -> Any:
        """Run a coroutine to its end."""
        return self._loop.run_until_complete(work)

    def get(self, path: str, **options: Any) -> Answer:
        """GET, without following redirects."""
        return self.do(self._ask("GET", path, **options))

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST JSON, with the session's token."""
        headers = {"X-CSRF-Token": self.token, **options.pop("headers", {})}
        return self.do(self._ask("POST", path, headers=headers, **({"json": body} | options)))

    def enter(self, password: str | None = None) -> Self:
        """Open a session."""
        answer = self.get("/api/session") if password is None else self.post("/api/login", {"password": password})
        assert answer.status == 200, answer
        self.token = answer.json["csrf"]
        return self

    @contextmanager
    def socket(self, path: str, **options: Any) -> Iterator["Socket"]:
        """A WebSocket."""
        opened = self.do(self._client.ws_connect(path, max_msg_size=0, **options))
        try:
            yield Socket(self, opened)
        finally:
            self.do(opened.close())

    async def _ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self._client.request(method, path, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    def close(self) -> None:
        """Leave."""
        self.do(self._leave())
        self._loop.close()

    async def _leave(self) -> None:
        await self._client.close()
        await asyncio.sleep(0.01)  # connections end some turns of the loop after their session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Socket:
    """A WebSocket of a visitor."""

    def __init__(self, visitor: Visitor, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._visitor, self.raw = visitor, socket

    def send(self, data: Any) -> None:
        """Send bytes as they are, and anything else as JSON."""
        self._visitor.do(self.raw.send_bytes(data) if isinstance(data, bytes) else self.raw.send_str(json.dumps(data)))

    def receive(self) -> Any:
        """The next message: bytes, or an object; None once it is closed."""
        message = self._visitor.do(asyncio.wait_for(self.raw.receive(), PATIENCE_S))
        if message.type is aiohttp.WSMsgType.BINARY:
            return message.data
        return json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else None

    def until(self, wanted: Callable[[Any], Any]) -> Any:
        """The first message that is wanted."""
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s:
            message = self.receive()
            assert message is not None, f"closed with {self.raw.close_code}"
            if wanted(message):
                return message
        raise AssertionError("what was waited for did not come")

    def of_type(self, kind: str, **fields: Any) -> Any:
        """The first message of a type with these fields."""
        return self.until(
            lambda message: (
                isinstance(message, dict)
                and message["type"] == kind
                and all(message.get(name) == value for name, value in fields.items())
            )
        )

    def ends(self) -> int | None:
        """Wait until the daemon closes it; the code."""
        while self.receive() is not None:
            pass
        return self.raw.close_code
