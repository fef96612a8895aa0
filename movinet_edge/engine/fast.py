"""Opens a model the fast way: rewritten, proved beside the untouched file, and kept; the untouched file otherwise."""

import contextlib
import ctypes
import gc
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from movinet_edge.api import ModelError
from movinet_edge.engine.interface import ModelInterface
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.runtime import RuntimeChoice, check_file, check_threads, open_session, warn_without_xnnpack
from movinet_edge.engine.session import Session, SessionStream
from movinet_edge.engine.tflite import InterpreterSession

if TYPE_CHECKING:
    from movinet_edge.engine.rewrite import Proof, RewriteCache, Rewritten

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FastPath:
    """Whether a rewritten file runs in the place of the given one.

    Attributes:
        used: it does.
        reason: why it does not; empty where it does.
        refused: it was tried and could not be used, which the log has told.
    """

    used: bool
    reason: str = ""
    refused: bool = False


OFF = FastPath(used=False, reason="switched off")


def open_fastest(
    path: Path, choice: RuntimeChoice = "auto", threads: int = 1, *, fast: bool = True, cache: Path | None = None
) -> tuple[Session, FastPath]:
    """Load a model file, rewritten where that is possible.

    Args:
        path: the model.
        choice: `tflite` runs the file as it is.
        threads: for one inference.
        fast: False runs the file as it is.
        cache: folder for rewritten files; None makes them anew at each start.

    Raises:
        RuntimeMissing: nothing is there to run it.
        ModelError: the file cannot be used, rewritten or not.
    """
    if not fast:
        return open_session(path, choice, threads), OFF
    if choice == "tflite":
        reason = "tflite-runtime runs files as they are"
        return open_session(path, choice, threads), FastPath(used=False, reason=reason)
    try:
        check_threads(threads)
        check_file(path)
        session = _rewritten(path, threads, cache)
    # Whatever is wrong with a rewriting must not stop a daemon that runs well without it.
    except Exception as error:  # noqa: BLE001
        plain = open_session(path, choice, threads)  # first of all, as it may say that the file is no model
        reason = _sentence(error)
        if plain.runtime.name == "tflite-runtime":  # LiteRT is not there, and open_session has said so
            return plain, FastPath(used=False, reason=reason)
        _log.warning("the model runs as it is, not rewritten for speed", model=str(path), reason=reason)
        return plain, FastPath(used=False, reason=reason, refused=True)
    give_memory_back()
    warn_without_xnnpack(session.runtime)
    return session, FastPath(used=True)


def _rewritten(path: Path, threads: int, cache: Path | None) -> Session:
    from movinet_edge.engine.rewrite import hosted_session, read_signature

    content = path.read_bytes()
    interface = read_signature(content)
    found = kept_in(cache).optimised(content, lambda made: prove(content, made, interface))
    return hosted_session(found, interface, threads)


def kept_in(folder: Path | None) -> "RewriteCache":
    """The cache of files that the runtime of this machine has proved."""
    from movinet_edge.engine.rewrite import RewriteCache

    return RewriteCache(folder, f"LiteRT {importlib.metadata.version('ai-edge-litert')}")


def prove(content: bytes, rewritten: "Rewritten", interface: ModelInterface) -> "Proof":
    """Run the self-test; raises RewriteRefused when the rewritten file is too far from the untouched one."""
    from movinet_edge.engine.rewrite import hosted_session, self_test

    reference = rewritten.reference
    # Not around the test itself: it takes seconds on small machines, in which others may have something to say.
    with captured_native_log():
        streams = (
            SessionStream(_as_it_is(content)),
            None if reference is None else SessionStream(_as_it_is(reference)),
            SessionStream(hosted_session(rewritten, interface)),
        )
    return self_test(*streams, rewritten.family)


def _as_it_is(content: bytes) -> InterpreterSession:
    """An untouched file in the interpreter, which takes it from memory and is there on every processor."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    return InterpreterSession(interpreter, name="LiteRT interpreter", version="", threads=1, file="the file")


def give_memory_back() -> None:
    """What a self-test took and left, 20 MB for A0, glibc would keep for as long as the process lives."""
    gc.collect()  # a session and the stream that ran last know each other
    with contextlib.suppress(AttributeError, OSError):  # other C libraries have no such call
        ctypes.CDLL(None).malloc_trim(0)


def _sentence(error: Exception) -> str:
    from movinet_edge.engine.rewrite import RewriteRefused

    known = isinstance(error, RewriteRefused | ModelError)
    return str(error) if known else f"{type(error).__name__}: {error}"
