"""Where the broker of the `mqtt` sink is, how to log in, and what goes wrong with it, in words for people."""

import hashlib
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from movinet_edge.api import DeliveryError

# OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
_WRONG_NAME = (62, 64)

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_WRONG_TIME = (9, 10)

_REFUSALS = {
    0x84: "it does not speak this version of MQTT; try `protocol: 3.1.1`",
    0x85: "it does not accept the client id",
    0x86: "`user` or `password` is wrong",
    0x87: "it does not let this user in; `user` or `password` is wrong or missing, or the user may not connect",
    0x8A: "this client is banned",
}
"""By reason codes of MQTT 5, which paho also gives for 3.1.1."""

_LOSSES = {
    0x8B: "it is shutting down",
    0x8D: "it has not heard of us for too long",
    0x8E: "another client connected with the same client id, so this one was thrown out",
    0x95: "a message was larger than it allows",
}


@dataclass(frozen=True, slots=True)
class Tls:
    """What to trust and how to prove who we are; None: the system's authorities, no proof."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker and the way to it. `timeout_s` is the longest wait for any one answer."""

    host: str
    port: int
    is_v5: bool
    websocket_path: str | None
    tls: Tls | None
    user: str | None
    password: str | None = field(repr=False)
    keepalive_s: float
    timeout_s: float

    def __str__(self) -> str:
        """For messages: without the login."""
        return f"the broker {self.host}:{self.port}"


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho does not do."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Raises DeliveryError when a file cannot be read or is not what it should be."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except ssl.SSLError as error:
        raise DeliveryError(f"{tls.ca} holds no certificates in PEM form ({_text(error)})") from error
    except OSError as error:
        raise DeliveryError(f"cannot read {tls.ca}: {error.strerror}") from error
    context.sslsocket_class = _TidySocket
    if tls.certificate is not None:
        where = f"{tls.certificate}" if tls.key is None else f"{tls.certificate} with {tls.key}"
        try:
            # An empty password instead of a question on the terminal, where nobody answers.
            context.load_cert_chain(tls.certificate, tls.key, password="")
        except ssl.SSLError as error:
            reason = error.reason or error
            raise DeliveryError(
                f"{where} are no certificate and key that fit, without a password ({reason})"
            ) from error
        except OSError as error:
            raise DeliveryError(f"cannot read {where}: {error.strerror}") from error
    return context


def presented_certificate(broker: Broker) -> str:
    """What the broker shows as its certificate, for somebody who wonders why it is not accepted; "" when unknown.

    Nothing is sent over this connection.
    """
    trusting = tls_context(broker.tls or Tls())
    trusting.check_hostname = False
    for verify_mode in (ssl.CERT_REQUIRED, ssl.CERT_NONE):  # the names are only told of a certificate that is trusted
        trusting.verify_mode = verify_mode
        try:
            with (
                socket.create_connection((broker.host, broker.port), broker.timeout_s) as plain,
                trusting.wrap_socket(plain, server_hostname=broker.host) as secured,
            ):
                trusted: Any = secured.getpeercert() or {}
                names = [name for _, name in trusted.get("subjectAltName", ())]
                fingerprint = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
        except OSError:
            continue
        return f"its certificate has the SHA-256 {fingerprint}" + (f" and is for {', '.join(names)}" if names else "")
    return ""


def connection_problem(broker: Broker, error: Exception) -> str:
    """Why there is no connection."""
    match error:
        case DeliveryError():
            text = str(error)
        case socket.gaierror() | UnicodeError():
            text = f"there is no host {broker.host!r} that could be the broker ({_text(error)})"
        case ConnectionRefusedError():
            text = f"nothing listens where {broker} should be (connection refused)"
        case ssl.SSLCertVerificationError():
            text = _certificate_problem(broker, error)
        case ssl.SSLError() | ConnectionResetError() if broker.tls is not None:
            text = f"{broker} does not answer with TLS ({_text(error)}); is {broker.port} its port for TLS?"
        case TimeoutError():
            text = f"{broker} does not answer within {broker.timeout_s:g} s"
        case _:
            text = f"cannot connect to {broker}: {_text(error)}"
    return text


def _certificate_problem(broker: Broker, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _WRONG_NAME:
        return f"the certificate of {broker} is for another name than {broker.host!r}; set `host` to a name in it"
    if error.verify_code in _WRONG_TIME:
        hint = "; is the clock of this machine right?"
    elif broker.tls is None or broker.tls.ca:
        hint = ""
    else:
        hint = "; set `tls: {ca: FILE}` if it has an authority of its own"
    return f"the certificate of {broker} is not trusted ({error.verify_message}){hint}"


def explain_silence(broker: Broker) -> str:
    """Why a connection ends without an answer."""
    if broker.tls is None:
        hint = "does it expect TLS?"
    elif broker.tls.certificate is None:
        hint = "does it expect a certificate of this client, `tls: {certificate: FILE, key: FILE}`?"
    else:
        hint = f"does it trust {broker.tls.certificate}?"
    return f"{broker} ends the connection before it answers; {hint}"


def explain_refusal(broker: Broker, code: int, text: str) -> str:
    """Why the broker refuses us after it was reached."""
    return f"{broker} refuses the connection: {_REFUSALS.get(code, text)}"


def explain_loss(broker: Broker, code: int, text: str, *, by_broker: bool) -> str:
    """Why a connection that was there is gone."""
    if by_broker:
        return f"{broker} has ended the connection" + (f": {_LOSSES.get(code, text)}" if code else "")
    if code == 0x8D:
        return f"{broker} gave no sign of life for too long"
    if code == 0x82:
        return f"the connection to {broker} is lost: its answer broke the protocol, as to a message over its limit"
    return f"the connection to {broker} is lost"


def _text(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
