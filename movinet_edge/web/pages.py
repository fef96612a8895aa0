"""The page's own files: read once, and handed out by name, so that no path of a request ever reaches the disk."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

from movinet_edge.web.guard import Guard
from movinet_edge.web.sessions import Role

_TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}

# The pages, by path; who may not see one is led to the login.
_PAGES = {"/": ("index.html", Role.VIEW), "/camera": ("camera.html", Role.CONTROL)}


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str
    etag: str


class Pages:
    """The handlers."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._files = {
            entry.name: _read(entry.name, entry.read_bytes())
            for entry in (files("movinet_edge.web") / "static").iterdir()
            if entry.is_file() and entry.name.rpartition(".")[2] in _TYPES
        }

    def add_routes(self, app: web.Application) -> None:
        """The pages and what they are made of."""
        for path in _PAGES:
            app.router.add_get(path, self.page)
        app.router.add_get("/login", self.login)
        app.router.add_get("/static/{name}", self.file)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """A page, or the way to the login."""
        name, role = _PAGES[request.path]
        if self._guard.password:
            session = self._guard.session(request)
            if session is None or not session.role.may(role):
                raise web.HTTPSeeOther("/login" if request.path == "/" else "/login#camera")
        return self._send(request, name)

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Where the password is asked."""
        return self._send(request, "login.html")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A script, a style or a picture."""
        name = request.match_info["name"]
        if name not in self._files or name.endswith(".html"):
            raise web.HTTPNotFound(text="there is no such file")
        return self._send(request, name)

    def _send(self, request: web.Request, name: str) -> web.Response:
        file = self._files[name]
        # Always asked for anew, so that an update is seen at once; mostly the answer is that nothing has changed.
        headers = {"ETag": f'"{file.etag}"', "Cache-Control": "no-cache"}
        if any(tag.value == file.etag for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, content_type=file.content_type, charset="utf-8", headers=headers)


def _read(name: str, body: bytes) -> _File:
    return _File(body, _TYPES[name.rpartition(".")[2]], hashlib.sha256(body).hexdigest()[:24])
