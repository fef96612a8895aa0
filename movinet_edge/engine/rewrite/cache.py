"""Keeps rewritten files that passed their self-test, by the checksum of the untouched one."""

import hashlib
import os
import platform
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from movinet_edge.engine.rewrite.host import HostPlan
from movinet_edge.engine.rewrite.recipes import Family
from movinet_edge.engine.rewrite.rewriting import VERSION, PassReport, Rewritten, rewrite

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is written beside a rewritten file."""

    sha256: str
    plan: HostPlan
    family: Family
    operators_before: int
    reports: tuple[PassReport, ...]


_ENTRY = TypeAdapter(_Entry)


class RewriteCache:
    """A folder of rewritten files. What another version of passes or runtime left there is not used, and replaced."""

    def __init__(self, folder: Path, runtime: str) -> None:
        """`runtime`: name and version of what ran the self-test, such as `LiteRT 2.3.0`."""
        self.folder = folder
        self._tag = re.sub(r"[^A-Za-z0-9.]+", "_", f"v{VERSION}-{runtime}-{platform.machine()}")

    def optimised(
        self, content: bytes, prove: Callable[[Rewritten], object], *, quantise_float16: bool = True
    ) -> Rewritten:
        """The rewritten form of a file: from the folder, else made now, proved and kept.

        Args:
            content: the untouched file.
            prove: runs the self-test; raises RewriteRefused to refuse.
            quantise_float16: see `rewrite`.

        Raises:
            RewriteRefused: there is no rewritten form that can be used.
        """
        key = f"{hashlib.sha256(content).hexdigest()}{'' if quantise_float16 else '-float'}"
        kept = self._find(key)
        if kept is not None:
            return kept
        rewritten = rewrite(content, quantise_float16=quantise_float16)
        prove(rewritten)
        try:
            self._keep(key, rewritten)
        except OSError as error:
            _log.warning(
                "the rewritten model cannot be kept; it is made anew at each start",
                folder=str(self.folder),
                reason=error.strerror or str(error),
            )
        return rewritten

    def _paths(self, key: str) -> tuple[Path, Path]:
        name = f"{key}.{self._tag}"
        return self.folder / f"{name}.tflite", self.folder / f"{name}.json"

    def _find(self, key: str) -> Rewritten | None:
        model, notes = self._paths(key)
        try:
            entry = _ENTRY.validate_json(notes.read_bytes())
            content = model.read_bytes()
        except (OSError, ValidationError):
            return None
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            return None
        return Rewritten(content, entry.plan, entry.family, None, entry.operators_before, entry.reports)

    def _keep(self, key: str, rewritten: Rewritten) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for outdated in self.folder.glob(f"{key}.*"):
            outdated.unlink(missing_ok=True)
        digest = hashlib.sha256(rewritten.content).hexdigest()
        entry = _Entry(digest, rewritten.plan, rewritten.family, rewritten.operators_before, rewritten.reports)
        model, notes = self._paths(key)
        _write(model, rewritten.content)
        _write(notes, _ENTRY.dump_json(entry))


def _write(path: Path, content: bytes) -> None:
    """All of the file or nothing, whenever the power goes."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
