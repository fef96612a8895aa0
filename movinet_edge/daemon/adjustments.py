"""What was changed while the daemon ran (switches and thresholds), kept over restarts in the state folder."""

import json
import os
import threading
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_log = structlog.get_logger(__name__)

Fraction = Annotated[float, Field(gt=0.0, le=1.0)]


class _Switch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    configured: bool
    now: bool


class _Threshold(BaseModel):
    model_config = ConfigDict(extra="forbid")

    configured: float
    now: Fraction


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    enabled: dict[str, _Switch] = {}
    on: dict[str, dict[str, _Threshold]] = {}


class Adjustments:
    """Values that stand above the configuration file, until that is edited: the later word counts.

    Each is kept together with what the file said when it was set. When the file says something else, somebody has
    changed it since: the file's new value holds, and the older word is forgotten for good. Thread-safe.
    """

    def __init__(self, path: Path | None) -> None:
        """Read the file, if there is one; None keeps nothing. What cannot be read is told and left out."""
        self._path = path
        self._turn = threading.Lock()
        self._kept = _read(path) if path is not None else _Kept()

    def enabled(self, stream: str, configured: bool) -> bool:
        """Is the stream to run, which the file says is `configured`?"""
        with self._turn:
            kept = self._kept.enabled.get(stream)
            if kept is None or kept.configured == configured:
                return configured if kept is None else kept.now
            del self._kept.enabled[stream]
            self._write()
            return configured

    def on(self, stream: str, action: str, configured: float) -> float:
        """The action's threshold, which the file says is `configured`."""
        with self._turn:
            kept = self._kept.on.get(stream, {}).get(action)
            if kept is None or kept.configured == configured:
                return configured if kept is None else kept.now
            del self._kept.on[stream][action]
            self._write()
            return configured

    def set_enabled(self, stream: str, *, configured: bool, now: bool) -> None:
        """Keep a switch."""
        with self._turn:
            self._kept.enabled.pop(stream, None)
            if now != configured:
                self._kept.enabled[stream] = _Switch(configured=configured, now=now)
            self._write()

    def set_on(self, stream: str, action: str, *, configured: float, now: float) -> None:
        """Keep a threshold."""
        with self._turn:
            self._kept.on.setdefault(stream, {}).pop(action, None)
            if now != configured:
                self._kept.on[stream][action] = _Threshold(configured=configured, now=now)
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        beside = self._path.with_suffix(".new")
        try:
            # Written beside and renamed, so that a power cut leaves the old file or the new one.
            with beside.open("w", encoding="utf-8") as file:
                file.write(self._kept.model_dump_json(indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            _log.error("the change holds until the next start only", path=str(self._path), reason=error.strerror)


def _read(path: Path) -> _Kept:
    try:
        return _Kept.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _Kept()
    except (OSError, ValueError, ValidationError) as error:
        _log.error("changes made while the daemon ran are forgotten", path=str(path), reason=str(error).split("\n")[0])
        return _Kept()
