"""One sink's postman: a thread that takes the outbox's events to the sink, in order, until each one is settled."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from movinet_edge.api import (
    ActionEvent,
    Control,
    ControlSink,
    DaemonStatus,
    DeliveryError,
    DeliveryRejected,
    Sink,
    StatusSink,
)
from movinet_edge.delivery.backoff import Backoff
from movinet_edge.delivery.database import OutboxUnavailable
from movinet_edge.delivery.event_filter import EventFilter
from movinet_edge.delivery.outbox import Outbox

_log = structlog.get_logger(__name__)

# A destination that asks for more is mistaken more often than not, and events should not wait for it all day.
_LONGEST_ASKED_PAUSE_S = 3600.0

# Another process may mark refused events, which wakes nobody here. Only a sink that has some is looked after like this.
_LOOK_FOR_RETRIES_S = 60.0


class WorkerState(StrEnum):
    """What a worker is doing."""

    NEW = "new"
    """Not started."""
    OPENING = "opening"
    IDLE = "idle"
    """The sink is open and has everything."""
    DELIVERING = "delivering"
    RETRYING = "retrying"
    """Pausing after a failure."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """Counts since the start of the worker.

    Attributes:
        state: what it is doing now.
        delivered: events the sink accepted.
        rejected: events the sink refused for good; they are kept, and only offered again when somebody asks for it.
        retries: failures after which the same event, or opening the sink, is tried again.
        last_error: text of the latest failure or rejection; None when there was none yet.
        unwanted: events that the sink's filter left out.
    """

    state: WorkerState
    delivered: int
    rejected: int
    retries: int
    last_error: str | None
    unwanted: int


class DeliveryWorker:
    """Empties one sink's part of the outbox: at least once, in order, with growing pauses while the sink fails.

    The sink is made, opened, used and closed in the worker's thread. A sink that hangs holds up nobody else, and a
    process may end while it hangs.
    """

    def __init__(
        self,
        name: str,
        make_sink: Callable[[], Sink],
        outbox: Outbox,
        *,
        backoff: Backoff | None = None,
        late_after_s: float = 10.0,
        wanted: EventFilter | None = None,
        status: Callable[[], DaemonStatus] | None = None,
        control: Control | None = None,
    ) -> None:
        """Nothing happens before `start`; raises ValueError when `name` is not registered with the outbox.

        `wanted` says which events the sink gets, `status` how the daemon stands (for a StatusSink), and `control` takes
        the commands of a ControlSink.
        """
        outbox.pending(name)
        self.name = name
        self._make_sink = make_sink
        self._outbox = outbox
        self._backoff = Backoff() if backoff is None else backoff
        self._late_after_s = late_after_s
        self._wanted = EventFilter() if wanted is None else wanted
        self._ask_status = status
        self._control = control
        self._sink: Sink | None = None
        self._thread = threading.Thread(target=self._run, name=f"delivery-{name}", daemon=True)
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._status_changed = threading.Event()
        self._report_at_s = math.inf  # monotonic; for an open StatusSink alone not infinite
        self._look_at_s = -math.inf  # monotonic; when to look for events that are to be offered again
        self._before_seq = outbox.earlier_seq  # up to here a process before this one may have been interrupted
        self._offered_seq: int | None = None
        self._failures = 0  # in a row
        self._asked_pause_s = 0.0  # by the latest failure
        self._traceback_shown = False  # since the last success
        self._state = WorkerState.NEW
        self._delivered = self._rejected = self._retries = self._unwanted = 0
        self._last_error: str | None = None

    @property
    def stats(self) -> WorkerStats:
        """What has happened so far."""
        return WorkerStats(
            self._state, self._delivered, self._rejected, self._retries, self._last_error, self._unwanted
        )

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def status_changed(self) -> None:
        """A StatusSink is to be told how the daemon stands now, as soon as possible; from any thread."""
        self._status_changed.set()
        self._outbox.wake()

    def request_stop(self) -> None:
        """Ask to finish without waiting, so that several workers can drain at the same time; then call `stop`."""
        self._stopping.set()
        self._outbox.wake()

    def stop(self, drain_s: float) -> bool:
        """Deliver what is pending for up to `drain_s` seconds, then finish; True when nothing is left pending.

        A worker that pauses after a failure tries once more at once. A sink that hangs is left behind.
        """
        self.request_stop()
        if self._thread.is_alive():
            self._thread.join(max(0.0, drain_s))
        self._abandoned.set()
        if self._thread.is_alive():
            _log.warning("sink did not finish in time, left behind", sink=self.name, drain_s=drain_s)
        return self._outbox.pending(self.name) == 0

    def _run(self) -> None:
        try:
            while not self._finished():
                last_try = self._stopping.is_set()
                if self._attempt():
                    self._outbox.wait_for(self.name, self._patience_s(), stop=self._is_called)
                elif last_try:
                    break
                else:
                    self._state = WorkerState.RETRYING
                    self._stopping.wait(max(self._backoff.next_s(), self._asked_pause_s))
        finally:
            self._close_sink()
            self._state = WorkerState.STOPPED

    def _is_called(self) -> bool:
        return self._stopping.is_set() or self._status_changed.is_set()

    def _patience_s(self) -> float | None:
        """How long to sleep at most when nothing happens; None: for ever."""
        # A moment and not a pause, which would begin anew with each event and never end where there are many.
        look_at_s = self._look_at_s if self._outbox.has_failed(self.name) else math.inf
        patience_s = min(look_at_s, self._report_at_s) - time.monotonic()
        return max(0.0, patience_s) if patience_s < threading.TIMEOUT_MAX else None

    def _finished(self) -> bool:
        if self._stopping.is_set():
            return self._abandoned.is_set() or self._outbox.pending(self.name) == 0
        return False

    def _attempt(self) -> bool:
        """Open the sink if it is not, report to it, and deliver one event if there is one; False when that failed."""
        try:
            sink = self._opened()
            self._report(sink)
            pending = self._outbox.peek(self.name, late_after_s=self._late_after_s)
            if pending:
                self._deliver_next(sink, pending[0])
            else:
                self._look_for_retries(sink)
        except (DeliveryError, OutboxUnavailable) as error:
            self._failed(error, unexpected=False)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything, and its events must wait, not vanish
            self._failed(error, unexpected=True)
            self._close_sink()
        else:
            self._succeeded()
            return True
        return False

    def _opened(self) -> Sink:
        if self._sink is None:
            self._state = WorkerState.OPENING
            sink = self._make_sink()
            try:
                if self._control is not None and isinstance(sink, ControlSink):
                    sink.attach(self._control)
                sink.open()
            except BaseException:
                self._close(sink)
                raise
            self._sink = sink
            self._report_at_s = -math.inf if isinstance(sink, StatusSink) and self._ask_status is not None else math.inf
        return self._sink

    def _report(self, sink: Sink) -> None:
        if self._ask_status is None or not isinstance(sink, StatusSink):
            self._status_changed.clear()
            return
        if not self._status_changed.is_set() and time.monotonic() < self._report_at_s:
            return
        self._status_changed.clear()  # before asking, so that what changes meanwhile is reported next
        try:
            sink.report(self._ask_status())
        except BaseException:
            self._status_changed.set()
            raise
        self._report_at_s = time.monotonic() + sink.status_every_s

    def _deliver_next(self, sink: Sink, event: ActionEvent) -> None:
        assert event.seq is not None  # noqa: S101 - for the type checker: the outbox numbers every event
        if not self._is_wanted(event, event.seq):
            self._unwanted += self._outbox.acknowledge(self.name, event.seq)
        elif self._offer(sink, event):
            # False: dropped while it was on its way, and counted as that.
            self._delivered += self._outbox.acknowledge(self.name, event.seq)

    def _is_wanted(self, event: ActionEvent, seq: int) -> bool:
        start_score = self._outbox.start_score(seq) if self._wanted.min_score > 0 else None
        return self._wanted.wants(event, start_score)

    def _look_for_retries(self, sink: Sink) -> None:
        self._look_at_s = time.monotonic() + _LOOK_FOR_RETRIES_S
        event = self._outbox.next_retry(self.name)
        if event is None:
            return
        assert event.seq is not None  # noqa: S101 - as above
        if self._offer(sink, event):
            self._outbox.settle_retry(self.name, event.seq)
            self._delivered += 1
            _log.info("rejected event delivered after all", sink=self.name, seq=event.seq, event_id=event.id)

    def _offer(self, sink: Sink, event: ActionEvent) -> bool:
        """Deliver an event; False when the sink refused it for good, which is settled then."""
        self._state = WorkerState.DELIVERING
        try:
            sink.deliver(self._marked(event))
        except DeliveryRejected as error:
            reason = str(error) or type(error).__name__
            if self._outbox.reject(self.name, event, reason):
                self._rejected += 1
                self._last_error = reason
                _log.warning("event rejected by sink", sink=self.name, seq=event.seq, event_id=event.id, error=reason)
            return False
        return True

    def _marked(self, event: ActionEvent) -> ActionEvent:
        """The event, marked when it may have arrived already: nobody knows how far an interrupted delivery came."""
        assert event.seq is not None  # noqa: S101 - as above
        first = self._offered_seq is None and event.seq <= self._before_seq
        again = event.seq == self._offered_seq
        self._offered_seq = event.seq
        return event.model_copy(update={"repeated": True}) if first or again else event

    def _failed(self, error: BaseException, *, unexpected: bool) -> None:
        self._failures += 1
        self._retries += 1
        asked_s = error.retry_after_s if isinstance(error, DeliveryError) else None
        self._asked_pause_s = min(asked_s or 0.0, _LONGEST_ASKED_PAUSE_S)
        self._last_error = str(error) or type(error).__name__
        log = _log.warning if self._failures == 1 else _log.debug
        if unexpected and not self._traceback_shown:
            self._traceback_shown = True
            _log.exception("sink failed unexpectedly, will be reopened", sink=self.name, error=self._last_error)
        else:
            log("sink failing, will be tried again", sink=self.name, error=self._last_error, failures=self._failures)

    def _succeeded(self) -> None:
        if self._failures:
            _log.info("sink works again", sink=self.name, failures=self._failures)
        self._failures = 0
        self._traceback_shown = False
        self._backoff.reset()
        self._state = WorkerState.IDLE

    def _close_sink(self) -> None:
        sink, self._sink = self._sink, None
        self._report_at_s = math.inf
        if sink is not None:
            self._close(sink)

    def _close(self, sink: Sink) -> None:
        try:
            sink.close()
        except (Exception, SystemExit):  # noqa: BLE001 - closing is all that was left to do with it
            _log.warning("sink failed while closing", sink=self.name, exc_info=True)
