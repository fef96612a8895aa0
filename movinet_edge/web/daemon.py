"""What the page may ask of the daemon."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from movinet_edge.api import Control, DaemonStatus, PushedSource, StreamState, StreamStatus
from movinet_edge.daemon.supervisor import Supervisor


class Commands(Control, Protocol):
    """What may be changed, and how the daemon stands."""

    def status(self) -> DaemonStatus:
        """How it stands now."""
        ...


@dataclass(frozen=True, slots=True)
class Daemon:
    """The running daemon, as the page sees it.

    Attributes:
        supervisor: to look at; nothing is changed by way of it.
        commands: everything that may be changed.
        events_path: the outbox's file.
        state_dir: whatever the page hands out as a file lies in here.
    """

    supervisor: Supervisor
    commands: Commands
    events_path: Path
    state_dir: Path

    def pushed_source(self, stream: str) -> PushedSource | None:
        """The stream's source, if pictures can be brought to it now."""
        runner = self.supervisor.runner(stream)
        source = None if runner is None else runner.source
        return source if isinstance(source, PushedSource) else None

    def takes_pictures(self, stream: str) -> bool:
        """True when a browser may be the stream's camera, also while the source is away."""
        parts = self.supervisor.parts(stream)
        return parts is not None and parts.settings is not None and parts.settings.source.type == "browser"

    def is_well(self, stream: StreamStatus) -> bool:
        """Nobody has to do anything: it is live, was switched off, has come to its end, or waits for a phone."""
        if stream.state is StreamState.ENDED:
            return not stream.reason
        return stream.state in (StreamState.LIVE, StreamState.DISABLED) or self.takes_pictures(stream.name)

    def fps(self, stream: str) -> float | None:
        """Frames per second that the stream looks at; None for every one."""
        parts = self.supervisor.parts(stream)
        return None if parts is None else parts.pipeline.request.fps

    def labels(self, stream: str) -> tuple[str, ...]:
        """The model's labels; none when there is no such stream."""
        parts = self.supervisor.parts(stream)
        return () if parts is None else parts.pipeline.model.labels
