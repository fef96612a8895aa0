"""Sink `webhook` against a real server: contract, settings, requests, signatures, the outbox, the examples."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path

import pytest
import yaml
from event_receiver import Receiver, Request, answer, opened, raw, receiving
from pydantic import ValidationError
from structlog.testing import capture_logs

from movinet_edge.api import ActionEvent, EventType
from movinet_edge.delivery import Backoff, DeliveryWorker, Outbox
from movinet_edge.testing.sinks import SinkContract, example_event
from movinet_edge_plugins._http import Address
from movinet_edge_plugins.webhook import WebhookSettings, WebhookSink, message_id, signature_headers, signing_key

EXAMPLES = Path(__file__).resolve().parents[2] / "config" / "webhook.yaml"
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
PATIENCE_S = 20.0  # generous: only a test that fails waits so long


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def delivered(server: Receiver, event: ActionEvent, **settings: object) -> Request:
    with opened(server.url(), **settings) as sink:
        sink.deliver(event)
    return server.requests[-1]


class TestWebhookSinkContract(SinkContract):
    sink_type = WebhookSink

    @pytest.fixture(autouse=True)
    def _with_server(self, server):
        self.server = server

    def settings(self):
        return {"url": self.server.url("/events"), "secret": SECRET}

    def check_accepted(self, events: Sequence[ActionEvent]):
        assert [ActionEvent.from_json(request.body) for request in self.server.requests] == list(events)


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "where", "reason"),
        [
            ({"url": "ftp://example.org/"}, "url", "https://"),
            ({"url": "example.org/hook"}, "url", "https://"),
            ({"url": "https:///hook"}, "url", "no host"),
            ({"url": "https://example.org:port/"}, "url", "host or port"),
            ({"url": "https://example.org:99999/"}, "url", "host or port"),
            ({"url": "https://[::1/"}, "url", "host or port"),
            ({"url": f"https://{'a' * 64}.org/"}, "url", "host or port"),
            ({"url": "https://exa mple.org/"}, "url", "ASCII"),
            ({"url": "https://example.org/a\r\nX: y"}, "url", "ASCII"),
            ({"url": "https://example.org\\@other.org/"}, "url", "ASCII"),
            ({"url": "https://bücher.example/"}, "url", "punycode"),
            ({"url": "http://169.254.169.254/latest/meta-data/"}, "url", "credentials"),
            ({"url": "http://[fe80::1]/"}, "url", "credentials"),
            ({"url": "http://[::ffff:169.254.169.254]/"}, "url", "credentials"),
            ({"url": "http://100.100.100.200/"}, "url", "credentials"),
            ({"url": "http://[fd00:ec2::254]/"}, "url", "credentials"),
            ({"url": "http://[fd20:ce::254]/"}, "url", "credentials"),
            ({"secret": ""}, "secret", "empty"),
            ({"secret": "whsec_not base64!"}, "secret", "base64"),
            ({"secret": "whsec_"}, "secret", "base64"),
            ({"headers": {"X Y": "1"}}, "headers", "no name"),
            ({"headers": {"X:Y": "1"}}, "headers", "no name"),
            ({"headers": {"X\r\nY": "1"}}, "headers", "no name"),
            ({"headers": {"": "1"}}, "headers", "no name"),
            ({"headers": {"X": "1\r\nY: 2"}}, "headers", "one line"),
            ({"headers": {"X": "1", "x": "2"}}, "headers", "twice"),
            ({"headers": {"Content-Type": "text/plain"}}, "headers", "content_type"),
            ({"headers": {"HOST": "example.org"}}, "headers", "cannot be set"),
            ({"headers": {"Webhook-Id": "1"}}, "headers", "cannot be set"),
            ({"headers": {"Title": "{acton}"}}, "headers", "Title: {acton}.*{action}"),
            ({"content_type": "json"}, "content_type", "text/plain"),
            ({"content_type": "text/plain\r\nX: y"}, "content_type", "text/plain"),
            ({"content_type": "text/plain;\r\nX: y"}, "content_type", "text/plain"),
            ({"body": "{acton}"}, "body", "did you mean {action}"),
            ({"body": '{"text": {action}'}, "body", "not JSON"),
            ({"method": "GET"}, "method", "POST"),
            ({"timeout": 0}, "timeout", "greater"),
            ({"timeout": "soon"}, "timeout", "duration"),
            ({"verify_tls": False}, "verify_tls", ""),
        ],
    )
    def test_bad_ones_are_named_with_the_reason(self, settings, where, reason):
        with pytest.raises(ValidationError) as caught:
            WebhookSettings(**({"url": "https://example.org/"} | settings))
        [error] = caught.value.errors()
        assert error["loc"][0] == where
        assert re.search(reason, error["msg"], re.DOTALL)

    def test_what_is_secret_is_never_shown(self):
        settings = WebhookSettings(
            url="https://user:hidden1@example.org/hidden2?key=hidden3",
            secret="hidden4",  # noqa: S106
            headers={"Authorization": "Bearer hidden5"},
        )
        assert "hidden" not in repr(settings)
        assert "hidden" not in str(settings)
        for bad in ({"url": "https://user:hidden@[x/"}, {"url": "https://a:hidden/"}, {"secret": "whsec_hidden!"}):
            with pytest.raises(ValidationError) as caught:
                WebhookSettings(**({"url": "https://example.org/"} | bad))
            assert "hidden" not in caught.value.errors()[0]["msg"]

    @pytest.mark.parametrize(
        ("url", "warned"),
        [
            ("http://example.org/", True),
            ("http://8.8.8.8/", True),
            ("http://[2001:4860:4860::8888]/", True),
            ("https://example.org/", False),
            ("http://192.168.1.5:8123/", False),
            ("http://127.0.0.1/", False),
            ("http://[::1]/", False),
            ("http://localhost:8123/", False),
            ("http://homeassistant.local:8123/", False),
        ],
    )
    def test_sending_over_the_internet_in_the_open_is_warned_about_once(self, url, warned):
        with capture_logs() as logs, opened(f"{url}hidden"):
            pass
        assert [log["log_level"] for log in logs] == ["warning"] * warned
        assert "hidden" not in str(logs)


class TestRequest:
    def test_by_default_is_the_event_as_json(self, server):
        event = example_event(EventType.STOP, seq=7, action="手を振る")
        with opened(server.url("/a/b?c=d%20e#f")) as sink:
            # The paths of a picture and a clip are nothing for others.
            sink.deliver(event.model_copy(update={"snapshot": "/home/kim/1.jpg", "clip": "/home/kim/1.mp4"}))
        [request] = server.requests
        assert (request.method, request.target) == ("POST", "/a/b?c=d%20e")
        assert request.body == event.to_json().encode()
        assert request.header("content-type") == "application/json"
        assert request.header("host") == f"127.0.0.1:{server.server_port}"
        assert request.header("webhook-signature") is None
        assert request.headers.get_all("host") == [request.header("host")]

    @pytest.mark.parametrize("body", [None, '"someone is {action}"'], ids=["json", "own body"])
    def test_with_its_picture_in_a_form(self, server, tmp_path, body):
        picture = tmp_path / "peak.jpg"
        picture.write_bytes(b"\xff\xd8 a JPEG \r\n--\xff\xd9")
        event = example_event(EventType.STOP, seq=7, snapshot=str(picture))
        key = b"a key"
        request = delivered(server, event, attach="snapshot", body=body, secret=key.decode())
        kind = request.header("content-type")
        assert kind.startswith("multipart/form-data; boundary=")
        form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body, policy=HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        assert list(parts) == ["event", "snapshot"]
        plain = event.model_copy(update={"snapshot": None})
        assert parts["event"].get_payload(decode=True).decode() == (body and '"someone is waving"') or plain.to_json()
        assert parts["event"].get_content_type() == "application/json"
        assert parts["snapshot"].get_content_type() == "image/jpeg"
        assert parts["snapshot"].get_filename() == "snapshot.jpg"
        assert picture.read_bytes() in request.body
        identifier, stamp = request.header("webhook-id"), int(request.header("webhook-timestamp"))
        signed = signature_headers(key, identifier, stamp, request.body)["webhook-signature"]
        assert request.header("webhook-signature") == signed.decode()

    def test_a_picture_that_is_too_large_costs_the_picture_alone(self, server, tmp_path):
        picture = tmp_path / "peak.jpg"
        picture.write_bytes(b"large")
        server.habits = [answer(413), answer(200)]
        event = example_event(seq=7)
        delivered(server, event.model_copy(update={"snapshot": str(picture)}), attach="snapshot")
        first, second = server.requests
        assert b"large" in first.body
        assert second.body == event.to_json().encode()
        assert first.header("webhook-id") == second.header("webhook-id")

    @pytest.mark.parametrize("snapshot", [None, "/no/such/picture.jpg"])
    def test_without_a_picture_there_is_no_form(self, server, snapshot):
        request = delivered(server, example_event(seq=7, snapshot=snapshot), attach="snapshot")
        assert request.header("content-type") == "application/json"
        assert request.body == example_event(seq=7).to_json().encode()

    def test_in_a_form_of_ones_own(self, server):
        request = delivered(
            server,
            example_event(stream="Küche", seq=1),
            method="PUT",
            content_type="text/plain; charset=utf-8",
            headers={"Title": "{stream}: {action}", "user-agent": "mine"},
            body="{action} ({score:.0%})",
        )
        assert (request.method, request.body) == ("PUT", b"waving (74%)")
        assert request.header("content-type") == "text/plain; charset=utf-8"
        assert request.header("title") == "Küche: waving"
        assert request.headers.get_all("user-agent") == ["mine"]

    @pytest.mark.parametrize(
        "nasty", ["a\r\nInjected: 1", "a\nInjected: 1", "a\rInjected: 1", "a\x00\u2028\x85b", "\t"]
    )
    def test_an_event_cannot_add_headers(self, server, nasty):
        request = delivered(server, example_event(action=nasty, seq=1), headers={"Title": "{action}"})
        assert request.header("injected") is None
        assert request.header("title") == "".join(c if c.isprintable() else " " for c in nasty).strip()

    @pytest.mark.parametrize(
        ("headers", "expected"), [({}, "Basic dXNlcjpw4pyTQHNz"), ({"AUTHORIZATION": "Bearer t"}, "Bearer t")]
    )
    def test_user_and_password_of_the_address(self, server, headers, expected):
        with opened(server.url().replace("//", "//user:p%E2%9C%93%40ss@"), headers=headers) as sink:
            sink.deliver(example_event(seq=1))
        assert server.requests[0].headers.get_all("authorization") == [expected]

    def test_uses_no_proxy(self, server, monkeypatch):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1/")
        assert delivered(server, example_event(seq=1)).target == "/"


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.org", "example.org"),
        ("https://example.org:443/a", "example.org"),
        ("http://example.org:443/a", "example.org:443"),
        ("http://user:pass@EXAMPLE.org:80?key=1", "example.org"),
        ("https://[2001:db8::1]/a", "[2001:db8::1]"),
        ("http://[2001:db8::1]:8080/a", "[2001:db8::1]:8080"),
    ],
)
def test_an_address_as_servers_and_people_see_it(url, authority):
    address = Address.parse(url)
    assert address.authority == authority
    assert str(address) == f"{url.partition('://')[0]}://{authority}/…"


class TestSignature:
    @pytest.mark.parametrize(
        ("secret", "key"), [(SECRET, bytes(range(24))), ("plain words ✓", "plain words ✓".encode())]
    )
    @pytest.mark.parametrize("body", [None, '{"text": "{action}"}'])
    def test_verifies(self, server, secret, key, body):
        before_s = int(time.time())
        request = delivered(server, example_event(action="手", seq=3), secret=secret, body=body)
        identifier, timestamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        assert before_s <= int(timestamp) <= time.time()
        signed = f"{identifier}.{timestamp}.{request.body.decode()}".encode()
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert request.headers["webhook-signature"] == f"v1,{expected}"

    def test_of_the_reference_libraries(self):
        """Source: the test vector in the libraries of Standard Webhooks."""
        headers = signature_headers(
            signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        assert headers["webhook-signature"] == b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_each_event_of_an_occurrence_has_an_id_of_its_own(self):
        events = [example_event(kind, seq=seq) for seq, kind in enumerate(["start", "update", "update", "stop"], 1)]
        assert len({message_id(event) for event in events}) == 4
        assert message_id(events[0]) == message_id(events[0].model_copy(update={"late": True}))

    @pytest.mark.parametrize("identifier", ["a.b", "a\r\nb", "ä b"])
    def test_an_id_can_be_signed_and_sent_whatever_is_in_it(self, identifier):
        assert re.fullmatch(r"[A-Za-z0-9_-]+", message_id(example_event(id=identifier, seq=1)))


class TestThroughTheOutbox:
    @pytest.fixture
    def drained(self, server, tmp_path):
        def drain(count: int) -> DeliveryWorker:
            with closing(Outbox(tmp_path / "outbox.db")) as outbox:
                outbox.register_sinks(["webhook"])
                settings = WebhookSettings(url=server.url(), secret=SECRET)
                backoff = Backoff(first_s=0.001, cap_s=0.001)
                worker = DeliveryWorker("webhook", lambda: WebhookSink(settings), outbox, backoff=backoff)
                outbox.append([example_event(number=n) for n in range(1, count + 1)])
                worker.start()
                deadline_s = time.monotonic() + PATIENCE_S
                while outbox.pending("webhook") and time.monotonic() < deadline_s:
                    time.sleep(0.005)
                assert worker.stop(PATIENCE_S)
            return worker

        return drain

    def test_what_failed_is_sent_again_with_the_same_id(self, server, drained):
        server.habits = [answer(500), raw(b""), answer(204)]
        stats = drained(2).stats
        assert (stats.delivered, stats.rejected, stats.retries) == (2, 0, 2)
        identifiers = [request.headers["webhook-id"] for request in server.requests]
        assert identifiers == [identifiers[0]] * 3 + [identifiers[3]]
        assert identifiers[3] != identifiers[0]

    def test_waits_as_long_as_it_is_asked_to(self, server, drained):
        moments_s = []

        def busy(handler) -> None:
            moments_s.append(time.monotonic())
            answer(429, Retry_After="1")(handler)

        server.habits = [busy, lambda handler: (moments_s.append(time.monotonic()), answer(204)(handler))]
        assert drained(1).stats.delivered == 1
        assert moments_s[1] - moments_s[0] >= 1.0

    def test_a_rejected_event_holds_up_no_other(self, server, drained):
        server.habits = [answer(204), answer(400, b"bad"), answer(204)]
        stats = drained(3).stats
        assert (stats.delivered, stats.rejected, stats.retries) == (2, 1, 0)
        assert stats.last_error.endswith("answered with status 400: bad")
        assert len(server.requests) == 3


def example_sinks() -> list[dict]:
    """Those of config/webhook.yaml, with what is commented out there."""
    text = EXAMPLES.read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"(?m)^  # (- type:|  \w+:)", r"  \1", text))["sinks"]


class TestExamples:
    def test_all_are_found(self):
        assert [sink["name"] for sink in example_sinks()] == [
            "ntfy",
            "gotify",
            "slack",
            "telegram",
            "home-assistant",
            "own",
        ]

    @pytest.mark.parametrize("sink", example_sinks(), ids=lambda sink: sink["name"])
    def test_an_example_works(self, sink, server):
        settings = {key: value for key, value in sink.items() if key not in ("type", "name")}
        assert WebhookSettings(**settings).url.startswith(("https://", "http://homeassistant.local"))
        del settings["url"]
        settings.pop("ca_file", None)
        for event_type in EventType:
            event = example_event(event_type, seq=1, action='a "quoted"\naction')
            request = delivered(server, event, **settings)
            if request.header("content-type") == "application/json":
                assert any(event.action in str(value) for value in json.loads(request.body).values())
            else:
                assert request.header("title") == 'porch: a "quoted" action'
