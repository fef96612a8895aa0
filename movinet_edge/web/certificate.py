"""A certificate for the local network: of an authority of its own, which a phone can be told to trust."""

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=820)
"""Apple's devices refuse what is valid for longer than 825 days."""

_CLOCKS = timedelta(days=1)
"""A Raspberry Pi without a battery may be a little ahead of the phone."""


@dataclass(frozen=True, slots=True)
class Files:
    """What was made: PEM files."""

    certificate: Path
    key: Path
    authority: Path


def own_names() -> list[str]:
    """Names and addresses by which this machine is reached in its network, the most useful one first.

    That is an address, since many phones cannot look up the names of a home network.
    """
    host = socket.gethostname().partition(".")[0]
    return list(dict.fromkeys([*_addresses(), f"{host}.local", host, "localhost", "127.0.0.1"]))


def make_certificate(folder: Path, names: Sequence[str]) -> Files:
    """Make a certificate for these names and addresses; what is there already is replaced.

    The authority that signs it may sign for these names alone, and its key is thrown away: whoever gets hold of this
    machine cannot make certificates for other sites that the phone would trust.

    Raises:
        ValueError: a name cannot be one.
    """
    subjects = [_subject(name) for name in names]
    now = datetime.now(UTC)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _name(f"movinet-edge on {names[0]}")
    constraints = x509.NameConstraints([_allowed(subject) for subject in subjects], _forbidden(subjects))
    authority = (
        _builder(issuer, issuer, authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        # In words: a common name that could be a host's is held against the constraints too.
        _builder(_name(f"movinet-edge at {names[0]}"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    files = Files(folder / "server.crt", folder / "server.key", folder / "authority.crt")
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    pem = serialization.Encoding.PEM
    _write(
        files.key,
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        mode=0o600,
    )
    _write(files.certificate, certificate.public_bytes(pem) + authority.public_bytes(pem), mode=0o644)
    _write(files.authority, authority.public_bytes(pem), mode=0o644)
    return files


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now - _CLOCKS + VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _subject(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _allowed(subject: x509.GeneralName) -> x509.GeneralName:
    if isinstance(subject, x509.IPAddress):
        return x509.IPAddress(ipaddress.ip_network(str(subject.value)))
    return subject


def _forbidden(subjects: Sequence[x509.GeneralName]) -> list[x509.GeneralName] | None:
    """All of a kind of which nothing is allowed; what the constraints do not speak of would be allowed."""
    everything: list[x509.GeneralName] = []
    if not any(isinstance(subject, x509.DNSName) for subject in subjects):
        everything.append(x509.DNSName(""))
    if not any(isinstance(subject, x509.IPAddress) for subject in subjects):
        everything += [x509.IPAddress(ipaddress.ip_network(network)) for network in ("0.0.0.0/0", "::/0")]
    return everything or None


def _addresses() -> list[str]:
    """The addresses from which this machine would speak to the world, without sending anything."""
    found = []
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):  # reserved for examples
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.connect((far, 9))
                found.append(str(asking.getsockname()[0]))
        except OSError:
            continue
    return found


def _write(path: Path, data: bytes, *, mode: int) -> None:
    # Beside and renamed: a power cut leaves the old or the new; and nobody can read the key while it is written.
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
