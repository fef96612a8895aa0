"""The certificate of `web cert`: a TLS server with it, and what a client says that trusts its authority."""

import re
import ssl
import stat
import subprocess
import sys

import pytest
from cryptography import x509
from page import CONTROL, Visitor

from movinet_edge.web.certificate import VALID, make_certificate, own_names


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), ["localhost", "127.0.0.1", "porch.local", "fd00::2"])


def web(*arguments, typed="", folder=None):
    command = [sys.executable, "-m", "movinet_edge.cli", "web", *map(str, arguments)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, cwd=folder, timeout=60, check=False)


def test_the_key_is_its_owners_alone_and_nothing_else_is_left(files):
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert {path.name for path in files.key.parent.iterdir()} == {"server.crt", "server.key", "authority.crt"}


@pytest.mark.parametrize(
    ("name", "fits"), [("localhost", True), ("127.0.0.1", True), ("porch.local", True), ("other.local", False)]
)
def test_the_certificate_is_for_its_names_alone(files, name, fits):
    assert_fits(files, name, fits=fits)


@pytest.mark.parametrize("name", ["192.168.1.20", "porch.local"])
def test_a_certificate_for_names_of_one_kind(tmp_path, name):
    files = make_certificate(tmp_path, [name])
    assert_fits(files, name, fits=True)
    constraints = extension(files.authority, x509.NameConstraints)
    kinds = {type(subject) for subject in (*constraints.permitted_subtrees, *constraints.excluded_subtrees)}
    assert kinds == {x509.DNSName, x509.IPAddress}, "what is not spoken of would be allowed"


def extension(path, kind):
    return x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(kind).value


def assert_fits(files, name, *, fits):
    trusting = ssl.create_default_context(cafile=str(files.authority))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files.certificate, files.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)

    def shake():
        for _ in range(5):
            for side in (client, server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        return True

    if fits:
        assert shake()
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            shake()


def test_the_authority_can_vouch_for_nothing_else(files):
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert "porch.local" in str(constraints.value)
    assert authority.not_valid_after_utc - authority.not_valid_before_utc == VALID


def test_the_page_over_tls(start, hashes, files):
    daemon = start(**hashes, certificate=str(files.certificate), key=str(files.key))
    assert daemon.url.startswith("https://localhost:")
    with Visitor(daemon.url, tls=ssl.create_default_context(cafile=str(files.authority))) as visitor:
        answer = visitor.post("/api/login", {"password": CONTROL})
        assert "; Secure" in answer.headers["Set-Cookie"]
        with visitor.socket("/api/live") as live:
            live.of_type("status")


def test_own_names_begin_with_an_address_or_a_name_that_others_know():
    names = own_names()
    assert names[0] not in ("localhost", "127.0.0.1")
    assert {"localhost", "127.0.0.1"} < set(names)


def test_cert_says_what_to_do_and_shows_the_address(tmp_path):
    done = web("cert", "--out", tmp_path / "tls", "--name", "192.168.1.20", "--name", "edge.example.net")
    assert (done.returncode, done.stderr) == (0, "")
    assert "https://192.168.1.20:8470/camera" in done.stdout
    assert "control_password" in done.stdout
    assert "▄" in done.stdout
    again = web("cert", "--out", tmp_path / "tls")
    assert again.returncode == 1
    assert "--force" in again.stderr


def test_a_name_that_cannot_be_one_is_refused(tmp_path):
    done = web("cert", "--out", tmp_path / "tls", "--name", "küche.local")
    assert done.returncode == 1
    assert "küche.local" in done.stderr
    assert not (tmp_path / "tls").exists()


@pytest.mark.parametrize(("typed", "code"), [("long enough\n", 0), ("short\n", 1), ("", 1)])
def test_password_prints_a_hash(typed, code):
    done = web("password", typed=typed)
    assert done.returncode == code, done.stderr
    assert bool(re.fullmatch(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$\S+\n", done.stdout)) is (code == 0)
    assert "Traceback" not in done.stderr
