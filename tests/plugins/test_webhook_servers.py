"""How the sink `webhook` fares with real servers: answers, time-outs, connections, redirects and TLS."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from event_receiver import Receiver, answer, failure, opened, raw, receiving, silence, trickle

from movinet_edge.api import ActionEvent, DeliveryError, DeliveryRejected
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins.webhook import WebhookSettings, WebhookSink

SHORT_S = 0.3  # for servers that never answer
PATIENCE_S = 20.0  # generous: only a test that fails waits so long


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def accepted(url: str) -> None:
    with opened(url) as sink:
        sink.deliver(example_event(seq=1))


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_accepted(self, server, status):
        server.habits = [answer(status, b"" if status == 204 else b"thanks")]
        accepted(server.url())

    @pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 599])
    def test_tried_again(self, server, status):
        server.habits = [answer(status, b"overloaded\r\n  just now")]
        error = failure(server.url("/hidden"), DeliveryError)
        assert str(error) == f"{server.url('/…')} answered with status {status}: overloaded just now"
        assert error.retry_after_s is None

    @pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 405, 410, 413, 422, 425, 600, 999])
    def test_rejected(self, server, status):
        server.habits = [answer(status, b"" if status == 304 else b"no\x00" + b"x" * 1000)]
        error = failure(server.url("/hidden"), DeliveryRejected)
        shown = "Not Modified" if status == 304 else f"no {'x' * 197}"
        assert str(error) == f"{server.url('/…')} answered with status {status}: {shown}"

    def test_does_not_repeat_the_path_that_the_server_repeats(self, server):
        server.habits = [answer(404, b"Cannot POST /bot1:token/sendMessage?key=1 here")]
        error = failure(server.url("/bot1:token/sendMessage?key=1"), DeliveryRejected)
        assert str(error).endswith("404: Cannot POST /… here")

    @pytest.mark.parametrize(
        ("value", "low_s", "high_s"),
        [
            ("120", 120.0, 120.0),
            ("0", 0.0, 0.0),
            ("in 1000 s", 900.0, 1000.0),
            ("Fri, 01 Jan 1999 00:00:00 GMT", 0.0, 0.0),
            ("Fri, 01 Jan 1999 00:00:00 -0000", 0.0, 0.0),
        ],
    )
    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after(self, server, value, low_s, high_s, status):
        if value == "in 1000 s":  # a date is written when the test runs, not when it is collected
            value = format_datetime(datetime.now(UTC) + timedelta(seconds=1000), usegmt=True)
        server.habits = [answer(status, Retry_After=value)]
        error = failure(server.url(), DeliveryError)
        assert low_s <= error.retry_after_s <= high_s

    @pytest.mark.parametrize("value", ["soon", "-5", "1.5", "9" * 400, "", "Fri, 99 Foo 1999"])
    def test_retry_after_that_makes_no_sense(self, server, value):
        server.habits = [answer(429, Retry_After=value)]
        assert failure(server.url(), DeliveryError).retry_after_s is None

    @pytest.mark.parametrize("status", [200, 404])
    def test_a_huge_one_is_not_read_to_its_end(self, server, status):
        """It would not fit the socket's buffers, so a server that can send all of it has a client that reads it."""
        sent = []

        def huge(handler) -> None:
            handler.wfile.write(b"HTTP/1.1 %d x\r\n\r\n" % status)
            for _ in range(1000):
                handler.wfile.write(b"x" * 100_000)
            sent.append("everything")

        server.habits = [huge]
        with opened(server.url()) as sink:
            if status == 200:
                sink.deliver(example_event(seq=1))
            else:
                with pytest.raises(DeliveryRejected, match=r"x{200}$"):
                    sink.deliver(example_event(seq=1))
        assert sent == []

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\x00\xff" * 50,
            b"HTTP/1.1",
            b"HTTP/1.1 2",
            b"220 smtp.example.org\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        ],
        ids=["nothing", "noise", "torn", "torn status", "another protocol", "many headers", "long header"],
    )
    def test_no_http(self, server, data):
        server.habits = [raw(data)]
        assert "broke the connection off or did not speak HTTP" in str(failure(server.url(), DeliveryError))

    @pytest.mark.parametrize(
        "cut", [b"Content-Length: 100\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\n64\r\nhalf"]
    )
    def test_the_status_counts_although_the_rest_is_lost(self, server, cut):
        server.habits = [raw(b"HTTP/1.1 200 OK\r\n" + cut), raw(b"HTTP/1.1 404 no\r\n" + cut)]
        accepted(server.url())
        failure(server.url(), DeliveryRejected)


class TestTimeouts:
    @pytest.mark.parametrize(
        "habit",
        [
            silence,
            trickle(b"HTTP/1.1 200 OK" * 10),
            trickle(b"X-A: b\r\n", begin=b"HTTP/1.1 200 OK\r\n"),
            trickle(b"HTTP/1.1 100 Continue\r\n\r\n"),
        ],
        ids=["silent", "trickling status", "trickling headers", "endless continue"],
    )
    def test_a_slow_server(self, server, habit):
        server.habits = [habit]
        began_s = time.monotonic()
        error = failure(server.url(), DeliveryError, timeout=SHORT_S)
        assert SHORT_S <= time.monotonic() - began_s < PATIENCE_S
        assert str(error) == f"{server.url('/…')} did not answer within 0.3 s"

    @pytest.mark.parametrize(
        ("status", "header"),
        [(200, b""), (404, b"Content-Length: 9999999\r\n"), (200, b"Transfer-Encoding: chunked\r\n")],
    )
    def test_a_trickling_content_changes_nothing(self, server, status, header):
        server.habits = [trickle(b"1\r\nx\r\n", begin=b"HTTP/1.1 %d x\r\n%s\r\n" % (status, header))]
        with opened(server.url(), timeout=1.0) as sink:  # long enough for the status, also on a busy machine
            if status == 200:
                sink.deliver(example_event(seq=1))
            else:
                with pytest.raises(DeliveryRejected):
                    sink.deliver(example_event(seq=1))

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_black_hole(self, scheme):
        with socket.create_server(("127.0.0.1", 0)) as hole:
            url = f"{scheme}://127.0.0.1:{hole.getsockname()[1]}"
            assert "did not answer within 0.3 s" in str(failure(url, DeliveryError, timeout=SHORT_S))


class TestConnections:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_refused(self, scheme):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        assert "refused the connection" in str(failure(f"{scheme}://127.0.0.1:{port}/hidden", DeliveryError))

    def test_a_name_that_does_not_exist(self):
        error = failure("https://user:hidden@no-such-host.invalid/hidden", DeliveryError)
        assert str(error).startswith("the name of https://no-such-host.invalid/… cannot be resolved (DNS): ")

    def test_every_address_of_a_name_is_tried(self, server):
        with opened(server.url(host="localhost")) as sink:  # often ::1 first, where nobody listens
            sink.deliver(example_event(seq=1))
        assert len(server.requests) == 1

    @pytest.mark.parametrize("host", ["2852039166", "0xa9.0xfe.0xa9.0xfe", "169.254.43518", "0251.0376.0251.0376"])
    def test_what_is_connected_to_is_what_is_checked(self, host):
        """These are no addresses to look at, but the resolver makes 169.254.169.254 of them, as of a rebound name."""
        error = failure(f"http://{host}/latest/meta-data/", DeliveryRejected, timeout=SHORT_S)
        assert "leads to 169.254.169.254" in str(error)

    def test_needs_to_be_open(self, server):
        sink = WebhookSink(WebhookSettings(url=server.url()))
        with pytest.raises(DeliveryError, match="not open"):
            sink.deliver(example_event())


class TestRedirects:
    @pytest.mark.parametrize("status", [307, 308])
    @pytest.mark.parametrize("hops", [1, 3])
    def test_on_the_same_host_are_followed_with_method_and_body(self, server, status, hops):
        locations = [server.url("/two?x=1"), "three", "//127.0.0.1:%d/four" % server.server_port][:hops]  # noqa: UP031
        server.habits = [answer(status, Location=location) for location in locations]
        with opened(server.url("/one"), method="PUT", secret="any text") as sink:  # noqa: S106
            sink.deliver(example_event(seq=1))
        assert [r.target for r in server.requests] == ["/one", "/two?x=1", "/three", "/four"][: hops + 1]
        assert {r.method for r in server.requests} == {"PUT"}
        assert {r.body for r in server.requests} == {example_event(seq=1).to_json().encode()}
        assert len({r.headers["webhook-id"] for r in server.requests}) == 1

    def test_a_loop_ends(self, server):
        server.habits = [answer(307, Location="/again")] * 10
        assert "more than 3 times" in str(failure(server.url(), DeliveryRejected))
        assert len(server.requests) == 4

    @pytest.mark.parametrize(
        ("location", "reason"),
        [
            ("http://localhost:{port}/hidden", "http://localhost:{port}/…, another server"),
            ("http://127.0.0.1:1/hidden", "http://127.0.0.1:1/…, another server"),
            ("https://127.0.0.1:{port}/hidden", "another server"),
            ("http://169.254.169.254/hidden", "another server"),
            ("file:///etc/passwd", "no http address"),
            ("http://[hidden/", "no http address"),
            ("/a b", "no http address"),
        ],
    )
    def test_elsewhere_are_refused(self, server, location, reason):
        server.habits = [answer(307, Location=location.format(port=server.server_port))]
        text = str(failure(server.url(), DeliveryRejected))
        assert reason.format(port=server.server_port) in text
        assert "hidden" not in text
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [301, 302, 303])
    def test_that_would_lose_the_event_are_refused(self, server, status):
        server.habits = [answer(status, Location="/elsewhere")]
        text = str(failure(server.url(), DeliveryRejected))
        assert f"with status {status}" in text
        assert "`url`" in text
        assert len(server.requests) == 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestTls:
    @pytest.fixture
    def ca_file(self, authority, tmp_path) -> Path:
        path = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(path)
        return path

    @pytest.fixture
    def secure(self, authority) -> Iterator[Callable[..., Receiver]]:
        """Start a server with a certificate for this name."""
        with ExitStack() as running:

            def start(name: str = "localhost", **options: datetime) -> Receiver:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                authority.issue_cert(name, **options).configure_cert(context)
                return running.enter_context(receiving(context))

            yield start

    def test_delivers(self, secure, ca_file):
        server = secure()
        with opened(server.url(host="localhost"), ca_file=ca_file) as sink:
            sink.deliver(example_event(seq=1))
            server.habits = [answer(307, Location="/two"), answer(200, b"x" * 1_000_000)]
            sink.deliver(example_event(seq=2))
        assert [ActionEvent.from_json(request.body).seq for request in server.requests] == [1, 2, 2]

    def test_an_unknown_authority(self, secure, tmp_path):
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        server = secure()
        for ca_file in (None, other):
            text = str(failure(server.url("/hidden", host="localhost"), DeliveryError, ca_file=ca_file))
            assert text.startswith(f"{server.url('/…', host='localhost')} has a certificate that is not accepted: ")
            assert "`ca_file`" in text
        assert server.requests == []

    def test_a_certificate_for_another_name(self, secure, ca_file):
        server = secure("other.example")
        for host, message in (("localhost", "Hostname mismatch"), ("127.0.0.1", "IP address mismatch")):
            text = str(failure(server.url(host=host), DeliveryError, ca_file=ca_file))
            assert message in text
            assert f"not valid for '{host}'" in text
        assert server.requests == []

    def test_an_expired_certificate(self, secure, ca_file):
        server = secure(not_after=datetime.now(UTC) - timedelta(days=1))
        text = str(failure(server.url(host="localhost"), DeliveryError, ca_file=ca_file))
        assert "expired" in text
        assert "clock" in text

    def test_a_server_that_speaks_http(self, server):
        text = str(failure(server.url().replace("http:", "https:"), DeliveryError))
        assert "does it expect http://?" in text

    def test_a_trickling_server(self, secure, ca_file):
        server = secure()
        server.habits = [trickle(b"HTTP/1.1 200 OK" * 10)]
        error = failure(server.url(host="localhost"), DeliveryError, ca_file=ca_file, timeout=SHORT_S)
        assert "did not answer within 0.3 s" in str(error)

    @pytest.mark.parametrize(
        ("make", "reason"),
        [
            (lambda path: path, r"cannot read .*authority: No such file"),
            (lambda path: path.write_text("no certificate"), r"authority holds no certificates in PEM form"),
        ],
    )
    def test_a_file_of_authorities_that_cannot_be_used(self, tmp_path, make, reason):
        path = tmp_path / "authority"
        make(path)
        with pytest.raises(DeliveryError, match=reason), opened("https://localhost/", ca_file=path):
            pass
