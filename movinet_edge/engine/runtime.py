"""Chooses what runs the model: LiteRT first, tflite-runtime where LiteRT has no wheel, or what the user forces."""

import importlib.metadata
import mmap
import re
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import structlog

from movinet_edge.api import ModelError
from movinet_edge.engine.gpu_library import why_not_compiled_model
from movinet_edge.engine.litert import LiteRTSession
from movinet_edge.engine.native_log import captured_native_log
from movinet_edge.engine.session import RuntimeInfo, Session
from movinet_edge.engine.tflite import InterpreterSession

RuntimeChoice: TypeAlias = Literal["auto", "litert", "tflite"]

_log = structlog.get_logger(__name__)
# An operator's custom name is stored as a plain string with its length before it and a zero behind it.
_FLEX = re.compile(rb"\x00(Flex[A-Z]\w{1,60})\x00")


class RuntimeMissing(ModelError):
    """No runtime of the wanted kind is installed, or it cannot be imported."""


def open_session(path: Path, choice: RuntimeChoice = "auto", threads: int = 1) -> Session:
    """Load a model file.

    Raises:
        RuntimeMissing: nothing is there to run it; the text says what to install.
        ModelError: the file cannot be used; the text says why.
    """
    check_threads(threads)
    check_file(path)
    session: Session
    try:
        if choice == "tflite":
            session = _tflite(path, threads)
        else:
            try:
                session = _litert(path, threads)
            except ImportError as error:
                if choice == "litert":
                    raise RuntimeMissing(
                        f"LiteRT cannot be imported ({error}); install it with: pip install ai-edge-litert"
                    ) from error
                session = _fallback(path, threads, error)
    except (RuntimeError, ValueError) as error:  # what both runtimes raise for a file that they cannot use
        raise ModelError(
            f"{path}: the runtime cannot load this model: {str(error).strip() or 'no reason given'}"
        ) from error
    warn_without_xnnpack(session.runtime)
    return session


def warn_without_xnnpack(info: RuntimeInfo) -> None:
    """Tell why everything is slow, where it is."""
    if info.xnnpack is False:
        _log.warning(
            "inference will be 5 to 12 times slower: XNNPACK is off",
            runtime=str(info),
            hint="a sandbox that hides /proc/cpuinfo does this; in a systemd unit remove ProcSubset=pid",
        )


def check_threads(threads: int) -> None:
    """Raise ModelError for a number of threads that cannot be."""
    if threads < 1:
        raise ModelError(f"threads must be at least 1, not {threads}")


def check_file(path: Path) -> None:
    """Raise ModelError for what no runtime can run, before one fails in its own words or only at the first frame."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
            if head[4:8] != b"TFL3":
                raise ModelError(f"{path}: not a TFLite model (its bytes 4 to 8 are not 'TFL3')")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                flex = sorted({name.decode() for name in _FLEX.findall(content)})
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror or error}") from error
    if flex:
        raise ModelError(
            f"{path}: the model needs {', '.join(flex)}, which only full TensorFlow has; export it again with "
            "TFLite built-in operators only (converter.target_spec.supported_ops = [TFLITE_BUILTINS])"
        )


def _litert(path: Path, threads: int) -> Session:
    reason = why_not_compiled_model()
    if reason is None:
        return LiteRTSession(str(path), threads)
    from ai_edge_litert.interpreter import Interpreter

    _log.warning("LiteRT's older interpreter runs the model, which takes a little longer", reason=reason)
    with captured_native_log():
        return InterpreterSession(
            Interpreter(model_path=str(path), num_threads=threads),
            name="LiteRT interpreter",
            version=importlib.metadata.version("ai-edge-litert"),
            threads=threads,
            file=str(path),
        )


def _fallback(path: Path, threads: int, litert_error: ImportError) -> InterpreterSession:
    try:
        session = _tflite(path, threads)
    except RuntimeMissing as error:
        raise RuntimeMissing(
            f"no runtime for TFLite models: LiteRT cannot be imported ({litert_error}); {error}. "
            "Install one with: pip install ai-edge-litert"
        ) from error
    _log.warning(
        "tflite-runtime was chosen because LiteRT is not there; expect 3 to 15 times the time per frame",
        litert=str(litert_error),
        hint="pip install ai-edge-litert (64-bit systems only)",
    )
    return session


def _tflite(path: Path, threads: int) -> InterpreterSession:
    if int(np.__version__.split(".")[0]) >= 2 and _installed("tflite-runtime"):
        raise RuntimeMissing(
            f"tflite-runtime does not work with numpy {np.__version__}; install 'numpy<2' beside it, or use LiteRT"
        )
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError as error:
        raise RuntimeMissing(f"tflite-runtime cannot be imported ({error})") from error
    version = importlib.metadata.version("tflite-runtime")
    with captured_native_log():
        return InterpreterSession(
            Interpreter(model_path=str(path), num_threads=threads),
            name="tflite-runtime",
            version=version,
            threads=threads,
            file=str(path),
        )


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
