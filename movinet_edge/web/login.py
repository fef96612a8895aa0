"""Logging in and out, and what the page is told of its own session."""

import json
from typing import Any

import structlog
from aiohttp import web

from movinet_edge import __version__
from movinet_edge.web.guard import SESSION, Guard
from movinet_edge.web.passwords import Passwords, TooMany
from movinet_edge.web.sessions import Role, Session

_log = structlog.get_logger(__name__)


class Login:
    """The handlers."""

    def __init__(self, guard: Guard, passwords: Passwords) -> None:
        self._guard, self._passwords = guard, passwords

    def add_routes(self, app: web.Application) -> None:
        """`/api/session`, `/api/login` and `/api/logout`."""
        app.router.add_get("/api/session", self.session)
        app.router.add_post("/api/login", self.login)
        app.router.add_post("/api/logout", self._guard.needs(Role.VIEW, self.logout))

    async def session(self, request: web.Request) -> web.Response:
        """Role and token of the session; where no password is asked, a new one is opened."""
        session = self._guard.session(request)
        if session is None and self._guard.password:
            raise web.HTTPUnauthorized(text="log in first")
        if session is None:
            session = self._guard.sessions.open(Role.CONTROL)
        return self._answer(request, session)

    async def login(self, request: web.Request) -> web.Response:
        """`{"password": …}` becomes a session."""
        body = await json_object(request)
        password, address = body.get("password"), request.remote or ""
        if not self._guard.password:
            raise web.HTTPConflict(text="no password is asked for here")
        if not isinstance(password, str):
            raise web.HTTPBadRequest(text="a password is needed")
        try:
            role = await self._passwords.role(password, address)
        except TooMany as error:
            _log.warning("login refused: too many wrong passwords", address=address)
            raise web.HTTPTooManyRequests(text=str(error), headers={"Retry-After": f"{error.wait_s:.0f}"}) from None
        if role is None:
            _log.warning("login with a wrong password", address=address)
            raise web.HTTPForbidden(text="that is not the password")
        _log.info("login", address=address, role=role)
        before = self._guard.session(request)
        if before is not None:
            self._guard.sessions.close(before)
        return self._answer(request, self._guard.sessions.open(role))

    async def logout(self, request: web.Request) -> web.Response:
        """End the session and all that it has open."""
        self._guard.sessions.close(request[SESSION])
        response = web.json_response({})
        self._guard.take_cookie(request, response)
        # Not "cookies": that would log out of everything else on the same name as well.
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    def _answer(self, request: web.Request, session: Session) -> web.Response:
        response = web.json_response(
            {"role": session.role, "csrf": session.csrf, "password": self._guard.password, "version": __version__}
        )
        self._guard.give_cookie(request, response, session)
        return response


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body as a JSON object.

    Raises:
        web.HTTPBadRequest, web.HTTPUnsupportedMediaType: it is none.
    """
    # A form on a page of somebody else's can send anything but this without asking first.
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send JSON")
    try:
        body = json.loads(await request.read())  # whatever charset it claims
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="the body is not JSON") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return body
