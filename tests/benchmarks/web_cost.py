"""What the page costs: CPU of the daemon without it, with it, and with one viewer; and how late events are on it.

    MOVINET_EDGE_MODEL_PATH=… python tests/benchmarks/web_cost.py [--seconds 60] [--rounds 5]

Daemons with one stream of 640×360 at 15 fps, scored at 5 fps by A0, run at the same time, so that what else the machine
does touches all of them alike; CPU time is user + system of each process. The page and a webhook sink are asked by this
process when an event came.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import av
import cv2
import psutil

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
sys.path.insert(0, str(TESTS / "web"))

from clips import write_clip  # noqa: E402 it is found from here on
from page import PageDaemon  # noqa: E402

DEMO = TESTS.parent / "movinet_edge" / "cli" / "demo.mp4"
SIZE_PX, FPS = (640, 360), 15
SETTLE_S = 10.0

CONFIG = """\
    model: movinet-a0-int8
    state_dir: state
    web:
      enabled: ENABLED
    {web}
    streams:
      - name: gym
        source: {{type: file, path: {clip}, pace: realtime, loop: true, concat: true}}
        actions:
          jumping jacks: {{labels: [jumping jacks], on: 0.5, off: 0.3, cooldown: 0}}
          push-ups: {{labels: [push up], on: 0.5, off: 0.3, cooldown: 0}}
    sinks:
      - {{type: webhook, url: "http://127.0.0.1:{port}/"}}
"""


def scene(folder: Path) -> Path:
    """The demo clip, as large as a camera's sub-stream."""
    with av.open(str(DEMO)) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        rate = float(video.streams.video[0].average_rate)
    count = int(len(frames) * FPS / rate)

    def paint(index: int, *_: int) -> Any:
        return cv2.resize(frames[min(len(frames) - 1, int(index * rate / FPS))], SIZE_PX)

    return write_clip(folder / "scene.mp4", size_px=SIZE_PX, frames=count, fps=FPS, paint=paint)


class Viewer(threading.Thread):
    """One page that looks at the stream, and notes when events came."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.came_s, self.pictures, self.bytes = url, {}, 0, 0
        self.start()

    def run(self) -> None:
        """Look on."""
        asyncio.run(self._look())

    async def _look(self) -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(self.url, cookie_jar=jar) as client:
            await (await client.get("/api/session")).read()
            async with client.ws_connect("/api/live") as live:
                await live.send_str(json.dumps({"watch": {"gym": SIZE_PX[0]}}))
                async for message in live:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        self.pictures += 1
                        self.bytes += len(message.data)
                    elif (told := json.loads(message.data))["type"] == "event":
                        event = told["event"]
                        self.came_s[event["id"], event["event_type"]] = time.monotonic()


@contextmanager
def receiver() -> Iterator[tuple[int, dict[tuple[str, str], float]]]:
    """Where the webhook sink delivers: its port, and when each event came."""
    came_s: dict[tuple[str, str], float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            came_s[event["id"], event["event_type"]] = time.monotonic()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, came_s
    server.shutdown()


class Quiet(PageDaemon):
    """A daemon without a page: nobody waits for one."""

    def start(self) -> "Quiet":
        """Start it."""
        self.url = "none"
        return self.launch()


def cpu_s(daemon: PageDaemon) -> float:
    """User and system time of a daemon so far."""
    assert daemon.process is not None
    times = psutil.Process(daemon.process.pid).cpu_times()
    return times.user + times.system


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clip = scene(folder)
        port, sink_came_s = stack.enter_context(receiver())
        daemons: dict[str, PageDaemon] = {}
        for name, kind in (("off", Quiet), ("on", PageDaemon), ("viewer", PageDaemon)):
            (folder / name).mkdir()
            text = CONFIG.replace("ENABLED", "false" if kind is Quiet else "true")
            daemons[name] = kind(folder / name, text=text, clip=clip, port=port).start()
            stack.callback(daemons[name].stop)
        viewer = Viewer(daemons["viewer"].url)
        time.sleep(SETTLE_S)
        shares: dict[str, list[float]] = {name: [] for name in daemons}
        for number in range(args.rounds):
            before = {name: cpu_s(daemon) for name, daemon in daemons.items()}
            pictures, began_s = viewer.pictures, time.monotonic()
            time.sleep(args.seconds)
            took_s = time.monotonic() - began_s
            for name, daemon in daemons.items():
                shares[name].append(100 * (cpu_s(daemon) - before[name]) / took_s)
            row = "  ".join(f"{name} {values[-1]:5.2f} %" for name, values in shares.items())
            print(f"round {number + 1}: {row}  ({(viewer.pictures - pictures) / took_s:.1f} pictures/s)", flush=True)
        medians = {name: statistics.median(values) for name, values in shares.items()}
        differences = [on - off for on, off in zip(shares["on"], shares["off"], strict=True)]
        costs = [seen - on for seen, on in zip(shares["viewer"], shares["on"], strict=True)]
        print("CPU in % of a core, medians:", {name: round(value, 2) for name, value in medians.items()})
        print(f"page without viewers: {statistics.median(differences):+.2f} % of a core")
        print(f"one viewer at 640×360: {statistics.median(costs):+.2f} % of a core")
        if viewer.pictures:
            print(f"pictures of {viewer.bytes / viewer.pictures / 1000:.1f} kB")
        late_s = [at_s - sink_came_s[key] for key, at_s in viewer.came_s.items() if key in sink_came_s]
        if late_s:
            print(f"events on the page after the sink's: median {1000 * statistics.median(late_s):+.1f} ms,", end=" ")
            print(f"latest {1000 * max(late_s):+.1f} ms, of {len(late_s)}")


if __name__ == "__main__":
    main()
