"""The address of a live stream: which kinds are allowed, how a login goes into it, and how it is shown to people."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

# What FFmpeg may open on the way, for each scheme that may be configured. Whoever answers can name further addresses (a
# playlist, a redirect), and must not get at the files of this machine.
_PROTOCOLS = {
    "rtsp": "rtsp,tcp,udp,rtp",
    "rtsps": "rtsp,rtsps,tcp,tls,udp,rtp,srtp",
    "http": "http,https,tcp,tls,crypto",  # crypto: encrypted HLS
    "https": "http,https,tcp,tls,crypto",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tcp,tls",
    "udp": "udp",
}

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}

# For RTSP, FFmpeg cuts the login off behind this many characters, without a word. Source: `auth` in libavformat/rtsp.c.
_MAX_LOGIN_CHARACTERS = 127

# Some cameras want the login as user=…&password=… in the query, and some even in the path.
_LOGIN_KEY = r"[\w.-]*(?:auth|credential|key|login|pass|psw|pw|secret|session|sig|ticket|token|usr|user)[\w.-]*="
_LOGIN_IN_QUERY = re.compile(rf"({_LOGIN_KEY})[^&]*", re.IGNORECASE)
_LOGIN_IN_PATH = re.compile(rf"({_LOGIN_KEY})[^&/]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """A parsed and checked address. As text, and in `repr`, it shows neither a login nor what looks like a secret."""

    scheme: str
    host: str
    """Empty for udp on all addresses of this machine."""
    port: int | None
    path: str = field(repr=False)
    query: str = field(repr=False)
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, user: str | None = None, password: str | None = None) -> "StreamAddress":
        """Read a URL; the login may be in it or beside it. Raises ValueError, with a text that repeats no secret."""
        if not url.isprintable() or " " in url or "\\" in url:
            raise ValueError("must not hold spaces, control characters or backslashes; write them percent-encoded")
        scheme, separator, _ = url.partition("://")
        if not separator or scheme.lower() not in _PROTOCOLS:
            raise ValueError(f"must begin with {', '.join(_PROTOCOLS)} and ://; for recorded video use type `file`")
        parts, port = _split(url)
        if parts.fragment or "@" in parts.path + parts.query:
            raise ValueError(
                "has # or @ behind the host; if it belongs to a password, set `user` and `password` instead,"
                " otherwise write %23 or %40"
            )
        if parts.username or parts.password:  # udp://@239.1.1.1:1234 has an empty login, which says nothing
            if user is not None or password is not None:
                raise ValueError("the address has a user in it, and `user` or `password` is set too; write one of them")
            user = unquote(parts.username or "")
            password = None if parts.password is None else unquote(parts.password)
        address = cls(parts.scheme, parts.hostname or "", port, parts.path, parts.query, user, password)
        address._check()
        return address

    def _check(self) -> None:
        if self.scheme == "udp":
            if self.port is None:
                raise ValueError("needs a port; write for example udp://0.0.0.0:5000 or udp://239.1.1.1:5000")
            if self.user is not None:
                raise ValueError("a udp address knows no login")
        elif not self.host:
            raise ValueError(f"has no host; write for example {self.scheme}://192.168.1.20/stream1")
        if self.password is not None and not self.user:
            raise ValueError("a password needs a user; set `user` too")
        if ":" in (self.user or ""):
            raise ValueError("a user cannot hold a colon, because servers take what follows it for the password")
        if self.scheme.startswith("rtsp") and len(self._login) > _MAX_LOGIN_CHARACTERS:
            raise ValueError(
                f"user and password are too long: {len(self._login)} characters once percent-encoded,"
                f" and RTSP takes {_MAX_LOGIN_CHARACTERS} here"
            )

    @property
    def protocols(self) -> str:
        """Value of FFmpeg's `protocol_whitelist`."""
        return _PROTOCOLS[self.scheme]

    @property
    def connects_to(self) -> tuple[str, int] | None:
        """Host and port of the server; None where there is none, since the stream is only listened to."""
        return None if self.scheme == "udp" else (self.host, self.port or _PORTS[self.scheme])

    @property
    def full(self) -> str:
        """The whole address for FFmpeg, login and all: never to be shown."""
        return f"{self.scheme}://{f'{self._login}@' if self._login else ''}{self._place}{self.path}{_asked(self.query)}"

    @property
    def _login(self) -> str:
        if self.user is None:
            return ""
        secret = "" if self.password is None else f":{quote(self.password, safe='')}"
        return quote(self.user, safe="") + secret

    @property
    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def __str__(self) -> str:
        path = _LOGIN_IN_PATH.sub(r"\1…", self.path)
        query = _LOGIN_IN_QUERY.sub(r"\1…", self.query)
        return f"{self.scheme}://{self._place}{path}{_asked(query)}"


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text may repeat what is secret
        raise ValueError(
            "has no valid host or port; write for example rtsp://192.168.1.20:554/stream1, and a password with"
            " special characters as `user` and `password`"
        ) from None
    return parts, port


def _asked(query: str) -> str:
    return f"?{query}" if query else ""
