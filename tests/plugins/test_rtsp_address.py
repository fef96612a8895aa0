"""Addresses of live streams: which are allowed, how a login goes in, and that none is shown."""

import traceback
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from movinet_edge_plugins._stream_address import StreamAddress
from movinet_edge_plugins.rtsp import RtspSource

LOGINS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C", "Z"]), min_size=1)


@given(LOGINS.filter(lambda user: ":" not in user), LOGINS)
def test_any_login_arrives_as_it_was_written(user, password):
    address = StreamAddress.parse("http://camera:8080/1?x=y", user, password)
    parts = urlsplit(address.full)
    assert (unquote(parts.username), unquote(parts.password)) == (user, password)
    assert (parts.hostname, parts.port, parts.path, parts.query) == ("camera", 8080, "/1", "x=y")
    assert str(address) == "http://camera:8080/1?x=y"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://camera/1", "rtsp://camera/1"),
        ("RTSP://u:hush@Camera:554/1", "rtsp://camera:554/1"),
        ("rtsp://u:hu%40sh@[fe80::1]:554/1", "rtsp://[fe80::1]:554/1"),
        ("rtsp://camera/?channel=1&password=hush&x=2", "rtsp://camera/?channel=1&password=…&x=2"),
        ("rtsp://camera/user=admin&password=hush&channel=1", "rtsp://camera/user=…&password=…&channel=1"),
        ("rtsp://camera/user=admin_password=hush_channel=1/0.sdp", "rtsp://camera/user=…/0.sdp"),
        ("https://camera/live?access_token=hu/sh", "https://camera/live?access_token=…"),
        ("http://camera/live?X-Amz-Signature=hush", "http://camera/live?X-Amz-Signature=…"),
        ("http://camera/live?APIKEY=hush", "http://camera/live?APIKEY=…"),
        ("udp://@239.1.1.1:5000", "udp://239.1.1.1:5000"),
    ],
)
def test_addresses_are_shown_without_secrets(url, shown):
    address = StreamAddress.parse(url)
    assert str(address) == shown
    assert "hu" not in repr(address) + repr(RtspSource.Settings(url=url))


@pytest.mark.parametrize(
    ("settings", "key", "expected"),
    [
        ({"url": "file:///etc/passwd"}, "url", "must begin with rtsp, rtsps,"),
        ({"url": "/etc/passwd"}, "url", "must begin with"),
        ({"url": "concat:a|b"}, "url", "must begin with"),
        ({"url": "pipe://0"}, "url", "must begin with"),
        ({"url": "rtsp:///1"}, "url", "has no host; write for example rtsp://"),
        ({"url": "rtsp://camera:port/1"}, "url", "has no valid host or port"),
        ({"url": "rtsp://u:hush/hush@camera/1"}, "url", "has no valid host or port"),
        ({"url": "rtsp://u:12/hush@camera/1"}, "url", "set `user` and `password` instead"),
        ({"url": "rtsp://u:1#hush@camera/1"}, "url", "set `user` and `password` instead"),
        ({"url": "rtsp://camera/1\n"}, "url", "control characters"),
        ({"url": "udp://0.0.0.0"}, "url", "needs a port"),
        ({"url": "rtsp://u:hush@camera/1", "user": "u"}, "user", "has a user in it"),
        ({"url": "rtsp://u:hush@camera/1", "password": "hush"}, "password", "has a user in it"),
        ({"url": "rtsp://camera/1", "password": "hush"}, "password", "set `user` too"),
        ({"url": "rtsp://:hush@camera/1"}, "url", "a password needs a user"),
        ({"url": "rtsp://camera/1", "user": "u:v"}, "user", "colon"),
        ({"url": "udp://0.0.0.0:5000", "user": "u"}, "user", "no login"),
        ({"url": "rtsp://camera/1", "user": "u", "password": "hush" * 40}, "password", "too long"),
    ],
)
def test_wrong_settings(settings, key, expected):
    with pytest.raises(ValidationError) as caught:
        RtspSource.Settings.model_validate(settings)
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]
    text = "".join(traceback.format_exception(caught.value))
    assert expected in text
    assert "hush" not in text
