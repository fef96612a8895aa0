"""A stream runner at work on scripted sources, and all that comes of it."""

import threading
import time

from coloured_scenes import PATIENCE_S, ScriptedSource, picture

from movinet_edge.api import Frame, FrameRequest
from movinet_edge.daemon.stream_life import Limits
from movinet_edge.daemon.stream_runner import StreamRunner
from movinet_edge.daemon.turns import Turns
from movinet_edge.delivery import Backoff

AT_ONCE_WELL = Limits(well_s=0.0)

FRAME = Frame(picture("black"), 0.0)
wait = ScriptedSource.wait


def until(condition, note=lambda: ""):
    give_up_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_s, f"did not happen; {note()}"
        time.sleep(0.002)


def make_runner(make_source, turns, **arguments):
    return StreamRunner("porch", make_source, FrameRequest(), turns, on_change=lambda: None, **arguments)


def news(logs):
    """What was logged beside the first frame."""
    return [log for log in logs if log["event"] != "stream live"]


class Run:
    """A runner at work, and all that came of it."""

    def __init__(self, make_source, *, first_s=0.01, limits=AT_ONCE_WELL):
        self.turns = Turns(["porch"])
        self.seen = []
        self.made = []

        def make():
            self.made.append(source := make_source())
            return source

        self.runner = make_runner(make, self.turns, limits=limits, backoff=Backoff(first_s=first_s, cap_s=first_s))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.runner.start()

    def read(self):
        while (turn := self.turns.take()) is not None:
            self.seen.append("frame" if turn.frame is not None else turn.end.value)

    def until(self, condition):
        until(condition, lambda: f"seen {self.seen}, state {self.runner.state}")

    def finish(self):
        self.until(lambda: self.runner.is_over)
        assert self.turns.wait_empty(PATIENCE_S)
        self.close()

    def close(self):
        assert self.runner.stop(PATIENCE_S)
        self.turns.close()
        self.reader.join(PATIENCE_S)
