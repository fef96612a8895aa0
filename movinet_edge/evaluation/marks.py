"""An occurrence as some file writes it, before anything of it is believed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mark:
    """`start` and `end` as they were written; `place` says where, for messages. An empty `video` means any."""

    video: str
    action: str
    start: Any
    end: Any
    place: str
