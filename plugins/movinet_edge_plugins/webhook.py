"""Sink `webhook`: each event in an HTTP request of its own, signed on request, in a form the service understands."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, Literal

import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from movinet_edge.api import ActionEvent, DeliveryError, DeliveryRejected, Duration, PluginSettings
from movinet_edge_plugins._event_template import EventTemplate
from movinet_edge_plugins._http import Address, Answer, Message, exchange, is_forbidden

_log = structlog.get_logger(__name__)

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# Ours to set: they frame the message, or say what another setting says.
_OWN_HEADERS = {"host", "connection", "content-length", "transfer-encoding", "content-type"}
_OWN_PREFIX = "webhook-"

_PRIVATE_SUFFIXES = (".local", ".lan", ".internal", ".home.arpa", ".localhost")

# What passes by waiting, beside every 5xx: the server gave up waiting, or has enough for now.
_PASSING = (408, 429)

_TOO_LARGE = 413


class WebhookSettings(PluginSettings):
    """Where to send events, in which form, and how to prove where they come from."""

    url: str = Field(repr=False, description="http(s) address; over http everybody on the way can read along")
    secret: SecretStr | None = Field(
        default=None,
        description="key for signatures as in the Standard Webhooks specification: whsec_ and base64, or any text",
    )
    headers: dict[str, str] = Field(
        default={}, repr=False, description="more headers; values may hold fields of the event as in {action}"
    )
    content_type: str = Field(default="application/json", description="type of the body")
    body: str | None = Field(
        default=None, description="text with fields of the event as in {action} or {score:.2f}; null: the event's JSON"
    )
    attach: Literal["none", "snapshot"] = Field(
        default="none",
        description="snapshot: events that have a picture are sent as a form (multipart/form-data) with the parts"
        " `event`, which is the body, and `snapshot`, a JPEG",
    )
    method: Literal["POST", "PUT"] = Field(default="POST", description="POST or PUT")
    timeout: Duration = Field(default=10.0, gt=0, description="longest time for one try, from connecting to the answer")
    ca_file: Path | None = Field(
        default=None, description="PEM file with the only authorities to trust; null: those of the system"
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if is_forbidden(Address.parse(url).host):
            raise ValueError("is an address of a kind where clouds keep credentials; nothing is sent there")
        return url

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            signing_key(secret.get_secret_value())
        return secret

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        seen: set[str] = set()
        for name, value in headers.items():
            lower = name.lower()
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name for a header")
            if lower in _OWN_HEADERS or lower.startswith(_OWN_PREFIX):
                hint = "; use `content_type`" if lower == "content-type" else ""
                raise ValueError(f"{name} cannot be set here{hint}")
            if lower in seen:
                raise ValueError(f"{name} is there twice")
            if not value.isprintable():
                raise ValueError(f"{name} must be one line without control characters")
            try:
                EventTemplate(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            seen.add(lower)
        return headers

    @field_validator("content_type")
    @classmethod
    def _check_content_type(cls, content_type: str) -> str:
        if not re.fullmatch(r"[\w.+-]+/[\w.+-]+(?:\s*;[ -~]*)?", content_type, re.ASCII):
            raise ValueError("is no content type; write for example text/plain or application/json")
        return content_type

    @field_validator("body")
    @classmethod
    def _check_body(cls, body: str | None, info: ValidationInfo) -> str | None:
        if body is not None and "content_type" in info.data:
            EventTemplate(body, is_json=_is_json(info.data["content_type"]))
        return body


class WebhookSink:
    """Sends events; one is accepted when the server answers with 2xx.

    What may pass (no connection, time-outs, 408, 429, 5xx) is tried again by the daemon, with the same `webhook-id`,
    so that a receiver can recognise what it has already. Any other answer is final.
    """

    Settings: ClassVar[type[BaseModel]] = WebhookSettings

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._address = Address.parse(settings.url)
        self._headers = {name: EventTemplate(value) for name, value in settings.headers.items()}
        self._body: EventTemplate | None = None
        if settings.body is not None:
            self._body = EventTemplate(settings.body, is_json=_is_json(settings.content_type))
        self._key = signing_key(settings.secret.get_secret_value()) if settings.secret else None
        self._tls: ssl.SSLContext | None = None

    def open(self) -> None:
        """Read the authorities to trust; raises DeliveryError when they cannot be."""
        self._tls = _tls_context(self._settings.ca_file)
        if not self._address.is_tls and not _is_private(self._address.host):
            _log.warning("webhook is not encrypted, everybody on the way can read events", url=str(self._address))

    def deliver(self, event: ActionEvent) -> None:
        """Send one event; raises DeliveryError for what may pass, DeliveryRejected for a final no."""
        if self._tls is None:
            raise DeliveryError(f"the sink for {self._address} is not open")
        picture = _picture(event) if self._settings.attach == "snapshot" else None
        answer = self._exchanged(event, picture, self._tls)
        if answer.status == _TOO_LARGE and picture is not None:
            _log.warning("webhook snapshot left out, it is too large for the server", url=str(self._address))
            answer = self._exchanged(event, None, self._tls)
        if 200 <= answer.status < 300:
            return
        text = f"{self._address} answered with status {answer.status}: {answer.text}"
        if answer.status in _PASSING or 500 <= answer.status < 600:
            raise DeliveryError(text, retry_after_s=_retry_after_s(answer))
        raise DeliveryRejected(text)

    def close(self) -> None:
        """Nothing stays open between events; twice does no harm."""
        self._tls = None

    def _exchanged(self, event: ActionEvent, picture: bytes | None, tls: ssl.SSLContext) -> Answer:
        return exchange(self._address, self._message(event, picture), tls=tls, timeout_s=self._settings.timeout)

    def _message(self, event: ActionEvent, picture: bytes | None) -> Message:
        body = (_as_json(event) if self._body is None else self._body.fill(event)).encode()
        content_type = self._settings.content_type
        if picture is not None:
            content_type, body = _form(content_type, body, picture)
        headers = {"user-agent": b"movinet-edge", "content-type": content_type.encode()}
        if self._address.basic_authorization:
            headers["authorization"] = self._address.basic_authorization.encode()
        for name, template in self._headers.items():
            # A line break within a label would end the header and begin another one.
            value = "".join(c if c.isprintable() else " " for c in template.fill(event))
            headers[name.lower()] = value.strip().encode()
        headers |= signature_headers(self._key, message_id(event), int(time.time()), body)
        return Message(self._settings.method, headers, body)


def signing_key(secret: str) -> bytes:
    """The key that a secret stands for; raises ValueError, without repeating it, when it is not fit."""
    if not secret.startswith("whsec_"):
        if not secret:
            raise ValueError("is empty; leave it out to send without a signature")
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("begins with whsec_ but goes on with something else than base64")
    return key


def message_id(event: ActionEvent) -> str:
    """The same at every try, and different for start, updates and stop of one occurrence.

    Without full stops, which separate the parts of what is signed. Source: Standard Webhooks, signature scheme.
    """
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{event.id}_{event.event_type}_{event.seq or 0}")


def signature_headers(key: bytes | None, identifier: str, timestamp_s: int, body: bytes) -> Mapping[str, bytes]:
    """The headers of the Standard Webhooks specification; without a key all but the signature."""
    headers = {"webhook-id": identifier.encode(), "webhook-timestamp": b"%d" % timestamp_s}
    if key is not None:
        signed = b".".join((*headers.values(), body))
        headers["webhook-signature"] = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    return headers


def _as_json(event: ActionEvent) -> str:
    """Without the paths of its picture and clip, which are of no use on another machine, and tell of this one."""
    return event.model_copy(update={"snapshot": None, "clip": None}).to_json()


def _picture(event: ActionEvent) -> bytes | None:
    if event.snapshot is None:
        return None
    try:
        return Path(event.snapshot).read_bytes()
    except OSError as error:  # the oldest are deleted in time, and the event matters more
        _log.debug("webhook snapshot not sent", event_id=event.id, error=error.strerror)
        return None


def _form(content_type: str, body: bytes, picture: bytes) -> tuple[str, bytes]:
    """A form with the event and its picture, and the form's content type. Source: RFC 7578."""
    boundary = secrets.token_hex(16)
    parts = (
        (f'name="event"\r\nContent-Type: {content_type}', body),
        ('name="snapshot"; filename="snapshot.jpg"\r\nContent-Type: image/jpeg', picture),
    )
    form = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    )
    return f"multipart/form-data; boundary={boundary}", form + f"--{boundary}--\r\n".encode()


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _is_private(host: str) -> bool:
    """True when requests stay in one's own network as far as the name tells."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_SUFFIXES)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise DeliveryError(f"{ca_file} holds no certificates in PEM form ({error.reason or error})") from error
    except OSError as error:
        raise DeliveryError(f"cannot read {ca_file}: {error.strerror}") from error


def _retry_after_s(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
