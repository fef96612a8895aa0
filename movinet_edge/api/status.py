"""How the daemon stands: the state of every stream with its figures, and what may be changed while it runs."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from movinet_edge.api.errors import MovinetEdgeError


class StreamState(StrEnum):
    """Where a stream is in its life."""

    CONNECTING = "connecting"
    """The source was started and has given no frame yet."""
    LIVE = "live"
    STALLED = "stalled"
    """A live source has given no frame for too long; its reader is being replaced."""
    BACKING_OFF = "backing off"
    """Waiting before the next try, after a failure."""
    ENDED = "ended"
    """There will be no more frames; the reason says whether that is a fault."""
    DISABLED = "disabled"
    """Somebody switched the stream off."""


class _Report(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class SourceInfo(_Report):
    """What a source knows about its video once it is open; what it does not know is None."""

    codec: str | None = Field(default=None, description="as FFmpeg calls it, for example h264")
    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = Field(default=None, description="frames per second as the video announces them")
    cpu_s: float | None = Field(default=None, description="CPU-seconds spent on reading, decoding and scaling so far")


class StreamHealth(_Report):
    """Figures of one stream. Rates and percentiles are of about the last half minute, counts since the start."""

    fps_in: float | None = Field(default=None, description="frames per second that arrive; none: not known yet")
    fps_given: float | None = Field(default=None, description="of these, what the source hands over to be looked at")
    fps_scored: float | None = Field(default=None, description="frames per second that the model looks at")
    fps_wanted: float | None = Field(default=None, description="frames per second asked for; none: every frame")
    frame_age_s: float | None = Field(default=None, description="since the newest frame came; none: there was none")
    read: int = 0
    scored: int = 0
    dropped: dict[str, int] = Field(default={}, description="frames that were not scored although due, by reason")
    gaps: int = Field(default=0, description="times that the model had to forget, because frames were missing")
    reconnects: int = Field(default=0, description="times that the source was opened again")
    abandoned: int = Field(default=0, description="readers that hung and were left behind")
    hanging: int = Field(default=0, description="of these, how many have not ended yet")
    inference_p50_ms: float | None = None
    inference_p95_ms: float | None = None
    source: SourceInfo | None = None
    source_cpu: float | None = Field(default=None, description="share of one core that the source takes")


class ActionStatus(_Report):
    """One watched action of a stream."""

    name: str
    on: float
    off: float
    active: bool = Field(description="it has started and not stopped")
    score: float = Field(description="the newest smoothed score")


class StreamStatus(_Report):
    """One stream."""

    name: str
    state: StreamState
    reason: str = Field(default="", description="why, when the state is not a good one")
    since: datetime
    actions: tuple[ActionStatus, ...] = ()
    snapshots: bool = Field(default=False, description="its events come with pictures")
    health: StreamHealth = StreamHealth()
    advice: tuple[str, ...] = Field(default=(), description="what would help, in sentences")


class SinkStatus(_Report):
    """One sink."""

    name: str
    state: str
    pending: int = Field(description="events that wait for it")
    delivered: int
    rejected: int
    dropped: int = Field(description="events that the outbox's bounds took from it")
    last_error: str | None = None


class ModelStatus(_Report):
    """One loaded model."""

    name: str
    runtime: str = Field(description="what runs it, in words")
    rewritten: bool = Field(description="a rewritten, faster file runs in the place of the one given")
    refused: bool = Field(default=False, description="it should have been rewritten and could not be")
    reason: str = Field(default="", description="why it runs as it is; empty where it is rewritten")


class DaemonStatus(_Report):
    """The whole daemon."""

    version: str
    started_at: datetime
    streams: tuple[StreamStatus, ...]
    sinks: tuple[SinkStatus, ...]
    models: tuple[ModelStatus, ...] = ()
    lost_events: int = Field(default=0, description="events that could not be stored")


class CommandRefused(MovinetEdgeError):
    """A command names what is not there, or a value that cannot be; the text says what would be right."""


class Control(Protocol):
    """What may be changed while the daemon runs. Thread-safe; what is changed outlives a restart."""

    def set_enabled(self, stream: str, enabled: bool) -> None:
        """Switch a stream on or off.

        Raises:
            CommandRefused: there is no such stream.
        """
        ...

    def set_threshold(self, stream: str, action: str, on: float) -> None:
        """Set the score over which an action begins; `off` keeps its proportion to it.

        Raises:
            CommandRefused: there is no such stream or action, or `on` is not over 0 and at most 1.
        """
        ...
