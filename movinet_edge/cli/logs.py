"""How the daemon's log looks: readable on a terminal, JSON with the journal's priorities everywhere else."""

import json
import os
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

LogFormat = Literal["auto", "console", "json"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# Source: sd-daemon(3), "<N>" at the start of a line; N as in syslog(3).
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2, "exception": 3}

# Without the local variables, among which may be a password.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))

LEVEL_VARIABLE = "MOVINET_EDGE_LOG"
"""Environment variable that stands above the configured level."""


def configure_logging(level: str = "info", style: LogFormat = "auto") -> None:
    """Send all log lines to standard error.

    Args:
        level: debug, info, warning or error; `$MOVINET_EDGE_LOG` stands above it.
        style: auto is console on a terminal and json elsewhere.
    """
    wanted = os.environ.get(LEVEL_VARIABLE, "").strip().lower()
    readable = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer = _console() if readable else _journal_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
            *([] if readable else [_TRACEBACKS]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS.get(wanted, _LEVELS[level])),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _console() -> structlog.dev.ConsoleRenderer:
    colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def _journal_json(_logger: WrappedLogger, method: str, event: EventDict) -> str:
    return f"<{_PRIORITIES.get(method, 6)}>" + json.dumps(event, default=str, ensure_ascii=False)
