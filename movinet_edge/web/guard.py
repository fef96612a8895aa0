"""What every request must pass: the name it was asked by, its origin, its session; and what the answers forbid."""

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from movinet_edge.api import CommandRefused
from movinet_edge.web.sessions import Role, Session, Sessions

_log = structlog.get_logger(__name__)

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "movinet_edge_session"
CSRF_HEADER = "X-CSRF-Token"
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)

_SAFE = ("GET", "HEAD")
_OTHERS = ("cross-site", "same-site")  # the latter is also another port of this host

_HEADERS = {
    # Scripts, styles and connections of our own alone, nothing inline; a stolen word in a page cannot become code.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self';"
        " connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Server": "movinet-edge",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Hosts:
    """The names by which the page may be asked for.

    A page of somebody else's could give its own name our address, and would then be of the same origin as ours ("DNS
    rebinding"). It cannot do that with an address written out, nor with a name that is known here.
    """

    def __init__(self, names: Iterable[str]) -> None:
        own = socket.gethostname().lower()
        short = own.partition(".")[0]
        self._names = {"localhost", own, short, f"{short}.local", *(name.lower() for name in names)}

    def knows(self, host: str) -> bool:
        """Is this the value of an acceptable `Host` header?"""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            if urlsplit(f"//{host}").port == 0:
                return False
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name.partition("%")[0])
        except ValueError:
            return False
        return True


class Guard:
    """The middleware, and the wrappers of the handlers."""

    def __init__(self, sessions: Sessions, hosts: Hosts, *, password: bool) -> None:
        """`password`: whether somebody has to log in; otherwise everybody who can reach the page may do everything."""
        self.sessions, self._hosts, self.password = sessions, hosts, password

    def middleware(self) -> Middleware:
        """Checks the request and furnishes the answer."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self._check_host(request)
                self._check_origin(request)
                response = await handler(request)
            except CommandRefused as error:
                response = _error(web.HTTPUnprocessableEntity.status_code, str(error))
            except web.HTTPException as answer:
                if answer.status < 400:
                    response = answer
                else:
                    response = _error(answer.status, answer.text or answer.reason)
                    response.headers.update({k: v for k, v in answer.headers.items() if not k.startswith("Content-")})
            except (ConnectionError, TimeoutError):
                raise  # who asked has gone
            except Exception:  # noqa: BLE001  # a fault of one request is no reason to stop, nor anybody's to read
                _log.exception("a request to the page failed", path=request.path)
                response = _error(500, "something broke inside; the daemon's log says what")
            if not response.prepared:
                response.headers.update(
                    {**_HEADERS, "Cache-Control": response.headers.get("Cache-Control", "no-store")}
                )
            return response

        return check

    def needs(self, role: Role, handler: Handler) -> Handler:
        """The handler for those alone who may; whatever changes something also needs its page's token."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            session = self.session(request)
            if session is None:
                raise web.HTTPUnauthorized(text="log in first")
            if not session.role.may(role):
                raise web.HTTPForbidden(text="this password allows looking only")
            sent = request.headers.get(CSRF_HEADER, "").encode(errors="replace")
            if request.method not in _SAFE and not secrets.compare_digest(sent, session.csrf.encode()):
                raise web.HTTPForbidden(text="the page is out of date; load it again")
            request[SESSION] = session
            return await handler(request)

        return guarded

    def session(self, request: web.Request) -> Session | None:
        """The session of the request's cookie."""
        token = request.cookies.get(_cookie(request))
        return None if token is None else self.sessions.find(token)

    def give_cookie(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        """Let the browser keep the session, away from scripts and from other sites."""
        name = _cookie(request)
        response.set_cookie(name, session.token, httponly=True, samesite="Strict", secure=request.secure, path="/")

    def take_cookie(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let the browser forget it."""
        response.del_cookie(_cookie(request), httponly=True, samesite="Strict", secure=request.secure, path="/")

    def _check_host(self, request: web.Request) -> None:
        if not self._hosts.knows(request.headers.get("Host", "")):
            raise web.HTTPMisdirectedRequest(text="this is not a name of mine; `web: names:` can add it")

    def _check_origin(self, request: web.Request) -> None:
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if request.method in _SAFE and not is_socket:
            # Pages of others could not read the answer, and may not even ask: without a password each question would
            # open one more session, until those that are in use are pushed out.
            if request.path.startswith("/api/") and request.headers.get("Sec-Fetch-Site") in _OTHERS:
                raise web.HTTPForbidden(text="questions come from this page alone")
            return
        # Browsers send it with every command and every socket. Whoever sends none is no browser, and has no cookie
        # but its own.
        origin = request.headers.get("Origin")
        if origin is not None and _place(origin) != request.headers.get("Host", "").lower():
            raise web.HTTPForbidden(text="commands come from this page alone")


def _cookie(request: web.Request) -> str:
    """The cookie's name. With the port, since cookies know of none, and several daemons may run on one machine."""
    address = None if request.transport is None else request.transport.get_extra_info("sockname")
    name = f"{COOKIE}_{address[1]}" if address else COOKIE
    # A browser takes this prefix over TLS from this very host alone: no neighbour, and nobody on the way, can set it.
    return f"__Host-{name}" if request.secure else name


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # no browser says that
        return ""


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
