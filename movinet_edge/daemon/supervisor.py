"""Starts everything in order, watches over it, and stops it in reverse; no event is lost between the two."""

import contextlib
import math
import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from movinet_edge import __version__
from movinet_edge.api import ActionEvent, Control, DaemonStatus, Sink, SinkStatus, Source
from movinet_edge.config import StreamSettings
from movinet_edge.daemon.commit import AGAIN_S, EventCommitter
from movinet_edge.daemon.engines import Engines
from movinet_edge.daemon.observers import Observers
from movinet_edge.daemon.pipeline import Pipeline, StreamFigures
from movinet_edge.daemon.status import model_statuses, sink_status, stream_status
from movinet_edge.daemon.stream_life import Limits
from movinet_edge.daemon.stream_runner import StreamRunner
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import Backoff, DeliveryWorker, EventFilter, Outbox

_log = structlog.get_logger(__name__)

STOP_S = 5.0
"""From the signal to the end: what systemd and a person wait for without wondering."""

_GOES_ON_S = 0.05
"""What a thread that waits for nothing any more needs to end."""

_SOURCES_S, _ENGINE_S, _SINKS_S = 1.0, 1.0, 2.5  # the shares of STOP_S; the rest is for closing files


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What one stream is made of.

    Attributes:
        settings: what it was made from; None for a stream that is not of a configuration.
        limits: when its source counts as stalled.
        backoff: makes the pauses between two tries; None for the usual ones.
    """

    pipeline: Pipeline
    make_source: Callable[[], Source]
    settings: StreamSettings | None = None
    limits: Limits = field(default_factory=Limits)
    backoff: Callable[[], Backoff] = Backoff


@dataclass(frozen=True, slots=True)
class SinkParts:
    """What makes a sink, and which events it gets."""

    make_sink: Callable[[], Sink]
    wanted: EventFilter = field(default_factory=EventFilter)


@dataclass(frozen=True, slots=True)
class _Stream:
    parts: StreamParts
    runner: StreamRunner
    turns: Turns


class Supervisor:
    """The running daemon."""

    def __init__(
        self,
        streams: Mapping[str, StreamParts],
        sinks: Mapping[str, SinkParts],
        outbox: Outbox,
        *,
        on_event: Callable[[ActionEvent], None] | None = None,
        disabled: Iterable[str] = (),
    ) -> None:
        """`streams` and `sinks` by name. `on_event` sees each event after it is committed, instead of the observers;
        it must not block.

        `disabled` names the streams that wait until they are enabled.
        """
        self._outbox = outbox
        # A pipe, since a signal that reaches another thread wakes nobody who waits for a lock, but can write here.
        self._wake_fd, self.wakeup_fd = os.pipe()
        """`wakeup_fd`: whoever writes a byte wakes `wait`; for signal.set_wakeup_fd."""
        os.set_blocking(self.wakeup_fd, False)
        self._stop_requested = False
        self._stopped = False
        self._started_at = datetime.now(UTC)
        self.failed = False
        """True once something broke that only a new start can mend."""
        self.control: Control | None = None
        """What sinks that take commands are given; to be set before `start`."""
        self.observers = Observers()
        """Who is told of every scored frame of any stream, and of every stored event."""
        self._changing = threading.RLock()  # one change of streams or sinks at a time
        self._committer = EventCommitter(outbox, on_event=on_event or self.observers.stored, on_change=self._changed)
        self._engines = Engines(self._take, on_failure=self._fail)
        self._streams: dict[str, _Stream] = {}
        self._disabled = set(disabled)
        for name, parts in streams.items():
            self._add_stream(name, parts)
        outbox.register_sinks(list(sinks))
        self._sinks = dict(sinks)
        self._workers: dict[str, DeliveryWorker] = {}

    def start(self) -> None:
        """Sinks first, sources last, so that nothing waits for a part that is not there yet."""
        closed = self._outbox.recover()
        if closed:
            _log.warning("the last run did not stop cleanly; its open actions were closed", actions=len(closed))
        with self._changing:
            for name, sink in self._sinks.items():
                self._add_sink(name, sink)
            self._engines.start()
            for name, stream in self._streams.items():
                stream.runner.start(enabled=name not in self._disabled)

    def request_stop(self) -> None:
        """Ask `wait` to return; safe in a signal handler."""
        self._stop_requested = True
        self._wake_up()

    def wait(self, *, beat: Callable[[float], float] = lambda _now_s: math.inf) -> bool:
        """Watch over the streams until a stop is requested (False) or all have ended by themselves (True).

        `beat` is called each time round with the monotonic time, and says when it is to be called again at the latest.
        """
        while not self._stop_requested:
            now_s = time.monotonic()
            checks = [stream.runner.check(now_s) for stream in list(self._streams.values())]
            again_s = min([self._engines.check(now_s), beat(now_s), *checks])
            self._committer.commit()
            if self._committer.waiting:
                again_s = min(again_s, now_s + AGAIN_S)
            if all(stream.runner.is_over for stream in list(self._streams.values())):
                return not self._stop_requested
            if select.select([self._wake_fd], [], [], max(0.0, again_s - time.monotonic()))[0]:
                os.read(self._wake_fd, 4096)
        return False

    def stop(self, *, drain_s: float = _SINKS_S) -> bool:
        """Stop in reverse order. True when every sink has everything; what it lacks waits in the outbox."""
        slow_sources: list[StreamRunner] = []
        with self._changing:
            self._stopped = True
            if self._stop_requested:
                slow_sources = self._stop_sources()
            else:
                self._engines.work_off(STOP_S)
            self._engines.stop(_ENGINE_S)
            # Only now, because a source that waited for a hanging engine goes on when that is given up.
            for runner in slow_sources:
                if not runner.stop(_GOES_ON_S):
                    _log.warning("source hangs and is left behind", stream=runner.stream)
            self._committer.give_up()
            delivered = self._stop_workers(list(self._workers.values()), drain_s)
            self._outbox.close()
        return delivered

    # Streams and sinks may come, go and change while the daemon runs.

    def runner(self, stream: str) -> StreamRunner | None:
        """What keeps the stream's source running; None when there is no such stream."""
        found = self._streams.get(stream)
        return found.runner if found else None

    def parts(self, stream: str) -> StreamParts | None:
        """What the stream is made of; None when there is no such stream."""
        found = self._streams.get(stream)
        return found.parts if found else None

    def replace_streams(
        self, gone: Iterable[str], new: Mapping[str, StreamParts], *, adjust: Callable[[str, StreamParts], bool]
    ) -> None:
        """Stop some streams, then start others, which may have the same names. All others go on untouched.

        `adjust` applies to a new stream what was changed earlier, and says whether it is to be switched on.
        """
        with self._changing:
            if self._is_stopping:
                return
            # A stream keeps its place until the new one has it: without any, `wait` would take the daemon for done,
            # and sinks would take a changed stream for one that is gone.
            leaving = {name: self._streams[name] for name in gone}
            for stream in leaving.values():
                stream.runner.disable()
            until_s = time.monotonic() + _SOURCES_S
            for name, stream in leaving.items():
                if not stream.runner.stop(until_s - time.monotonic()):
                    _log.warning("source hangs and is left behind", stream=name)
                self._engines.remove(stream.parts.pipeline, _ENGINE_S)
            for name, parts in new.items():
                self._add_stream(name, parts)
                # After it can be found, so that a command that comes meanwhile meets the old one or the new one.
                self._streams[name].runner.start(enabled=adjust(name, parts))
            for name in leaving.keys() - new.keys():
                del self._streams[name]
        self._changed()

    def replace_sinks(self, gone: Iterable[str], new: Mapping[str, SinkParts]) -> None:
        """Stop some sinks, then start others, which may have the same names: those go on where the old ones were.

        Raises:
            OutboxUnavailable: it cannot be written now, so nothing has changed.
        """
        with self._changing:
            if self._is_stopping:
                return
            leaving = {name: self._workers[name] for name in gone}
            # First, because a disk that refuses it must not leave the daemon without its sinks.
            self._outbox.register_sinks(list(dict.fromkeys([*self._workers, *new])))
            self._stop_workers(list(leaving.values()), _SINKS_S)
            for name in leaving:
                del self._workers[name]
            for name, sink in new.items():
                self._add_sink(name, sink)
            self._outbox.register_sinks(list(self._workers))
        self._changed()

    @property
    def _is_stopping(self) -> bool:
        return self._stop_requested or self._stopped

    def tell_sinks(self) -> None:
        """Something that sinks report has changed."""
        for worker in list(self._workers.values()):
            worker.status_changed()

    def _add_stream(self, name: str, parts: StreamParts) -> None:
        parts.pipeline.observers = self.observers
        turns = self._engines.add(parts.pipeline)
        runner = StreamRunner(
            name,
            parts.make_source,
            parts.pipeline.request,
            turns,
            on_change=self._changed,
            meter=parts.pipeline.meter,
            limits=parts.limits,
            backoff=parts.backoff(),
        )
        self._streams[name] = _Stream(parts, runner, turns)

    def _add_sink(self, name: str, sink: SinkParts) -> None:
        worker = DeliveryWorker(
            name, sink.make_sink, self._outbox, wanted=sink.wanted, status=self.status, control=self.control
        )
        self._workers[name] = worker
        worker.start()

    def _take(self, events: Sequence[ActionEvent]) -> None:
        self._committer.commit(events)
        self.tell_sinks()

    def _fail(self) -> None:
        self.failed = True
        self.request_stop()

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self.wakeup_fd, b"\0")

    def _changed(self) -> None:
        self.tell_sinks()
        self._wake_up()

    # Sources and sinks are each asked all at once: a slow one must not use up the time of the others.

    def _stop_sources(self) -> list[StreamRunner]:
        runners = [stream.runner for stream in self._streams.values()]
        for runner in runners:
            runner.request_stop()
        until_s = time.monotonic() + _SOURCES_S
        return [runner for runner in runners if not runner.stop(until_s - time.monotonic())]

    def _stop_workers(self, workers: list[DeliveryWorker], drain_s: float) -> bool:
        for worker in workers:
            worker.request_stop()
        until_s = time.monotonic() + drain_s
        empty = [worker.stop(until_s - time.monotonic()) for worker in workers]
        for worker, is_empty in zip(workers, empty, strict=True):
            if not is_empty:
                _log.warning("events wait in the outbox", sink=worker.name, pending=self._outbox.pending(worker.name))
        return all(empty)

    # What there is to know.

    def status(self) -> DaemonStatus:
        """How the daemon stands now."""
        return DaemonStatus(
            version=__version__,
            started_at=self._started_at,
            streams=tuple(stream_status(s.runner, s.parts.pipeline, s.turns) for s in list(self._streams.values())),
            sinks=tuple(self._sink_statuses()),
            models=model_statuses(s.parts.pipeline.model for s in list(self._streams.values())),
            lost_events=self._committer.lost,
        )

    def _sink_statuses(self) -> Iterator[SinkStatus]:
        for worker in list(self._workers.values()):
            with contextlib.suppress(ValueError):  # the outbox has forgotten it: it was removed a moment ago
                yield sink_status(worker, self._outbox)

    def busy_s(self, now_s: float) -> float:
        """For how long an engine has been at work on one frame, at a moment of the monotonic clock."""
        return self._engines.busy_s(now_s)

    @property
    def lost_events(self) -> int:
        """Events that could not be stored."""
        return self._committer.lost

    @property
    def figures(self) -> dict[str, StreamFigures]:
        """Per stream what happened so far."""
        for name, stream in self._streams.items():
            figures = stream.parts.pipeline.figures
            figures.dropped = stream.turns.dropped(name)
            figures.read = stream.runner.meter.frames_read
        return {name: stream.parts.pipeline.figures for name, stream in self._streams.items()}

    @property
    def failed_streams(self) -> dict[str, str]:
        """Streams whose source was rejected, with the reason."""
        return {name: s.runner.reason for name, s in self._streams.items() if s.runner.rejected}
