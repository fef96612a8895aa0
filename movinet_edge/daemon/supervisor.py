"""Starts everything in order, waits, and stops it in reverse; no event is lost between the two."""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from movinet_edge.api import ActionEvent, Sink, Source
from movinet_edge.daemon.capture import Capture, CaptureState
from movinet_edge.daemon.inference import Inference
from movinet_edge.daemon.pipeline import Pipeline, StreamFigures
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import DeliveryWorker, Outbox, OutboxUnavailable

_log = structlog.get_logger(__name__)

STOP_S = 5.0
"""From the signal to the end: what systemd and a person wait for without wondering."""

_MOST_UNCOMMITTED = 1000
"""Events of about a kilobyte each that may wait in memory for the disk."""

_COMMIT_AGAIN_S = 5.0
"""Between two tries to store what waits in memory: often enough to lose little in a power cut."""

_GOES_ON_S = 0.05
"""What a thread that waits for nothing any more needs to end."""

_SOURCES_S, _ENGINE_S, _SINKS_S = 1.0, 1.0, 2.5  # the shares of STOP_S; the rest is for closing files


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What one stream is made of."""

    pipeline: Pipeline
    make_source: Callable[[], Source]


class Supervisor:
    """The running daemon."""

    def __init__(
        self,
        streams: Mapping[str, StreamParts],
        sinks: Mapping[str, Callable[[], Sink]],
        outbox: Outbox,
        *,
        on_event: Callable[[ActionEvent], None] | None = None,
    ) -> None:
        """`streams` and `sinks` by name. `on_event` sees each event after it is committed; it must not block."""
        self._outbox, self._on_event = outbox, on_event
        # A pipe, since a signal that reaches another thread wakes nobody who waits for a lock, but can write here.
        self._wake_fd, self.wakeup_fd = os.pipe()
        """`wakeup_fd`: whoever writes a byte wakes `wait`; for signal.set_wakeup_fd."""
        os.set_blocking(self.wakeup_fd, False)
        self._stop_requested = False
        self._commit_turn = threading.Lock()
        self._uncommitted: list[ActionEvent] = []
        self.lost_events = 0
        self.failed = False
        """True once something broke that only a new start can mend."""
        outbox.register_sinks(list(sinks))
        self._workers = [DeliveryWorker(name, make, outbox) for name, make in sinks.items()]
        self._pipelines = {name: parts.pipeline for name, parts in streams.items()}
        self._engines: list[tuple[Inference, Turns]] = []
        self._captures: list[Capture] = []
        self._turns: dict[str, Turns] = {}
        for model in {id(p.model): p.model for p in self._pipelines.values()}.values():
            self._add_engine({n: parts for n, parts in streams.items() if parts.pipeline.model is model})

    def _add_engine(self, streams: Mapping[str, StreamParts]) -> None:
        turns = Turns(streams, silence_s={name: parts.pipeline.gap_s for name, parts in streams.items()})
        pipelines = {name: parts.pipeline for name, parts in streams.items()}
        inference = Inference(pipelines, turns, self._commit, on_failure=self._fail)
        self._engines.append((inference, turns))
        for name, parts in streams.items():
            self._turns[name] = turns
            self._captures.append(
                Capture(name, parts.make_source, parts.pipeline.request, turns, on_over=self._wake_up)
            )

    def start(self) -> None:
        """Sinks first, sources last, so that nothing waits for a part that is not there yet."""
        closed = self._outbox.recover()
        if closed:
            _log.warning("the last run did not stop cleanly; its open actions were closed", actions=len(closed))
        for worker in self._workers:
            worker.start()
        for inference, _ in self._engines:
            inference.start()
        for capture in self._captures:
            capture.start()

    def request_stop(self) -> None:
        """Ask `wait` to return; safe in a signal handler."""
        self._stop_requested = True
        self._wake_up()

    def _fail(self) -> None:
        self.failed = True
        self.request_stop()

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self.wakeup_fd, b"\0")

    def wait(self) -> bool:
        """Until a stop is requested (False) or every stream has ended by itself (True)."""
        while not self._stop_requested:
            again_s = _COMMIT_AGAIN_S if self._uncommitted else None
            if select.select([self._wake_fd], [], [], again_s)[0]:
                os.read(self._wake_fd, 4096)
            self._commit(())
            if all(capture.over for capture in self._captures):
                return not self._stop_requested
        return False

    def stop(self, *, drain_s: float = _SINKS_S) -> bool:
        """Stop in reverse order. True when every sink has everything; what it lacks waits in the outbox."""
        slow_sources: list[Capture] = []
        if self._stop_requested:
            slow_sources = self._stop_sources()
        else:
            self._work_off()
        self._stop_engines()
        # Only now, because a source that waited for a hanging engine goes on when that is given up.
        for capture in slow_sources:
            if not capture.stop(_GOES_ON_S):
                _log.warning("source hangs and is left behind", stream=capture.stream)
        self._commit(())
        if self._uncommitted:
            self.lost_events += len(self._uncommitted)
            _log.error("events lost: the outbox could not be written until the end", lost=len(self._uncommitted))
        delivered = self._stop_workers(drain_s)
        self._outbox.close()
        return delivered

    def _work_off(self) -> None:
        """The streams ended by themselves: let the engines take the last frames first, if they still take any."""
        for _, turns in self._engines:
            turns.wait_empty(STOP_S)

    # Sources, engines and sinks are each asked all at once: a slow one must not use up the time of the others.

    def _stop_sources(self) -> list[Capture]:
        for capture in self._captures:
            capture.request_stop()
        until_s = time.monotonic() + _SOURCES_S
        return [capture for capture in self._captures if not capture.stop(until_s - time.monotonic())]

    def _stop_engines(self) -> None:
        for _, turns in self._engines:
            turns.close()
        until_s = time.monotonic() + _ENGINE_S
        for inference, _ in self._engines:
            if not inference.stop(until_s - time.monotonic()):
                _log.error("inference hangs; open actions are closed at the next start")

    def _stop_workers(self, drain_s: float) -> bool:
        for worker in self._workers:
            worker.request_stop()
        until_s = time.monotonic() + drain_s
        empty = [worker.stop(until_s - time.monotonic()) for worker in self._workers]
        for worker, is_empty in zip(self._workers, empty, strict=True):
            if not is_empty:
                _log.warning("events wait in the outbox", sink=worker.name, pending=self._outbox.pending(worker.name))
        return all(empty)

    def _commit(self, events: Sequence[ActionEvent]) -> None:
        """Store events; those that a full or read-only disk refused are tried again with the next, and by `wait`."""
        with self._commit_turn:
            waiting = [*self._uncommitted, *events]
            if not waiting:
                return
            try:
                committed = self._outbox.append(waiting)
            except OutboxUnavailable as error:
                self._keep(waiting, error)
                return
            if self._uncommitted:
                _log.info("the outbox can be written again", events=len(self._uncommitted))
            self._uncommitted = []
            # Within the lock, so that the events of two engines are seen in the order of their numbers.
            if self._on_event is not None:
                for event in committed:
                    self._on_event(event)

    def _keep(self, waiting: list[ActionEvent], error: OutboxUnavailable) -> None:
        level = _log.debug if self._uncommitted else _log.error
        level("the outbox cannot be written, events wait in memory", events=len(waiting), reason=str(error))
        lost = max(0, len(waiting) - _MOST_UNCOMMITTED)
        if lost:
            self.lost_events += lost
            _log.error("events lost: too many wait for the outbox", lost=lost, lost_in_all=self.lost_events)
        if not self._uncommitted:
            self._wake_up()  # `wait` tries again from now on
        self._uncommitted = waiting[lost:]

    @property
    def figures(self) -> dict[str, StreamFigures]:
        """Per stream what happened so far."""
        for name, pipeline in self._pipelines.items():
            pipeline.figures.dropped = self._turns[name].dropped(name)
        for capture in self._captures:
            self._pipelines[capture.stream].figures.read = capture.frames_read
        return {name: pipeline.figures for name, pipeline in self._pipelines.items()}

    @property
    def failed_streams(self) -> dict[str, str]:
        """Streams whose source was rejected, with the reason."""
        return {c.stream: c.reason for c in self._captures if c.state is CaptureState.FAILED}
