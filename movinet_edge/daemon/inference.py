"""One thread per engine: takes the streams' frames in turn, oldest first, and hands the events on."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from movinet_edge.api import ActionEvent, StopReason
from movinet_edge.daemon.pipeline import Pipeline
from movinet_edge.daemon.turns import Turn, Turns

_log = structlog.get_logger(__name__)


class Inference:
    """Runs the pipelines of all streams that share a model."""

    def __init__(
        self,
        pipelines: Mapping[str, Pipeline],
        turns: Turns,
        on_events: Callable[[Sequence[ActionEvent]], None],
        *,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_events` takes what was decided. `on_failure` is called once if the thread cannot go on."""
        self._pipelines, self._turns, self._on_events = dict(pipelines), turns, on_events
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._broken: set[str] = set()
        self._handling = threading.Lock()
        self._busy_since_s: float | None = None

    def add(self, pipeline: Pipeline) -> None:
        """One more stream; also while the thread runs."""
        self._pipelines[pipeline.stream] = pipeline

    def remove(self, stream: str, timeout_s: float) -> bool:
        """One stream less; its open actions are closed. True when none is left."""
        # Only between two frames: the thread may be busy with one of this stream.
        is_idle = self._handling.acquire(timeout=timeout_s)
        pipeline = self._pipelines.pop(stream)
        self._broken.discard(stream)
        if not is_idle:
            _log.error("inference hangs; open actions are closed at the next start", stream=stream)
            return not self._pipelines
        try:
            self._on_events(pipeline.end(StopReason.DISABLED))
        finally:
            self._handling.release()
        return not self._pipelines

    def busy_s(self, now_s: float) -> float:
        """For how long the thread has been at work on what it does now; 0 while it waits."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else now_s - since_s

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Finish the frame in hand, then close every open action; False when the engine hangs.

        What a hung engine leaves open is closed from the outbox at the next start.
        """
        self._turns.close()
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout_s))
        if self._thread.is_alive():
            return False
        for pipeline in list(self._pipelines.values()):
            self._on_events(pipeline.end(StopReason.SHUTDOWN))
        return True

    def _run(self) -> None:
        while (turn := self._turns.take()) is not None:
            self._busy_since_s = time.monotonic()
            try:
                with self._handling:
                    events = self._handle(turn)
                    if events:
                        self._on_events(events)
            except Exception:  # noqa: BLE001  # a daemon whose events go nowhere must not look alive
                _log.exception("events could not be handed on, so the daemon stops", stream=turn.stream)
                self._turns.close()
                self._on_failure()
            self._busy_since_s = None

    def _handle(self, turn: Turn) -> list[ActionEvent]:
        pipeline = self._pipelines.get(turn.stream)
        if pipeline is None:
            return []  # removed after its last frame was taken
        try:
            if turn.frame is not None:
                return pipeline.feed(turn.frame)
            return pipeline.end(turn.end or StopReason.SOURCE_LOST)
        except Exception:  # noqa: BLE001  # whatever one stream's frame provokes, the other streams go on
            if turn.stream not in self._broken:
                self._broken.add(turn.stream)
                _log.exception("stream failed on a frame", stream=turn.stream)
            return pipeline.end(StopReason.GAP)
