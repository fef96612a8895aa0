"""The `web:` section: open on loopback alone, and what belongs together is asked for together."""

import pytest
from pydantic import ValidationError

from movinet_edge.config import WebSettings, is_loopback

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.1.2", False),
        ("porch.local", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_what_counts_as_loopback(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("settings", "key", "word"),
    [
        ({"host": "::"}, "host", "control_password is needed"),
        ({"host": "::", "view_password": HASH}, "view_password", "control_password"),
        ({"control_password": "secret word"}, "control_password", "movinet-edge web password"),
        ({"certificate": "a.crt"}, "key", "belong together"),
        ({"key": "a.key"}, "key", "belong together"),
        ({"port": 70000}, "port", "65535"),
        ({"pasword": "x"}, "pasword", "not permitted"),
    ],
)
def test_what_cannot_work_is_refused_at_its_key(settings, key, word):
    with pytest.raises(ValidationError) as caught:
        WebSettings.model_validate(settings)
    errors = {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}
    assert word in errors[key]
    assert "secret word" not in str(caught.value)


def test_what_everybody_may_reach_has_a_password():
    settings = WebSettings.model_validate({"host": "::", "control_password": HASH})
    assert settings.has_password
    assert HASH not in repr(settings)


def test_there_is_no_page_unless_it_is_wanted():
    assert not WebSettings().enabled
    assert is_loopback(WebSettings().host)
