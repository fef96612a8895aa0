"""Eight streams of real peers, to which planned faults happen while the daemon reads them."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from clock_camera import clock_camera
from fault_plan import Fault
from peers.rtsp_server import RtspServer
from peers.tcp_relay import TcpRelay
from watched_daemon import BACKOFF_CAP_S, STALL_AFTER_S, Holdings, Notes, WatchedDaemon

from movinet_edge.api import ActionEvent, DaemonStatus
from movinet_edge_plugins.rtsp import RtspSource

SERVERS = ("east", "west")

STREAMS = {
    "porch": ("east", "h264"),
    "yard": ("east", "h265"),
    "hall": ("east", "changing"),
    "gate": ("east", "sound"),
    "barn": ("west", "h264"),
    "shed": ("west", "h264"),
    "lane": ("west", "changing"),
    "pond": ("", "mjpeg"),
}
"""The server and path of each stream. `changing` grows a second after its first viewer came."""

BACK_WITHIN_S = BACKOFF_CAP_S + 5.0
"""After the last fault, each stream is to be live again within this time."""

OPEN_TIMEOUT_S = 3.0

# Every other stream is given up by its own source, the rest by the daemon's watch over the age of frames.
READ_TIMEOUTS_S = (0.75 * STALL_AFTER_S, 2.0 * STALL_AFTER_S)

LEAVES_WITHIN_S = 2.0 * max(OPEN_TIMEOUT_S, *READ_TIMEOUTS_S) + 1.0
"""A reader that was given up while it was inside FFmpeg is gone after this; see `_live`."""

_READY_S = 30.0
# Time to see that nothing happens any more once all are back.
_CALM_S = 3.0


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault as it came: from when to when (monotonic), and the streams that it met."""

    fault: Fault
    begin_s: float
    end_s: float
    streams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """All there is to judge. Times are monotonic.

    Attributes:
        notes: what was looked at, and the states of the streams.
        begin_s: of the first fault.
        end_s: when the streams had been without faults for long enough.
        before: what the process held before the daemon started.
        at_first: the same with all streams live, before the first fault.
        at_last: the same at `end_s`.
        after: the same after the daemon has stopped.
        status: of the daemon at `end_s`.
        events: all that the outbox holds in the end.
        delivered: all that the sink got.
    """

    notes: Notes
    episodes: Sequence[Episode]
    begin_s: float
    end_s: float
    before: Holdings
    at_first: Holdings
    at_last: Holdings
    after: Holdings
    status: DaemonStatus
    events: Sequence[ActionEvent]
    delivered: Sequence[ActionEvent]


class _Peers:
    """The servers, and a relay in front of each stream."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.servers: dict[str, RtspServer] = {}
        self.relays: dict[str, TcpRelay] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for name in SERVERS:
                self.servers[name] = RtspServer()
                stack.callback(lambda name=name: self.servers[name].stop())
            ports = {name: server.port for name, server in self.servers.items()}
            ports[""] = stack.enter_context(clock_camera())
            for stream, (server, _) in STREAMS.items():
                self.relays[stream] = stack.enter_context(TcpRelay(ports[server]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def source(self, stream: str) -> RtspSource:
        server, path = STREAMS[stream]
        read_timeout_s = READ_TIMEOUTS_S[list(STREAMS).index(stream) % 2]
        url = f"{'rtsp' if server else 'http'}://127.0.0.1:{self.relays[stream].port}/{path}"
        return RtspSource(RtspSource.Settings(url=url, open_timeout=OPEN_TIMEOUT_S, read_timeout=read_timeout_s))

    def begin(self, fault: Fault) -> None:
        match fault.kind:
            case "killed":
                self.servers[fault.place].stop()
            case "frozen":
                self.servers[fault.place].freeze()
            case "cut":
                self.relays[fault.place].cut()
            case kind:
                self.relays[fault.place].manner = kind
                if kind == "refused":
                    self.relays[fault.place].cut()

    def end(self, fault: Fault) -> None:
        match fault.kind:
            case "killed":
                self.servers[fault.place] = RtspServer(port=self.servers[fault.place].port)
            case "frozen":
                self.servers[fault.place].thaw()
            case _:
                self.relays[fault.place].manner = "whole"


def run(faults: Sequence[Fault], folder: Path, *, tell: Callable[[str], None] = lambda _: None) -> Trial:
    """Start everything, let the faults happen, wait for the streams to come back, and stop everything.

    Raises:
        OSError: there is no RTSP server to run.
    """
    with _Peers() as peers:
        daemon = WatchedDaemon({name: partial(peers.source, name) for name in STREAMS}, folder)
        before = Holdings.now()
        with daemon.running():
            daemon.wait_scored(10, _READY_S)
            at_first, begin_s = Holdings.now(), time.monotonic()
            episodes = _happen(faults, peers, tell)
            time.sleep(BACK_WITHIN_S + _CALM_S)
            at_last, end_s = _without_leavers(at_first), time.monotonic()
            status = daemon.supervisor.status()
        after = _without_leavers(before)
    return Trial(
        notes=daemon.notes,
        episodes=episodes,
        begin_s=begin_s,
        end_s=end_s,
        before=before,
        at_first=at_first,
        at_last=at_last,
        after=after,
        status=status,
        events=daemon.events,
        delivered=daemon.sink.events,
    )


def _happen(faults: Sequence[Fault], peers: _Peers, tell: Callable[[str], None]) -> list[Episode]:
    zero_s = time.monotonic()
    begun: dict[int, float] = {}
    episodes = []
    steps = [(fault.at_s, index, True) for index, fault in enumerate(faults)]
    steps += [(fault.at_s + fault.for_s, index, False) for index, fault in enumerate(faults)]
    for at_s, index, is_begin in sorted(steps, key=lambda step: (step[0], not step[2])):
        time.sleep(max(0.0, zero_s + at_s - time.monotonic()))
        fault = faults[index]
        if is_begin:
            begun[index] = time.monotonic()
            tell(f"{at_s:6.1f} s  {fault.place} {fault.kind} for {fault.for_s:.1f} s")
            peers.begin(fault)
        else:
            peers.end(fault)
            streams = tuple(name for name, (server, _) in STREAMS.items() if fault.place in (name, server))
            episodes.append(Episode(fault, begun[index], time.monotonic(), streams))
    return episodes


def _without_leavers(usual: Holdings) -> Holdings:
    """What is held, after readers that were given up while they were inside FFmpeg have had their time to leave."""
    give_up_s = time.monotonic() + LEAVES_WITHIN_S
    while True:
        now = Holdings.now()
        is_usual = now.threads <= usual.threads and now.descriptors <= usual.descriptors
        if is_usual or time.monotonic() > give_up_s:
            return now
        time.sleep(0.1)
