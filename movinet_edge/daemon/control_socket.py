"""The control socket: one request and one answer per connection, both a line of JSON, over a Unix socket.

Who may use it is a matter of the file's mode and its folder's; whoever may, may do everything.
"""

import contextlib
import json
import os
import socket
import socketserver
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import structlog
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from movinet_edge.api import CommandRefused, MovinetEdgeError

_log = structlog.get_logger(__name__)

_LONGEST_REQUEST = 4096
_LONGEST_ANSWER = 16 << 20  # a status of hundreds of streams is some hundred kilobytes

_CLIENT_S = 5.0
"""A client that says nothing for so long is sent away."""

_ANSWER_S = 60.0
"""Reloading may load a model."""

# What the kernel's structure for the address of a Unix socket holds, and the 0 at its end.
_LONGEST_ADDRESS = 107


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Status(_Request):
    """How do you stand?"""

    command: Literal["status"] = "status"


class Reload(_Request):
    """Read the configuration again."""

    command: Literal["reload"] = "reload"


class Switch(_Request):
    """Switch a stream on or off."""

    command: Literal["switch"] = "switch"
    stream: str
    on: bool


class SetThreshold(_Request):
    """Set the score over which an action begins."""

    command: Literal["set"] = "set"
    stream: str
    action: str
    on: float


Request: TypeAlias = Annotated[Status | Reload | Switch | SetThreshold, Field(discriminator="command")]

_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


class NoDaemon(MovinetEdgeError):
    """Nobody answers at the socket."""


class ControlSocket:
    """Answers requests until it is closed. `answer` is called from many threads and may raise CommandRefused."""

    def __init__(self, path: Path, mode: int, answer: Callable[[Request], Any]) -> None:
        """Listen at `path`, with the file's mode.

        Raises:
            MovinetEdgeError: the socket cannot be made there.
        """
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _remove_stale(path)
            with _short(path) as address:
                self._server = _Server(address, _handler(answer))
            path.chmod(mode)
        except OSError as error:
            raise MovinetEdgeError(f"the control socket {path} cannot be made: {error.strerror or error}") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 3600.0}, name="control socket", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket. May come twice."""
        closing = threading.Thread(target=self._server.shutdown, daemon=True)
        closing.start()
        # Which wakes the server at once, instead of at the end of its poll interval or with the next client.
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        closing.join()
        self._server.server_close()
        with contextlib.suppress(OSError):
            self._path.unlink()


def ask(path: Path, request: Request) -> Any:
    """Send a request to the daemon that listens at `path`; its answer.

    Raises:
        NoDaemon: nobody listens there, or this user may not ask.
        CommandRefused: the daemon's own words.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection, _short(path) as address:
            connection.settimeout(_ANSWER_S)
            connection.connect(address)
            connection.sendall(request.model_dump_json().encode() + b"\n")
            with connection.makefile("rb") as file:
                answer = json.loads(file.readline(_LONGEST_ANSWER))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoDaemon(f"no movinet-edge runs here: nobody listens at {path}") from None
    except PermissionError:
        raise NoDaemon(f"{path} may not be used by this user; {_who_may(path)}") from None
    except (OSError, ValueError) as error:
        raise NoDaemon(f"the movinet-edge at {path} does not answer: {error}") from error
    if "error" in answer:
        raise CommandRefused(str(answer["error"]))
    return answer.get("ok")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        # Nobody else may connect before the file has the mode that was asked for.
        os.fchmod(self.socket.fileno(), 0o600)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 the signature of socketserver
        # A client that went away is no fault of the daemon's, and anything else costs that client its answer alone.
        _log.debug("control connection failed", exc_info=True)


def _handler(answer: Callable[[Request], Any]) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        timeout = _CLIENT_S

        def handle(self) -> None:
            line = self.rfile.readline(_LONGEST_REQUEST)
            if line:
                self.wfile.write(json.dumps(_answer(line, answer)).encode() + b"\n")

    return Handler


def _answer(line: bytes, answer: Callable[[Request], Any]) -> dict[str, Any]:
    try:
        return {"ok": answer(_REQUEST.validate_json(line))}
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return {"error": f"not a request that is understood: {where + ': ' if where else ''}{first['msg']}"}
    except CommandRefused as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001  # a fault of one request is no reason to stop
        _log.exception("a control request failed")
        return {"error": f"the daemon failed at it: {type(error).__name__}: {error}"}


def _remove_stale(path: Path) -> None:
    """What a killed daemon left behind; one that answers, or anything else of that name, stays."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise FileExistsError(17, "there is a file of that name which is not a socket")
    with socket.socket(socket.AF_UNIX) as knock, _short(path) as address:
        knock.settimeout(_CLIENT_S)
        if knock.connect_ex(address) == 0:
            raise OSError(98, "another movinet-edge listens there; give this one its own `control: socket:`")
    path.unlink()


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The path as an address that fits, however deep the folder is."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _who_may(path: Path) -> str:
    with contextlib.suppress(OSError, KeyError):  # where its folder is closed, its group would not help
        if path.stat().st_mode & stat.S_IWGRP:
            return f"be root, or a member of the socket's group: {path.group()}"
    return "be root, or the user who runs the daemon"
