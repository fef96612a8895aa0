"""What people said of events: right, wrong, or what it was instead; kept with the clip, so that heads learn from it."""

import difflib
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from movinet_edge.api import ActionEvent, ConfigurationError, EventType
from movinet_edge.config import ClipSettings
from movinet_edge.delivery import EventHistory
from movinet_edge.evidence import EVIDENCE_FOLDER, EvidenceStore
from movinet_edge.heads import BACKGROUND, LONGEST_NAME

_log = structlog.get_logger(__name__)

EXAMPLES_FOLDER = "examples"
"""In the daemon's state folder. Clips are copied there, since evidence is deleted in time and examples are not."""

RIGHT, WRONG = "right", "wrong"
_FILE = "labels.jsonl"


class EventLabel(BaseModel):
    """What one event was, as somebody saw it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event_id: str
    action: str = Field(description="what it was; background: nothing that is watched for")
    reported_as: str = Field(description="the event's action")
    stream: str
    started_at: datetime
    duration_s: float
    clip: str | None = Field(default=None, description="file beside the list; null where there was none")
    start_s: float = Field(default=0.0, description="where in the clip the action begins, about")
    labelled_at: datetime


class EventLabels:
    """The labels in a state folder. Lines are added and never changed; of an event the last one counts."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / EXAMPLES_FOLDER
        self._state_dir = state_dir

    def add(self, event_id: str, said: str, *, pre_roll_s: Callable[[str], float | None]) -> EventLabel:
        """Note what an event was, and keep its clip.

        Args:
            event_id: as in the list of events; its beginning is enough where only one event begins so.
            said: `right`, `wrong`, or the name of the action that it was.
            pre_roll_s: how much of a clip of the stream of that name lies before its event; None: as usual.

        Raises:
            ConfigurationError: there is no such event, or what was said is no name.
            OutboxUnavailable: the events cannot be read.
            OSError: the label cannot be written.
        """
        said = said.strip()
        if not said or not said.isprintable() or len(said) > LONGEST_NAME:
            raise ConfigurationError(
                f"{said[:LONGEST_NAME]!r} is no action; say {RIGHT}, {WRONG}, "
                f"or what it was in up to {LONGEST_NAME} letters"
            )
        event = self._event(event_id)
        action = {RIGHT: event.action, WRONG: BACKGROUND, BACKGROUND: BACKGROUND}.get(said.casefold(), said)
        before_s = pre_roll_s(event.stream)
        label = EventLabel(
            event_id=event.id,
            action=action,
            reported_as=event.action,
            stream=event.stream,
            started_at=event.started_at,
            duration_s=event.duration_s,
            clip=self._kept_clip(event.id),
            start_s=ClipSettings().pre_roll_s if before_s is None else before_s,
            labelled_at=datetime.now(UTC),
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _FILE).open("a+b") as file:
            file.write(_missing_end(file) + label.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return label

    def all(self) -> Mapping[str, EventLabel]:
        """The last label of each event, by its id; lines that cannot be read are left out, with a word in the log."""
        labels: dict[str, EventLabel] = {}
        try:
            lines = (self.folder / _FILE).read_bytes().splitlines()
        except FileNotFoundError:
            return labels
        for number, line in enumerate(lines, start=1):
            try:
                label = EventLabel.model_validate_json(line)
            except ValidationError as error:  # the last line after a power cut, for example
                _log.warning("label of an event unreadable", line=number, error=str(error).split("\n")[0])
                continue
            labels[label.event_id] = label
        return labels

    def clip_of(self, label: EventLabel) -> Path | None:
        """The clip, if there is one; also one that was finished after its event had been labelled."""
        name = self._kept_clip(label.event_id) if label.clip is None else label.clip
        path = None if name is None else self.folder / Path(name).name
        return path if path is not None and path.is_file() else None

    def _event(self, event_id: str) -> ActionEvent:
        with EventHistory(self._state_dir / "outbox.db") as history:
            events = {event.id: event for event in history.query() if event.event_type is not EventType.UPDATE}
        fitting = [event for one, event in events.items() if one == event_id] or [
            event for one, event in events.items() if event_id and one.startswith(event_id)
        ]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise ConfigurationError(f"{len(fitting)} events have an id that begins with {event_id!r}; give more of it")
        near = difflib.get_close_matches(event_id, events, n=1)
        hint = f"did you mean {near[0]}?" if near else "`movinet-edge events` lists them"
        raise ConfigurationError(f"no stored event has the id {event_id!r}; {hint}")

    def _kept_clip(self, event_id: str) -> str | None:
        items = EvidenceStore(self._state_dir / EVIDENCE_FOLDER).find(event_id)
        clip = next((item.path for item in items if item.kind == "clip"), None)
        if clip is None:
            return None
        kept = self.folder / f"{event_id}{clip.suffix}"
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(".part")
        try:
            shutil.copyfile(clip, unfinished)
            unfinished.replace(kept)
        except FileNotFoundError:  # deleted in this moment to make room
            return None
        return kept.name


def _missing_end(file: BinaryIO) -> bytes:
    """What ends a last line that a power cut has halved, so that the next one does not become part of it."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
