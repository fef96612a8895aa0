"""Sessions end, and wrong passwords are counted, by a clock that the tests move."""

import asyncio

import pytest

from movinet_edge.config import WebSettings
from movinet_edge.web.passwords import Passwords, TooMany, Tries, hash_password
from movinet_edge.web.sessions import IDLE_S, LONGEST_S, Role, Sessions


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return Sessions(clock)


@pytest.mark.parametrize(
    ("role", "needed", "may"),
    [
        (Role.CONTROL, Role.CONTROL, True),
        (Role.CONTROL, Role.VIEW, True),
        (Role.VIEW, Role.VIEW, True),
        (Role.VIEW, Role.CONTROL, False),
    ],
)
def test_what_a_role_may(role, needed, may):
    assert role.may(needed) is may


def test_tokens_are_long_and_never_alike(sessions):
    opened = [sessions.open(Role.VIEW) for _ in range(50)]
    tokens = {token for session in opened for token in (session.token, session.csrf)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 40


def test_a_session_that_is_used_goes_on_until_the_longest_time(sessions, clock):
    session = sessions.open(Role.VIEW)
    ended = []
    session.on_close.append(lambda: ended.append(True))
    while clock.now_s < 1000.0 + LONGEST_S:
        assert sessions.find(session.token) is session
        clock.now_s += IDLE_S - 1
    assert sessions.find(session.token) is None
    assert ended == [True]


def test_a_session_that_is_not_used_ends(sessions, clock):
    session = sessions.open(Role.VIEW)
    clock.now_s += IDLE_S + 1
    assert sessions.find(session.token) is None


def test_of_too_many_the_one_that_was_not_seen_for_longest_goes(sessions, clock):
    first, second = sessions.open(Role.VIEW), sessions.open(Role.VIEW)
    clock.now_s += 1
    sessions.find(first.token)
    for _ in range(199):
        clock.now_s += 1
        sessions.open(Role.VIEW)
    assert sessions.find(first.token) is first
    assert sessions.find(second.token) is None


def test_a_wrong_password_counts_for_a_minute(clock):
    tries = Tries(clock)
    for _ in range(5):
        tries.check("a")
        tries.failed("a")
    with pytest.raises(TooMany) as too_many:
        tries.check("a")
    assert too_many.value.wait_s == 60
    tries.check("b")
    clock.now_s += 60
    tries.check("a")


def test_many_addresses_do_not_help_a_guesser(clock):
    tries = Tries(clock)
    for n in range(30):
        tries.check(f"address {n}")
        tries.failed(f"address {n}")
    with pytest.raises(TooMany):
        tries.check("one more")


def test_a_damaged_hash_fits_no_password():
    hashes = {"control_password": "$argon2id$damaged", "view_password": hash_password("a view to a kill")}
    settings = WebSettings.model_validate(hashes)

    async def roles():
        passwords = Passwords(settings)
        return [await passwords.role(word, "a") for word in ("", "damaged", "a view to a kill", "x" * 300)]

    assert asyncio.run(roles()) == [None, None, Role.VIEW, None]
