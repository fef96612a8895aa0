"""The command line, which is also what systemd starts."""

import sys

# structlog loads rich as soon as it finds it, for coloured tracebacks that we do not print: 5 MB in a daemon. What
# shows tables and progress bars imports rich by itself.
if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog  # noqa: F401

    del sys.modules["rich"]
