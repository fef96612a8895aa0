"""Sink `csv`: one row per event, appended to a file that any spreadsheet opens."""

import csv
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from movinet_edge.api import ActionEvent, DeliveryError, PluginSettings
from pydantic import BaseModel, Field

COLUMNS = ("id", "event_type", "stream", "action", "score", "peak_score", "started_at", "duration_s", "reason")
"""The header, and the fields of ActionEvent that a row holds."""


class CsvSettings(PluginSettings):
    """What can be set for a `csv` sink."""

    path: Path = Field(description="file to append to; its folder is made when missing")


class CsvSink:
    """Appends events to a CSV file; an event is accepted once its row is on the disk."""

    Settings: ClassVar[type[BaseModel]] = CsvSettings

    def __init__(self, settings: CsvSettings) -> None:
        """Only keep the settings; what can fail belongs into `open`."""
        self._path = settings.path

    def open(self) -> None:
        """Make the file with its header; raises DeliveryError, and is called again later, when that is not possible."""
        self._append([])

    def deliver(self, event: ActionEvent) -> None:
        """Append one row; raises DeliveryError, and is called again with the same event, when that is not possible."""
        fields = event.model_dump(mode="json")
        self._append([[fields[column] for column in COLUMNS]])

    def close(self) -> None:
        """Nothing to release: events are rare, so the file is opened for each one and may be moved in between."""

    def _append(self, rows: Iterable[list[object]]) -> None:
        size_bytes = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", newline="", encoding="utf-8") as file:
                size_bytes = file.tell()
                writer = csv.writer(file)
                if size_bytes == 0:
                    writer.writerow(COLUMNS)
                writer.writerows(rows)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if size_bytes is not None:
                # The row will come again, so half of it must not stay.
                with suppress(OSError):
                    os.truncate(self._path, size_bytes)
            raise DeliveryError(f"cannot write {self._path}: {error.strerror or error}") from error
