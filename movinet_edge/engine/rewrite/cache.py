"""Keeps rewritten files that passed their self-test, by the checksum of the untouched one.

An entry holds for one version of this package, one of the runtime and one kind of processor. What cannot be read or is
not what was written is made and proved anew; a folder that others can write is not used at all.
"""

import hashlib
import os
import platform
import re
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from movinet_edge import __version__
from movinet_edge.engine.rewrite.host import HostPlan
from movinet_edge.engine.rewrite.recipes import Family
from movinet_edge.engine.rewrite.rewriting import VERSION, PassReport, Rewritten, rewrite

_log = structlog.get_logger(__name__)
_CPUINFO = Path("/proc/cpuinfo")


# A model that is trained again and again under one name leaves its old forms behind, 3 to 8 MB each.
_MOST_KEPT = 16


@dataclass(frozen=True, slots=True)
class _Notes:
    """What is written beside a rewritten file, behind a line with the checksum of both."""

    plan: HostPlan
    family: Family
    operators_before: int
    reports: tuple[PassReport, ...]


_NOTES = TypeAdapter(_Notes)


class RewriteCache:
    """A folder of rewritten files. What another version or processor left there is not used, and replaced."""

    def __init__(self, folder: Path | None, runtime: str) -> None:
        """`folder`: None keeps nothing. `runtime`: what runs the self-test, such as `LiteRT 2.3.0`."""
        self.folder = folder
        made_for = f"{__version__}-v{VERSION}-{runtime}-{platform.machine()}-{_processor()}"
        self._tag = re.sub(r"[^A-Za-z0-9.]+", "_", made_for)

    def optimised(
        self,
        content: bytes,
        prove: Callable[[Rewritten], object],
        *,
        quantise_float16: bool = True,
        anew: bool = False,
    ) -> Rewritten:
        """The rewritten form of a file: from the folder, else made now, proved and kept.

        Args:
            content: the untouched file.
            prove: runs the self-test; raises RewriteRefused to refuse.
            quantise_float16: see `rewrite`.
            anew: do not look into the folder first.

        Raises:
            RewriteRefused: there is no rewritten form that can be used.
        """
        key = f"{hashlib.sha256(content).hexdigest()}{'' if quantise_float16 else '-float'}"
        folder = self._own_folder()
        kept = self._find(folder, key) if folder and not anew else None
        if kept is not None:
            return kept
        rewritten = rewrite(content, quantise_float16=quantise_float16)
        prove(rewritten)
        if folder:
            try:
                self._keep(folder, key, rewritten)
            except OSError as error:
                _not_kept(folder, error.strerror or str(error))
        return rewritten

    def _own_folder(self) -> Path | None:
        """The folder, made where it is missing; None where what lies in it could be somebody else's work."""
        if self.folder is None:
            return None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.stat()
        except OSError as error:
            _not_kept(self.folder, error.strerror or str(error))
            return None
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            _not_kept(self.folder, f"others can write it, so anybody's model could run; chmod go-w {self.folder}")
            return None
        if status.st_uid not in (0, os.geteuid()):
            _not_kept(self.folder, "it belongs to another user, whose model would run")
            return None
        return self.folder

    def _paths(self, folder: Path, key: str) -> tuple[Path, Path]:
        name = f"{key}.{self._tag}"
        return folder / f"{name}.tflite", folder / f"{name}.notes"

    def _find(self, folder: Path, key: str) -> Rewritten | None:
        model, notes = self._paths(folder, key)
        try:
            digest, _, written = notes.read_bytes().partition(b"\n")
            content = model.read_bytes()
            if digest != _digest(written, content):
                raise ValueError("the checksum is another")
            seen = _NOTES.validate_json(written)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            _log.warning("a kept rewritten model is damaged, so it is made anew", path=str(model))
            return None
        return Rewritten(content, seen.plan, seen.family, None, seen.operators_before, seen.reports)

    def _keep(self, folder: Path, key: str, rewritten: Rewritten) -> None:
        others = [path for path in folder.glob("*.tflite") if not path.name.startswith(f"{key}.")]
        others.sort(key=lambda path: path.stat().st_mtime)
        forgotten = [path.with_suffix(".*").name for path in others[: max(0, len(others) + 1 - _MOST_KEPT)]]
        for pattern in (f"{key}.*", *forgotten):
            for outdated in folder.glob(pattern):
                outdated.unlink(missing_ok=True)
        written = _NOTES.dump_json(
            _Notes(rewritten.plan, rewritten.family, rewritten.operators_before, rewritten.reports)
        )
        model, notes = self._paths(folder, key)
        _write(model, rewritten.content)
        _write(notes, _digest(written, rewritten.content) + b"\n" + written)


def _not_kept(folder: Path, reason: str) -> None:
    _log.warning("rewritten models are not kept but made anew at each start", folder=str(folder), reason=reason)


def _digest(notes: bytes, content: bytes) -> bytes:
    """One checksum of both: a file that runs by the wrong plan may end the process."""
    return hashlib.sha256(notes + content).hexdigest().encode()


def _processor() -> str:
    """A short mark of what the processor can do, which decides the kernels that were proved."""
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # a sandbox hides it
        return "unknown"
    can = sorted({line for line in lines if line.startswith(("flags", "Features", "CPU part"))})
    return hashlib.sha256("\n".join(can).encode()).hexdigest()[:8]


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
