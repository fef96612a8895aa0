"""Passwords: checked against argon2 hashes, one at a time, and not as often as a guesser would like."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable

import argon2

from movinet_edge.config import WebSettings
from movinet_edge.web.sessions import Role

# RFC 9106's second choice, for machines with little memory: 64 MiB, about half a second on a Raspberry Pi 4.
_HASHER = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)

LONGEST_PASSWORD = 256
"""Characters; whatever is longer is no password that a person types."""

_WINDOW_S = 60.0
_PER_ADDRESS, _IN_ALL = 5, 30
"""Wrong passwords within the window: a person mistypes a few times; a guesser has many addresses."""


def hash_password(password: str) -> str:
    """The hash for the configuration."""
    return _HASHER.hash(password)


class TooMany(Exception):
    """Too many wrong passwords."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many wrong passwords; try again in {wait_s:.0f} s")
        self.wait_s = wait_s


class Tries:
    """Counts wrong passwords, by address and in all. Pure but for the clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: deque[tuple[float, str]] = deque()

    def check(self, address: str) -> None:
        """Raise TooMany when this address has to wait."""
        now_s = self._clock()
        while self._wrong and now_s - self._wrong[0][0] >= _WINDOW_S:
            self._wrong.popleft()
        own = [at_s for at_s, other in self._wrong if other == address]
        if len(own) >= _PER_ADDRESS:
            raise TooMany(max(1.0, own[-_PER_ADDRESS] + _WINDOW_S - now_s))
        if len(self._wrong) >= _IN_ALL:
            raise TooMany(max(1.0, self._wrong[0][0] + _WINDOW_S - now_s))

    def failed(self, address: str) -> None:
        """That was a wrong one."""
        self._wrong.append((self._clock(), address))


class Passwords:
    """The two passwords of the configuration."""

    def __init__(self, settings: WebSettings) -> None:
        hashes = {Role.CONTROL: settings.control_password, Role.VIEW: settings.view_password}
        self._hashes = {role: hashed.get_secret_value().strip() for role, hashed in hashes.items() if hashed}
        self._tries = Tries()
        # Each check takes 64 MiB and all of a core; many at once would starve the cameras.
        self._turn = asyncio.Lock()
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, Role] = {}

    async def role(self, password: str, address: str) -> Role | None:
        """What the password allows; None when it is wrong.

        Raises:
            TooMany: it was not looked at.
        """
        async with self._turn:
            self._tries.check(address)
            role = await asyncio.to_thread(self._verify, password) if _may_be_one(password) else None
            if role is None:
                self._tries.failed(address)
            return role

    async def role_again(self, password: str, address: str) -> Role | None:
        """As `role`, for whoever sends the password every few seconds: the second time costs next to nothing."""
        digest = hmac.digest(self._key, password.encode(), hashlib.sha256)
        if digest not in self._known:
            role = await self.role(password, address)
            if role is None:
                return None
            self._known[digest] = role
        return self._known[digest]

    def _verify(self, password: str) -> Role | None:
        for role, hashed in self._hashes.items():
            try:
                _HASHER.verify(hashed, password)
            except argon2.exceptions.VerifyMismatchError:
                continue
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                continue  # a damaged hash fits no password
            return role
        return None


def _may_be_one(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:  # half a character, which JSON can hold
        return False
    return len(password) <= LONGEST_PASSWORD
