"""Starts the page beside the daemon, if the configuration wants one; imports what it needs only then."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from movinet_edge.api import ConfigurationError, MovinetEdgeError
from movinet_edge.config import WebSettings

if TYPE_CHECKING:
    from movinet_edge.web.daemon import Daemon

_log = structlog.get_logger(__name__)

_NEEDED = ("aiohttp", "argon2", "prometheus_client")


def check_page(settings: WebSettings) -> None:
    """Is everything there that the page needs?

    Raises:
        ConfigurationError: no; the text says what to do.
    """
    if settings.enabled and not all(map(_is_there, _NEEDED)):
        raise ConfigurationError(
            "web: the page needs more packages; install them with: pip install 'movinet-edge[web]'"
        )
    for name, path in (("certificate", settings.certificate), ("key", settings.key)):
        if settings.enabled and path is not None and not path.is_file():
            raise ConfigurationError(f"web.{name}: there is no file {path}; `movinet-edge web cert` makes one")


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # somebody has put a stand-in, or nothing, into its place
        return False


@contextmanager
def page(settings: WebSettings, daemon: "Daemon") -> Iterator[None]:
    """Serve the page for so long. That it cannot be served is told, and costs nothing else: detection goes on."""
    server = None
    if settings.enabled:
        from movinet_edge.web.server import WebServer

        try:
            server = WebServer(settings, daemon)
        except MovinetEdgeError as error:
            _log.error("there is no page", reason=str(error))
    try:
        yield
    finally:
        if server is not None:
            server.close()
