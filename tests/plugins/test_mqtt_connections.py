"""What a broker may have against us, and what is said then: by the sink, and by its check."""

import hashlib
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from mqtt_parts import ROOT, brokers, eventually, opened, settings, status
from peers.mosquitto import Subscriber
from structlog.testing import capture_logs

from movinet_edge.api import DeliveryError
from movinet_edge.testing.sinks import example_event
from movinet_edge_plugins._mqtt_link import Link
from movinet_edge_plugins.mqtt import MqttSettings, MqttSink

LOGIN = {"user": "pi", "password": "right"}


@pytest.fixture
def start_broker(tmp_path):
    with brokers(tmp_path) as start:
        yield start


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
def start_tls(start_broker, authority, tmp_path):
    """Starts a broker with a certificate for `name`."""

    def start(name="localhost", *options, **validity):
        start.certificate = certificate = authority.issue_cert(name, **validity)
        certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        return start_broker(listener=[f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.pem", *options])

    return start


@pytest.fixture
def start_locked(start_broker, tmp_path):
    """Starts a broker that lets the user `pi` in, with the rules of an ACL file."""

    def start(*rules):
        passwords, acl = tmp_path / "passwords", tmp_path / "acl"
        passwords.write_text(f"{LOGIN['user']}:{LOGIN['password']}\n", encoding="utf-8")
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)
        acl.write_text("\n".join(["user pi", *(rules or ["topic readwrite #"])]) + "\n", encoding="utf-8")
        return start_broker(f"password_file {passwords}", f"acl_file {acl}", anonymous=False)

    return start


def problem(broker, **changes):
    """What `open` and `check` say; they must agree on how it begins."""
    sink = MqttSink(settings(broker, **changes))
    with pytest.raises(DeliveryError) as opening:
        sink.open()
    sink.close()
    with pytest.raises(DeliveryError) as checking:
        sink.check()
    assert str(checking.value).startswith(str(opening.value))
    return str(checking.value)


def test_a_check_of_what_works(start_broker):
    broker = start_broker()
    assert "node testnode" in MqttSink(settings(broker)).check()


def test_a_check_does_not_disturb_the_daemon(start_broker):
    broker = start_broker()
    with Subscriber(broker.port) as subscriber, opened(broker) as sink:
        sink.report(status())
        subscriber.until_last(f"{ROOT}/status", "online")
        subscriber.forget()
        MqttSink(settings(broker)).check()
        subscriber.publish("end", "")
        heard = subscriber.until(lambda heard: any(one.topic == "end" for one in heard))
        assert {one.topic for one in heard if not one.topic.endswith(("/check", "/check/event", "end"))} == set()


def test_nobody_listens(start_broker):
    broker = start_broker()
    broker.kill()
    assert "connection refused" in problem(broker)


def test_no_such_host():
    sink = MqttSink(MqttSettings(host="no-such-host.invalid", timeout=5))
    with pytest.raises(DeliveryError, match=r"no host 'no-such-host\.invalid'"):
        sink.open()


def test_a_host_that_cannot_be_one():
    with pytest.raises(DeliveryError, match="there is no host"):
        MqttSink(MqttSettings(host="a" * 64 + ".lan")).open()


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = MqttSink(MqttSettings(host="127.0.0.1", port=server.getsockname()[1], timeout=0.2))
        with pytest.raises(DeliveryError, match=r"does not answer within 0\.2 s"):
            sink.open()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("e0 06 8e 04 1f 00 01 21", "another client connected with the same client id"),
        ("e0 06 8b 04 1f 00 01 21", "it is shutting down"),
        ("e0 06 9c 04 1f 00 01 21", "Use another server"),
        ("e0 00", "has ended the connection"),
        ("40 03 00 01 95", "its answer broke the protocol"),
        ("f0 00", "is lost"),
    ],
)
def test_what_ends_a_connection_is_said_it_ends_the_connection(answer, text):
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = Link(MqttSettings(host="127.0.0.1", port=server.getsockname()[1]).broker(), name="test")
        opening = threading.Thread(target=link.open)
        opening.start()
        connection, _ = server.accept()
        with connection:
            connection.sendall(bytes.fromhex("20 03 00 00 00"))  # CONNACK: welcome
            opening.join()
            connection.sendall(bytes.fromhex(answer))
            eventually(lambda: link.lost is not None)
        link.close()
    assert text in link.lost


# TLS


def test_encrypted_with_an_authority_of_its_own(start_tls, tmp_path):
    with opened(start_tls(), host="localhost", tls={"ca": tmp_path / "ca.pem"}) as sink:
        sink.report(status())
        sink.deliver(example_event(seq=1))


def test_the_wrong_authority(start_tls, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    text = problem(start_tls(), host="localhost", tls={"ca": tmp_path / "other.pem"})
    assert "is not trusted" in text
    pem = start_tls.certificate.cert_chain_pems[0].bytes().decode()
    assert hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() in text


def test_the_systems_authorities_do_not_know_it(start_tls):
    assert "set `tls: {ca: FILE}`" in problem(start_tls(), host="localhost", tls=True)


def test_a_certificate_for_another_name(start_tls, tmp_path):
    text = problem(start_tls("broker.lan"), host="localhost", tls={"ca": tmp_path / "ca.pem"})
    assert "for another name than 'localhost'" in text
    assert text.endswith("is for broker.lan")


def test_a_certificate_that_is_over(start_tls, tmp_path):
    broker = start_tls(not_after=datetime.now(UTC) - timedelta(days=1))
    assert "expired); is the clock of this machine right?" in problem(
        broker, host="localhost", tls={"ca": tmp_path / "ca.pem"}
    )


def test_tls_where_there_is_none(start_broker):
    assert "does not answer with TLS" in problem(start_broker(), tls=True)


def test_no_tls_where_there_is_some(start_tls):
    assert "does it expect TLS" in problem(start_tls())


@pytest.mark.parametrize(
    ("ca", "text"), [(None, "cannot read .*ca.pem: No such file"), ("no certificate", "no certificates in PEM form")]
)
def test_a_file_of_authorities_that_is_none(start_broker, tmp_path, ca, text):
    if ca is not None:
        (tmp_path / "ca.pem").write_text(ca, encoding="utf-8")
    with pytest.raises(DeliveryError, match=text):
        MqttSink(settings(start_broker(), tls={"ca": tmp_path / "ca.pem"})).open()


def test_a_certificate_instead_of_a_password(start_tls, authority, tmp_path):
    client = authority.issue_cert("client@example.org")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    broker = start_tls("localhost", f"cafile {tmp_path}/ca.pem", "require_certificate true")
    tls = {"ca": tmp_path / "ca.pem", "certificate": tmp_path / "client.pem", "key": tmp_path / "client.key"}
    with opened(broker, host="localhost", tls=tls) as sink:
        sink.deliver(example_event(seq=1))
    assert "a certificate of this client" in problem(broker, host="localhost", tls={"ca": tmp_path / "ca.pem"})
    with pytest.raises(DeliveryError, match="no certificate and key that fit"):
        MqttSink(settings(broker, tls=tls | {"key": tmp_path / "server.pem"})).open()


# Login and rights


def test_a_password(start_locked):
    broker = start_locked()
    with opened(broker, **LOGIN) as sink:
        sink.report(status())
    MqttSink(settings(broker, **LOGIN)).check()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("login", [{}, LOGIN | {"password": "wrong"}, {"user": "pi"}], ids=str)
def test_a_wrong_password(start_locked, login, protocol):
    text = problem(start_locked(), protocol=protocol, **login)
    assert "`user` or `password` is wrong" in text
    assert "right" not in text


def test_a_password_that_becomes_wrong_is_said_once_and_tried_again(start_locked, tmp_path):
    broker = start_locked()
    passwords = (tmp_path / "passwords").read_text(encoding="utf-8")
    with capture_logs() as logs, opened(broker, **LOGIN) as sink:
        sink.report(status())
        broker.kill()
        (tmp_path / "passwords").write_text("", encoding="utf-8")
        broker.start()
        eventually(lambda: any("refuses" in log.get("error", "") for log in logs))
        broker.kill()
        (tmp_path / "passwords").write_text(passwords, encoding="utf-8")
        broker.start()
        eventually(lambda: any(log["event"] == "mqtt connected again" for log in logs))
    said = [log["error"] for log in logs if log["log_level"] == "warning" and "refuses" in log.get("error", "")]
    assert len(said) == len(set(said))


@pytest.mark.parametrize(
    ("rules", "topic"),
    [
        (["topic read #", f"topic readwrite {ROOT}/status"], f"{ROOT}/check/event"),
        (["topic read #", f"topic readwrite {ROOT}/#"], "homeassistant/device/testnode/check"),
    ],
)
def test_a_topic_that_is_not_allowed_is_named(start_locked, rules, topic):
    with pytest.raises(DeliveryError, match=f"{topic} .*Not authorized"):
        MqttSink(settings(start_locked(*rules), **LOGIN)).check()


def test_what_is_needed_without_discovery_is_less(start_locked):
    broker = start_locked(f"topic readwrite {ROOT}/#")
    MqttSink(settings(broker, discovery=False, **LOGIN)).check()


def test_states_that_are_not_allowed_are_logged_and_do_not_stop_events(start_locked):
    broker = start_locked(f"topic readwrite {ROOT}/porch/event")
    with capture_logs() as logs, opened(broker, **LOGIN) as sink:
        sink.report(status())
        sink.deliver(example_event(seq=1))
    refused = [log["topic"] for log in logs if log["event"] == "mqtt broker refuses a message"]
    assert f"{ROOT}/status" in refused
    assert len(refused) == len(set(refused))
