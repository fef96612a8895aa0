"""Who is logged in: sessions with a role, in memory, so that a restart of the daemon ends them all. No I/O."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

IDLE_S = 12 * 3600.0
"""A page that is open keeps its session alive; one that was closed in the morning is over in the evening."""

LONGEST_S = 7 * 86_400.0
"""Then the password is asked again, also of a page on the wall."""

_MOST = 200
"""More than a household has browsers; the one that was not seen for the longest time goes first."""


class Role(StrEnum):
    """What a session may do."""

    VIEW = "view"
    CONTROL = "control"

    def may(self, needed: "Role") -> bool:
        """True when what needs that role is allowed."""
        return self is Role.CONTROL or needed is Role.VIEW


@dataclass(slots=True, eq=False)
class Session:
    """One browser that is logged in.

    Attributes:
        token: its cookie.
        csrf: what its page must send along with a command: a page of somebody else's cannot know it.
        role: what it may do.
        began_s, seen_s: of the monotonic clock.
        on_close: called when it ends; to close what it still has open.
    """

    token: str
    csrf: str
    role: Role
    began_s: float
    seen_s: float
    on_close: list[Callable[[], None]] = field(default_factory=list)


class Sessions:
    """All sessions. For one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_token: dict[str, Session] = {}

    def open(self, role: Role) -> Session:
        """A new session."""
        now_s = self._clock()
        self._forget_old(now_s)
        while len(self._by_token) >= _MOST:
            self.close(min(self._by_token.values(), key=lambda session: session.seen_s))
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), role, now_s, now_s)
        self._by_token[session.token] = session
        return session

    def find(self, token: str) -> Session | None:
        """The session of a cookie, which counts as seen; None when there is none, or it is over."""
        now_s = self._clock()
        self._forget_old(now_s)
        session = self._by_token.get(token)
        if session is not None:
            session.seen_s = now_s
        return session

    def close(self, session: Session) -> None:
        """End it, and all that it has open."""
        self._by_token.pop(session.token, None)
        for close in session.on_close:
            close()
        session.on_close.clear()

    def _forget_old(self, now_s: float) -> None:
        for session in list(self._by_token.values()):
            if now_s - session.seen_s > IDLE_S or now_s - session.began_s > LONGEST_S:
                self.close(session)
