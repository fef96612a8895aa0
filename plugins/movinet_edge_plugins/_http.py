"""One HTTP(S) request with an answer: bounded in time and size, and never to where clouds keep their credentials.

Each request has a connection of its own: events are rare, and a connection that was kept open and died unnoticed
would leave open whether an event had arrived. Proxies are not used: a proxy resolves names by itself, so the address
that is connected to could not be checked.
"""

import base64
import io
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from movinet_edge.api import DeliveryError, DeliveryRejected

_MAX_REDIRECTS = 3
_MAX_ANSWER_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 200

# Metadata services outside the link-local ranges. Source: manuals of Alibaba Cloud (ECS), AWS (EC2) and Google Cloud.
_METADATA = (IPv4Address("100.100.100.200"), IPv6Address("fd00:ec2::254"), IPv6Address("fd20:ce::254"))

# Codes of OpenSSL's x509_vfy.h with what a person can do about them.
_CERTIFICATE_HINTS = {
    9: "is the clock of this machine right?",  # not yet valid
    10: "is the clock of this machine right?",  # has expired
    18: "for a server with a certificate of its own, name that in `ca_file`",  # self-signed
    19: "for an authority of your own, name its certificate in `ca_file`",  # self-signed in chain
    20: "for an authority of your own, name its certificate in `ca_file`",  # issuer not found
}


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A parsed http or https URL. As text it shows scheme and host alone, since many services have a secret after."""

    is_tls: bool
    host: str
    port: int
    target: str
    basic_authorization: str | None
    """Value of an Authorization header for the user and password in the URL."""

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Raises ValueError, with a text that does not repeat the URL."""
        if not url.isascii() or not url.isprintable() or {" ", "\\"} & set(url):
            raise ValueError("must be plain ASCII; write other characters percent-encoded, and host names in punycode")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            (host or "").encode("idna")
        except ValueError:  # its text may repeat what is secret
            raise ValueError("has no valid host or port; write for example https://example.org:8443/path") from None
        if parts.scheme not in ("http", "https"):
            raise ValueError("must begin with https:// or http://")
        if not host:
            raise ValueError("has no host; write for example https://example.org/path")
        is_tls = parts.scheme == "https"
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return cls(is_tls, host, port or (443 if is_tls else 80), target, _basic_authorization(parts))

    @property
    def authority(self) -> str:
        """Value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.is_tls else 'http'}://{self.authority}/…"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. Header values are bytes, since services take UTF-8 there, which `http.client` would not encode."""

    method: str
    headers: Mapping[str, bytes]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: 200 to 999.
        headers: with names that are compared without regard to case.
        text: beginning of the content in one line, or the status in words; without the path of the request.
    """

    status: int
    headers: HTTPMessage
    text: str


def is_forbidden(host: str) -> bool:
    """True for an IP address that nobody may send to: link-local ones and other metadata services."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_link_local or address in _METADATA


def exchange(address: Address, message: Message, *, tls: ssl.SSLContext, timeout_s: float) -> Answer:
    """Send and return the answer, whatever its status, after a few redirects on the same host.

    `timeout_s` bounds all of it together, only not the look-up of the name, which has time-outs of its own.

    Raises:
        DeliveryError: no answer, with the reason.
        DeliveryRejected: a redirect that is not followed, or a forbidden address.
    """
    deadline = _Deadline(timeout_s)
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            answer = _answer(address, message, tls, deadline)
        except (OSError, HTTPException) as error:
            raise DeliveryError(_explained(error, address, timeout_s)) from error
        if not 300 <= answer.status < 400 or "location" not in answer.headers:
            return answer
        address = _redirected(address, answer)
    raise DeliveryRejected(f"{address} redirects more than {_MAX_REDIRECTS} times; is it a loop?")


class _Deadline:
    def __init__(self, timeout_s: float) -> None:
        self._end_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


class _Reader(io.RawIOBase):
    """Reads a socket until the deadline, however many bytes come at a time."""

    def __init__(self, channel: socket.socket, deadline: _Deadline) -> None:
        self._channel, self._deadline = channel, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._channel.settimeout(self._deadline.left_s())
        return self._channel.recv_into(buffer)


class _Channel:
    """What `http.client` needs of a socket. A socket's own time-out begins anew at every byte; this one does not."""

    def __init__(self, channel: socket.socket, deadline: _Deadline) -> None:
        self._channel, self._deadline = channel, deadline

    def sendall(self, data: bytes) -> None:
        self._channel.settimeout(self._deadline.left_s())
        self._channel.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._channel, self._deadline))

    def close(self) -> None:
        """Whoever opened the socket closes it."""


def _answer(address: Address, message: Message, tls: ssl.SSLContext, deadline: _Deadline) -> Answer:
    with _connected(address, deadline) as plain:
        plain.settimeout(deadline.left_s())
        with tls.wrap_socket(plain, server_hostname=address.host) if address.is_tls else plain as channel:
            connection = HTTPConnection(address.host, address.port)
            connection.sock = _Channel(channel, deadline)
            headers = {"host": address.authority.encode(), "connection": b"close", **message.headers}
            connection.request(message.method, address.target, message.body, headers)
            with connection.getresponse() as response:
                content = _beginning(response)
                text = _line(content.decode("utf-8", "replace"), without=address.target) or _line(response.reason)
                return Answer(response.status, response.headers, text)


def _connected(address: Address, deadline: _Deadline) -> socket.socket:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    # A name may have a link-local address beside a good one (mDNS gives both), so these are passed over. What is
    # checked here is what is connected to: a name that resolves differently a moment later changes nothing.
    allowed = [entry for entry in found if not is_forbidden(str(entry[4][0]))]
    if not allowed:
        raise DeliveryRejected(
            f"{address} leads to {found[0][4][0]}, an address of a kind where clouds keep credentials; "
            "nothing is sent there"
        )
    failure = OSError("no address")
    for position, (family, kind, protocol, _, where) in enumerate(allowed):
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(deadline.left_s() / (len(allowed) - position))
            plain.connect(where)
            # Headers and body are two small packets; the second must not wait for the first's acknowledgement.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            plain.close()
            failure = error
        else:
            return plain
    raise failure


def _beginning(response: HTTPResponse) -> bytes:
    """As much of the content as comes; the status has decided already, so its loss is none."""
    content = b""
    with suppress(OSError, HTTPException):
        while len(content) < _MAX_ANSWER_BYTES and (piece := response.read1(_MAX_ANSWER_BYTES - len(content))):
            content += piece
    return content


def _line(text: str, *, without: str = "/") -> str:
    """Fit for a log: one line, short, nothing unprintable, and without the path, which some servers repeat."""
    if without != "/":
        text = text.replace(without, "/…")
    words = "".join(c if c.isprintable() else " " for c in text).split()
    return " ".join(words)[:_SHOWN_CHARACTERS]


def _redirected(address: Address, answer: Answer) -> Address:
    try:
        base = f"{'https' if address.is_tls else 'http'}://{address.authority}{address.target}"
        target = Address.parse(urljoin(base, answer.headers["location"]))
    except ValueError:  # its text may repeat what is secret
        raise DeliveryRejected(f"{address} redirects to something that is no http address") from None
    if answer.status not in (307, 308):
        raise DeliveryRejected(
            f"{address} redirects to {target} with status {answer.status}, after which the event would not be sent "
            "again; name the final address in `url`"
        )
    is_same = (target.is_tls, target.host, target.port) == (address.is_tls, address.host, address.port)
    is_upgrade = target.host == address.host and (address.port, target.port) == (80, 443) and target.is_tls
    if not (is_same or is_upgrade):
        raise DeliveryRejected(
            f"{address} redirects to {target}, another server, to which nothing is passed on; name it in `url` if it "
            "is the right one"
        )
    return target


def _explained(error: OSError | HTTPException, address: Address, timeout_s: float) -> str:
    match error:
        case ssl.SSLError():
            return _tls_explained(error, address)
        case socket.gaierror():
            return f"the name of {address} cannot be resolved (DNS): {error.strerror}"
        case TimeoutError():
            return f"{address} did not answer within {timeout_s:g} s"
        case ConnectionRefusedError():
            return f"{address} refused the connection; does the service run there, and on that port?"
        case HTTPException() | ConnectionError():
            return f"{address} broke the connection off or did not speak HTTP ({type(error).__name__})"
        case _:
            return f"{address} cannot be reached: {error.strerror or error}"


def _tls_explained(error: ssl.SSLError, address: Address) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = _CERTIFICATE_HINTS.get(error.verify_code)
        reason = f"{address} has a certificate that is not accepted: {error.verify_message.rstrip('.')}"
        return f"{reason}; {hint}" if hint else reason
    return f"{address} cannot be spoken to over TLS ({error.reason or error}); does it expect http://?"


def _basic_authorization(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    user_and_password = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(user_and_password.encode()).decode()}"
