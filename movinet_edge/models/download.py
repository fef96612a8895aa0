"""Fetch one address into a partial file over HTTP(S): resumes, gives up on stalls, and says what went wrong.

What an interrupted transfer leaves in the partial folder is kept for the next attempt, together with the validator
(ETag or date) which tells the server whether the rest still belongs to it. Everything else is deleted.
"""

import hashlib
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, TypeAlias
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from movinet_edge import __version__
from movinet_edge.api import ModelError
from movinet_edge.models.connect import HttpHandler, HttpsHandler

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes of the whole, which is None where the server does not say."""

_CHUNK_BYTES = 1 << 16

# Slower than any line on which waiting makes sense: 3 MB would take most of an hour.
_MIN_BYTES_PER_S = 1024


class DownloadError(ModelError):
    """This address does not give the model; another one may."""


class TransferInterrupted(DownloadError):
    """The transfer broke off; what has arrived is kept where the server can resume."""


class ContentRejected(DownloadError):
    """What arrived is not the model; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much to accept.

    Attributes:
        stall_s: longest wait for a connection to a host, and for the next bytes.
        max_bytes: largest transfer, and largest content of an archive.
    """

    # As patient as common download tools; a healthy server answers in less than one.
    stall_s: float = 20.0
    # Several times the largest official streaming model (A2 float16), so that only a wrong file is ever refused.
    max_bytes: int = 200_000_000


class Partial:
    """What has arrived of one address, and the validator for the rest."""

    def __init__(self, folder: Path, name: str, url: str) -> None:
        self.data = folder / f"{name}.{hashlib.sha256(url.encode()).hexdigest()[:12]}"
        self._validator = self.data.with_name(f"{self.data.name}.validator")

    def resume_point(self) -> tuple[int, str]:
        """Bytes that need not be sent again, and the validator they were sent with; `(0, "")` to start anew."""
        try:
            return self.data.stat().st_size, self._validator.read_text(encoding="latin-1")
        except FileNotFoundError:
            return 0, ""

    def start_anew(self, validator: str) -> None:
        """Forget what is here; without a validator what comes cannot be resumed later."""
        self.discard()
        if validator:
            self._validator.write_text(validator, encoding="latin-1")

    def discard(self) -> None:
        """Leave nothing behind."""
        self._validator.unlink(missing_ok=True)
        self.data.unlink(missing_ok=True)


class _Redirects(HTTPRedirectHandler):
    """Follows a few redirects, over HTTP and HTTPS only and never from the safe to the unsafe one."""

    max_redirections = 5  # Kaggle and TensorFlow Hub take two or three

    def redirect_request(  # noqa: PLR0917 # urllib's signature
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        target = urlsplit(newurl).scheme
        if target not in ("http", "https") or (req.type == "https" and target == "http"):
            fp.close()
            raise DownloadError(f"it redirects from {req.type} to {target}, which is not safe to follow")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> OpenerDirector:
    # Without the handlers for files, FTP and data addresses which urllib's own opener brings along.
    opener = OpenerDirector()
    for handler in (
        ProxyHandler,
        UnknownHandler,
        HttpHandler,
        HttpsHandler,
        HTTPDefaultErrorHandler,
        _Redirects,
        HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def download(url: str, partial: Partial, limits: Limits, progress: Progress | None = None) -> None:
    """Bring `partial` to completion. Proxies are taken from the environment (`https_proxy`, `no_proxy`…).

    Raises:
        TransferInterrupted: the transfer broke off, and a later call may resume.
        DownloadError: the address cannot be reached, or refuses, or has too much to send.
        OSError: the partial file cannot be written.
    """
    offset, validator = partial.resume_point()
    try:
        response = _request(url, offset, validator, limits.stall_s)
    except HTTPError as error:
        error.close()
        if error.code == 416 and offset:  # the partial does not fit what is there now
            partial.discard()
            download(url, partial, limits, progress)
            return
        raise DownloadError(_refusal(error.code)) from error
    with response:
        if response.status == 206 and offset:
            start, total = _content_range(response)
            if start != offset:
                partial.discard()
                raise DownloadError(f"it sent bytes from {start} on when those from {offset} on were asked for")
        elif response.status == 200:
            offset, total = 0, _content_length(response)
            partial.start_anew(_validator(response))
        else:
            raise DownloadError(f"it answers in an unexpected way (HTTP {response.status})")
        _receive(response, partial, offset=offset, total=total, limits=limits, progress=progress)


def _request(url: str, offset: int, validator: str, stall_s: float) -> HTTPResponse:
    headers = {"User-Agent": f"movinet-edge/{__version__}", "Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
    request = Request(url, headers=headers)  # noqa: S310 # cards take http and https only, and so does the opener
    try:
        response: HTTPResponse = _opener().open(request, timeout=stall_s)
    except HTTPError:
        raise
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a redirect to an impossible host name
        raise DownloadError(_network_reason(error, stall_s)) from error
    return response


def _receive(
    response: HTTPResponse,
    partial: Partial,
    *,
    offset: int,
    total: int | None,
    limits: Limits,
    progress: Progress | None,
) -> None:
    if total is not None and total > limits.max_bytes:
        partial.discard()
        raise ContentRejected(f"it wants to send {total} bytes; no model is larger than {limits.max_bytes}")
    done, pace = offset, _Pace(limits.stall_s)
    with partial.data.open("ab") as file:
        while True:
            if progress is not None:
                progress(done, total)
            try:
                # read1 returns what is here; read would wait for a full chunk and lose it in a time-out
                chunk = response.read1(_CHUNK_BYTES)
            except (OSError, HTTPException) as error:
                raise TransferInterrupted(f"after {done} bytes: {_network_reason(error, limits.stall_s)}") from error
            if not chunk:
                break
            done += len(chunk)
            if done > limits.max_bytes:
                partial.discard()
                raise ContentRejected(f"it sent more than {limits.max_bytes} bytes; no model is that large")
            file.write(chunk)
            pace.add(len(chunk))
    if total is not None and done != total:
        raise TransferInterrupted(f"the connection ended after {done} of {total} bytes")


class _Pace:
    """Notices a server that sends just enough to never stall and would keep us for days."""

    def __init__(self, stall_s: float) -> None:
        self._window_s = 3 * stall_s
        self._since_s = time.monotonic()
        self._bytes = 0

    def add(self, count: int) -> None:
        self._bytes += count
        now_s = time.monotonic()
        if now_s - self._since_s < self._window_s:
            return
        if self._bytes < _MIN_BYTES_PER_S * (now_s - self._since_s):
            raise TransferInterrupted(f"it sends less than {_MIN_BYTES_PER_S} bytes per second")
        self._since_s, self._bytes = now_s, 0


def _validator(response: HTTPResponse) -> str:
    """What If-Range may carry: a strong ETag, else the date of the last change."""
    tag: str = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return str(response.headers.get("Last-Modified", ""))


def _content_length(response: HTTPResponse) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _content_range(response: HTTPResponse) -> tuple[int, int | None]:
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""), re.ASCII)
    if match is None:
        return -1, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _refusal(code: int) -> str:
    if 300 <= code < 400:
        return f"it redirects in circles or to nowhere (HTTP {code})"
    if code in (401, 403):
        return f"it refuses access (HTTP {code})"
    if code in (404, 410):
        return f"the file is not there any more (HTTP {code})"
    if code == 429 or code >= 500:
        return f"the server is in trouble or too busy (HTTP {code}); try again later"
    return f"the server refuses the request (HTTP {code})"


def _network_reason(error: Exception, stall_s: float) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    match cause:
        case socket.gaierror():
            return "the host's name cannot be resolved; is this machine online?"
        case TimeoutError():
            return f"no answer within {stall_s:g} s"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ssl.SSLCertVerificationError():
            return f"the server's certificate is not accepted ({cause.verify_message}); is this machine's clock right?"
        case ConnectionError():
            return "the connection was lost"
    return f"the connection failed ({str(cause) or type(cause).__name__})"
