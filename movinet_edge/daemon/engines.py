"""The running engines: one inference thread for each model, shared by the streams that use it."""

import time
from collections.abc import Callable, Iterable, Sequence

import structlog

from movinet_edge.api import ActionEvent
from movinet_edge.daemon.inference import Inference
from movinet_edge.daemon.pipeline import Pipeline
from movinet_edge.daemon.turns import Turns
from movinet_edge.engine import Model

_log = structlog.get_logger(__name__)

# The largest model takes two seconds a frame on the smallest machine, and a worn SD card some seconds for an event.
_HANGS_S = 30.0


class Engines:
    """Starts an engine with the first stream of a model, and stops it after the last."""

    def __init__(self, on_events: Callable[[Sequence[ActionEvent]], None], *, on_failure: Callable[[], None]) -> None:
        """`on_events` takes what was decided. `on_failure` is called when an engine cannot go on."""
        self._on_events, self._on_failure = on_events, on_failure
        self._running: dict[int, tuple[Model, Inference, Turns]] = {}
        self._started = False

    def add(self, pipeline: Pipeline) -> Turns:
        """Where the frames of the pipeline's stream are to be put."""
        model = pipeline.model
        if id(model.session) not in self._running:  # streams with other heads on it share it too
            turns = Turns(())
            inference = Inference({}, turns, self._on_events, on_failure=self._on_failure)
            self._running[id(model.session)] = (model, inference, turns)
            if self._started:
                inference.start()
        _, inference, turns = self._running[id(model.session)]
        inference.add(pipeline)
        turns.open(pipeline.stream, pipeline.gap_s)
        return turns

    def remove(self, pipeline: Pipeline, timeout_s: float) -> None:
        """Forget a stream; its open actions are closed, unless the engine hangs for longer than `timeout_s`."""
        _, inference, turns = self._running[id(pipeline.model.session)]
        turns.remove(pipeline.stream)
        if inference.remove(pipeline.stream, timeout_s):
            del self._running[id(pipeline.model.session)]
            inference.stop(timeout_s)

    def start(self) -> None:
        """Begin."""
        self._started = True
        for _, inference, _ in self._running.values():
            inference.start()

    def busy_s(self, now_s: float) -> float:
        """For how long an engine has been at work on one frame; 0 while all wait."""
        return max((inference.busy_s(now_s) for _, inference, _ in list(self._running.values())), default=0.0)

    def check(self, now_s: float) -> float:
        """The watchdog: when to look again, in seconds of the monotonic clock. An engine that hangs is a failure."""
        for _, inference, _ in list(self._running.values()):
            busy_s = inference.busy_s(now_s)
            if busy_s > _HANGS_S:
                _log.error("inference hangs, so the daemon stops", for_s=round(busy_s, 1))
                self._on_failure()
        return now_s + _HANGS_S

    def work_off(self, timeout_s: float) -> None:
        """The streams ended by themselves: let the engines take the last frames first, if they still take any."""
        for turns in self._all_turns():
            turns.wait_empty(timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Stop all, and close what is open; what hangs is left behind."""
        # Asked all at once: a slow one must not use up the time of the others.
        for turns in self._all_turns():
            turns.close()
        until_s = time.monotonic() + timeout_s
        for _, inference, _ in self._running.values():
            if not inference.stop(until_s - time.monotonic()):
                _log.error("inference hangs; open actions are closed at the next start")

    def _all_turns(self) -> Iterable[Turns]:
        return [turns for _, _, turns in self._running.values()]
