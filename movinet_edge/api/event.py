"""The event: one action of one stream began, goes on, or ended. This is the contract with everything outside."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Literal[1] = 1


class EventType(StrEnum):
    """What happened to the occurrence of an action."""

    START = "start"
    UPDATE = "update"
    STOP = "stop"


class StopReason(StrEnum):
    """Why an occurrence ended."""

    BELOW = "below"
    """The score fell below `off` for longer than `max_gap`."""
    MAX_DURATION = "max_duration"
    """It lasted `max_duration`, so it was closed although the score was still high."""
    SOURCE_LOST = "source_lost"
    """The source ended or failed."""
    GAP = "gap"
    """The stream jumped or was silent for longer than the model remembers."""
    DISABLED = "disabled"
    """Somebody switched the stream off."""
    SHUTDOWN = "shutdown"
    """The daemon stopped, or was found to have stopped without saying so."""


Score = Annotated[float, Field(ge=0.0, le=1.0)]


class ModelInfo(BaseModel):
    """What produced the scores, so that an event can be judged later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="catalogue name, or the file's name")
    memory: Literal["window", "cumulative"] = Field(description="how the model forgets")
    window: int | None = Field(default=None, ge=1, description="frames remembered; none when cumulative")
    fps: float | None = Field(default=None, gt=0, description="frames scored per second; none: every frame")


class ActionEvent(BaseModel):
    """A start, an update or a stop of one occurrence of an action.

    The start and the stop of one occurrence share `id`. Times with `_at` are wall time (UTC), times with `_s` are
    seconds on the stream's own clock. Written and read as JSON with `to_json` and `from_json`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_enum_values=False)

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    event_type: EventType
    id: str = Field(min_length=1, description="sortable and unique; the same for start, updates and stop")
    seq: int | None = Field(default=None, ge=1, description="place in this daemon's outbox; none before it is stored")
    stream: str
    action: str
    labels: tuple[str, ...] = Field(description="model labels that make up the action, strongest first")
    score: Score = Field(description="smoothed score at the moment of the event")
    peak_score: Score = Field(description="highest smoothed score of the occurrence so far")
    time_s: float = Field(description="stream clock when the event was decided")
    started_s: float = Field(description="stream clock of the first frame at or over the threshold")
    ended_s: float | None = Field(default=None, description="stream clock of the estimated end; only in a stop")
    started_at: datetime
    ended_at: datetime | None = None
    duration_s: float = Field(ge=0.0, description="so far, or in a stop from start to estimated end")
    reason: StopReason | None = Field(default=None, description="only in a stop")
    snapshot: str | None = Field(
        default=None,
        description="JPEG file on the daemon's machine: in a start the frame that decided it, in a stop the peak; the"
        " oldest are deleted in time",
    )
    clip: str | None = Field(
        default=None,
        description="MP4 file on the daemon's machine, only in a stop: it is there some seconds later, when what came"
        " after the action is in it; the oldest are deleted in time",
    )
    late: bool = Field(default=False, description="delivered noticeably later than it was decided")
    repeated: bool = Field(
        default=False,
        description="it may have been delivered before, since something broke on the way; `id` and `event_type` tell",
    )
    model: ModelInfo

    def to_json(self) -> str:
        """One line of JSON with the published field names."""
        return self.model_dump_json(by_alias=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> "ActionEvent":
        """Read what `to_json` wrote; raises pydantic's ValidationError for anything else."""
        return cls.model_validate_json(text)
