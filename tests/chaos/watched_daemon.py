"""A real daemon in this process whose every look at a picture and every state of a stream is noted."""

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import toy_model
from coloured_scenes import QUICK, SPEC, KeepingSink, make_pipeline
from numpy.typing import NDArray
from peers.rtsp_server import made_ago_s

from movinet_edge.api import ActionEvent, Source, StreamState
from movinet_edge.daemon.stream_life import Limits
from movinet_edge.daemon.supervisor import SinkParts, StreamParts, Supervisor
from movinet_edge.delivery import Backoff, EventHistory, Outbox
from movinet_edge.engine import Model, load_model

# Short, so that what takes minutes in a house takes seconds here.
STALL_AFTER_S = 2.0
BACKOFF_CAP_S = 2.0
BACKOFF_FIRST_S = 0.2

_WATCH_EVERY_S = 0.02

# Threads of the peers in this process are no part of the daemon.
_PEERS = frozenset({"relay", "clock camera", "watch", "MainThread"})

# What the toy says of grey: over 0.9 from two thirds of white on, under 0.7 below a third; see `SPEC`.
_BRIGHT = {"bright": {"labels": ["blue"], **QUICK, "on": 0.9, "off": 0.7}}


@dataclass(frozen=True, slots=True)
class Look:
    """A picture was scored at a moment (monotonic), so long after it was made (modulo 3.2 s)."""

    at_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the process holds on to: the daemon's threads by name, open descriptors, resident memory."""

    threads: Counter[str]
    descriptors: int
    resident_bytes: int

    @classmethod
    def now(cls) -> "Holdings":
        gc.collect()  # what only waits for the collector is no leak
        threads = Counter(thread.name for thread in threading.enumerate() if thread.name not in _PEERS)
        return cls(threads, len(os.listdir("/proc/self/fd")), psutil.Process().memory_info().rss)  # noqa: PTH208


class WatchedModel:
    """A model that notes the age of each picture at the moment it is scored."""

    def __init__(self, model: Model, *, step_takes_s: float = 0.0) -> None:
        self._model, self._step_takes_s = model, step_takes_s
        self.age_s = 0.0

    def step(self, image: NDArray[Any], state: Any, **arguments: Any) -> NDArray[np.float32]:
        self.age_s = made_ago_s(image)
        time.sleep(self._step_takes_s)
        return self._model.step(image, state, **arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


@dataclass(slots=True)
class Notes:
    """What happened: pictures scored and states entered, by stream, with their monotonic time."""

    looks: dict[str, list[Look]] = field(default_factory=dict)
    states: dict[str, list[tuple[float, StreamState]]] = field(default_factory=dict)
    most_readers: int = 0
    """Threads that were inside FFmpeg, at most."""


class WatchedDaemon:
    """Runs from the entering of the context to its end; afterwards `events` are all that the outbox holds."""

    def __init__(
        self,
        sources: Mapping[str, Callable[[], Source]],
        folder: Path,
        *,
        step_takes_s: float = 0.0,
        stall_after_s: float = STALL_AFTER_S,
        backoff: Callable[[], Backoff] = lambda: Backoff(first_s=BACKOFF_FIRST_S, cap_s=BACKOFF_CAP_S),
        **settings: Any,
    ) -> None:
        """`step_takes_s`: what the model needs for a picture at least. `settings`: of all streams."""
        self.notes = Notes({name: [] for name in sources}, {name: [] for name in sources})
        self.events: list[ActionEvent] = []
        self.sink = KeepingSink()
        self._path = folder / "outbox.db"
        self._model = WatchedModel(load_model(toy_model.write(SPEC, folder / "toy.tflite")), step_takes_s=step_takes_s)
        settings = {"actions": _BRIGHT, **settings}
        streams = {
            name: StreamParts(
                make_pipeline(self._model, name, on_scores=self._looked, **settings),  # type: ignore[arg-type]
                make_source,
                limits=Limits(stall_s=stall_after_s),
                backoff=backoff,
            )
            for name, make_source in sources.items()
        }
        self.supervisor = Supervisor(streams, {"keeping": SinkParts(lambda: self.sink)}, Outbox(self._path))
        self._ended = threading.Event()

    def _looked(self, stream: str, _: float, __: NDArray[np.float32]) -> None:
        self.notes.looks[stream].append(Look(time.monotonic(), self._model.age_s))

    def _watch(self) -> None:
        while not self._ended.wait(_WATCH_EVERY_S):
            for stream, states in self.notes.states.items():
                runner = self.supervisor.runner(stream)
                assert runner is not None
                if not states or states[-1][1] is not runner.state:
                    states.append((time.monotonic(), runner.state))
            readers = sum(thread.name == "live stream" for thread in threading.enumerate())
            self.notes.most_readers = max(self.notes.most_readers, readers)

    @contextmanager
    def running(self) -> Iterator["WatchedDaemon"]:
        """Started, watched and stopped."""
        threads = [
            threading.Thread(target=self.supervisor.wait, name="supervisor"),
            threading.Thread(target=self._watch, name="watch"),
        ]
        self.supervisor.start()
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self.supervisor.request_stop()
            for thread in threads:
                thread.join()
            self.supervisor.stop()
            with EventHistory(self._path) as history:
                self.events = history.query()

    def scored(self, stream: str) -> int:
        """Pictures scored so far."""
        return len(self.notes.looks[stream])

    def wait_scored(self, more: int, within_s: float) -> None:
        """Wait until each stream has had so many more pictures scored."""
        wanted = {stream: self.scored(stream) + more for stream in self.notes.looks}
        give_up_s = time.monotonic() + within_s
        while lacking := [stream for stream, count in wanted.items() if self.scored(stream) < count]:
            assert time.monotonic() < give_up_s, f"not scored within {within_s:g} s: {lacking}"
            time.sleep(_WATCH_EVERY_S)
