"""The outbox against a model of lists: any order of calls, closings and crashes keeps every event accounted for."""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from movinet_edge.api import EventType, StopReason
from movinet_edge.delivery import Outbox
from movinet_edge.testing.sinks import example_event

SINKS = ("a", "b")
MAX_EVENTS = 4


class OutboxAgainstModel(RuleBasedStateMachine):
    """The model: all events ever, and for each sink what became of them."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.generation = 0
        self.ids: list[str] = []
        self.running: list[int] = []
        self.settled = dict.fromkeys(SINKS, 0)
        self.cursor = dict.fromkeys(SINKS, 0)
        self.occurrences = 0
        self._open(self.folder / "0.db")

    def _open(self, path: Path) -> None:
        self.outbox = Outbox(path, max_events=MAX_EVENTS)
        self.outbox.register_sinks(SINKS)

    def _appended(self, ids: list[str]) -> None:
        self.ids += ids
        for sink in SINKS:
            self.cursor[sink] = max(self.cursor[sink], len(self.ids) - MAX_EVENTS)

    @rule(count=st.integers(1, 6))
    def start(self, count: int) -> None:
        numbers = range(self.occurrences + 1, self.occurrences + count + 1)
        self.occurrences += count
        self.running += numbers
        self._appended([event.id for event in self.outbox.append([example_event(number=n) for n in numbers])])

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.running))
        self.running.remove(number)
        self._appended([event.id for event in self.outbox.append([example_event(EventType.STOP, number=number)])])

    @rule(sink=st.sampled_from(SINKS), limit=st.integers(1, 6))
    def settle(self, sink: str, limit: int) -> None:
        events = self.outbox.peek(sink, limit)
        assert [event.id for event in events] == self.ids[self.cursor[sink] : self.cursor[sink] + limit]
        assert [event.seq for event in events] == [self.cursor[sink] + n for n in range(1, len(events) + 1)]
        if events:
            assert self.outbox.acknowledge(sink, events[-1].seq or 0)
            self.settled[sink] += len(events)
            self.cursor[sink] += len(events)

    @rule()
    def close_and_reopen(self) -> None:
        self.outbox.close()
        self._open(self.outbox.path)

    @rule()
    def crash_and_reopen(self) -> None:
        """What a dead process leaves behind: the files as they are, the log not yet folded in."""
        self.generation += 1
        old, new = self.outbox.path, self.folder / f"{self.generation}.db"
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{old}{suffix}", f"{new}{suffix}")
        self.outbox.close()
        self._open(new)

    @rule()
    def recover(self) -> None:
        stops = self.outbox.recover()
        assert [stop.id for stop in stops] == [example_event(number=n).id for n in self.running]
        assert all(stop.reason is StopReason.SHUTDOWN for stop in stops)
        self.running.clear()
        self._appended([stop.id for stop in stops])

    @invariant()
    def everything_is_accounted_for(self) -> None:
        for sink in SINKS:
            pending, dropped = self.outbox.pending(sink), self.outbox.dropped(sink)
            assert pending == len(self.ids) - self.cursor[sink]
            assert len(self.ids) == self.settled[sink] + pending + dropped
        assert [event.id for event in self.outbox.query()] == self.ids[-MAX_EVENTS:]

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.close()
            shutil.rmtree(self.folder)


# Each step waits for the disk several times, so there are fewer of them than hypothesis would choose.
OutboxAgainstModel.TestCase.settings = settings(
    max_examples=100 if os.environ.get("CI") else 30, stateful_step_count=25, deadline=None
)
TestOutboxAgainstModel = OutboxAgainstModel.TestCase
