"""Catches what the native runtime prints to standard error, which is loud while it loads and no logger of ours."""

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

# LiteRT and TFLite print `INFO: [file.cc:12] …`, Abseil `W0000 …`; continuation lines begin with a corner (in UTF-8).
# No looser than that: a traceback of another thread has indented lines, Python's logging prints `WARNING:name:…`.
_NATIVE = re.compile(rb"^((INFO|WARNING|ERROR|VERBOSE|FATAL): |[IWEF]\d{4} |\xe2\x94\x94)")
_one_at_a_time = threading.RLock()  # a caller may capture around what captures for itself


class NativeLog:
    """What was printed, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __contains__(self, text: str) -> bool:
        return any(text in line for line in self.lines)


@contextlib.contextmanager
def captured_native_log() -> Iterator[NativeLog]:
    """Collect the runtime's lines instead of printing them; lines of anybody else are passed on afterwards."""
    log = NativeLog()
    with _one_at_a_time, tempfile.TemporaryFile() as file:
        _flush()
        try:
            keep = os.dup(2)
        except OSError:  # standard error is closed, as a service manager may do; there is nothing to catch
            yield log
            return
        os.dup2(file.fileno(), 2)
        try:
            yield log
        finally:
            _flush()
            os.dup2(keep, 2)
            os.close(keep)
            file.seek(0)
            printed = file.read().splitlines()
            log.lines.extend(line.decode(errors="replace") for line in printed if _NATIVE.match(line))
            for line in printed:
                if not _NATIVE.match(line):
                    os.write(2, line + b"\n")


def _flush() -> None:
    if sys.stderr is not None:  # it is None in a process that was started without a standard error
        sys.stderr.flush()
