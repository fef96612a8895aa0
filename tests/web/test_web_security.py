"""Who gets what: the wrong host, origin, cookie, token, role and path, against a real daemon."""

import re
import socket
from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest
from page import CONTROL, VIEW, Visitor

import movinet_edge.web
from movinet_edge.web.guard import Hosts

STATIC = Path(movinet_edge.web.__file__).parent / "static"
ID = "01890a5d-ac96-774b-bcce-b302099a8057"

LOOKED_UP = (
    "/api/events?since=2026-01-01&until=2026-01-02",
    f"/api/events/{ID}/snapshot",
    f"/api/events/{ID}/clip",
    f"/api/events/{ID}/curve",
    "/api/streams/hall/history",
    "/api/live",
)
CAMERAS = ("/api/cameras", "/api/cameras/phone")
COMMANDS = (
    ("/api/streams/hall/enabled", {"on": True}),
    ("/api/streams/hall/threshold", {"action": "reddening", "on": 0.6}),
)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("localhost:8470", True),
        ("LOCALHOST:8470", True),
        ("127.0.0.1:8470", True),
        ("192.168.1.20", True),
        ("[::1]:8470", True),
        ("[fe80::1%25eth0]:8470", True),
        (socket.gethostname(), True),
        ("edge.example.net", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example@localhost.evil", False),
        ("", False),
        ("[::1", False),
        ("localhost:http", False),
    ],
)
def test_the_names_that_are_answered_to(host, known):
    assert Hosts(["edge.example.net"]).knows(host) is known


@pytest.mark.parametrize(
    "path", ["/", "/login", "/static/main.js", "/api/session", "/metrics", "/healthz", "/api/live"]
)
def test_a_wrong_host_gets_nothing(visitor, path):
    answer = visitor.get(path, headers={"Host": "evil.example"})
    assert answer.status == 421
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:1", "null", "http://localhost", "http://[", ""]
)
@pytest.mark.parametrize(("path", "body"), COMMANDS)
def test_a_command_of_another_origin_is_refused(visitor, path, body, origin):
    assert visitor.post(path, body, headers={"Origin": origin}).status == 403


def test_a_command_of_our_own_origin_is_taken(visitor):
    path, body = COMMANDS[1]
    assert visitor.post(path, body, headers={"Origin": visitor.url}).status == 200


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_pages_of_others_open_no_sessions(visitor, site, status):
    answer = visitor.get("/api/session", headers={"Sec-Fetch-Site": site})
    assert answer.status == status
    assert visitor.get("/", headers={"Sec-Fetch-Site": site}).status == 200  # a link from elsewhere


@pytest.mark.parametrize("path", ["/api/live", "/api/cameras/phone"])
def test_a_socket_of_another_origin_is_refused(visitor, path):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused, visitor.socket(path, origin="https://evil.example"):
        pass
    assert refused.value.status == 403


@pytest.mark.parametrize("cookie", [None, "", "wrong", "x" * 3000])
@pytest.mark.parametrize("path", [*LOOKED_UP, *CAMERAS, "/api/session"])
def test_without_a_session_nothing_is_told(stranger, path, cookie):
    port = stranger.url.rpartition(":")[2]
    headers = {} if cookie is None else {"Cookie": f"movinet_edge_session_{port}={cookie}"}
    assert stranger.get(path, headers=headers).status == 401


@pytest.mark.parametrize(("path", "body"), COMMANDS)
def test_without_a_session_nothing_is_changed(stranger, path, body):
    assert stranger.post(path, body).status == 401


@pytest.mark.parametrize(("path", "target"), [("/", "/login"), ("/camera", "/login#camera")])
def test_without_a_session_a_page_leads_to_the_login(stranger, path, target):
    answer = stranger.get(path)
    assert (answer.status, answer.headers["Location"]) == (303, target)


@pytest.mark.parametrize("token", ["", "wrong", "wröng"])
@pytest.mark.parametrize(("path", "body"), [*COMMANDS, ("/api/logout", {})])
def test_a_command_without_the_pages_token_is_refused(owner, path, body, token):
    assert owner.post(path, body, headers={"X-CSRF-Token": token}).status == 403


def test_the_token_of_another_session_does_not_help(owner, guest):
    path, body = COMMANDS[1]
    assert owner.post(path, body, headers={"X-CSRF-Token": guest.token}).status == 403


@pytest.mark.parametrize(("path", "body"), COMMANDS)
def test_a_guest_may_look_and_not_touch(guest, path, body):
    assert guest.get("/api/streams/hall/history").status == 200
    assert guest.post(path, body).status == 403


@pytest.mark.parametrize("path", CAMERAS)
def test_a_guest_is_no_camera(guest, path):
    assert guest.get(path).status == 403
    assert guest.get("/camera").status == 303


@pytest.mark.parametrize(("password", "role"), [(CONTROL, "control"), (VIEW, "view")])
def test_the_password_decides_the_role(stranger, password, role):
    answer = stranger.post("/api/login", {"password": password})
    assert answer.json["role"] == role
    cookie = next(iter(SimpleCookie(answer.headers["Set-Cookie"]).values()))
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", "")


def test_daemons_on_one_machine_keep_their_sessions_apart(owner, open_daemon):
    port, other_port = (url.rpartition(":")[2] for url in (owner.url, open_daemon.url))
    cookies = (
        owner.get("/api/session").headers["Set-Cookie"],
        owner.get(f"{open_daemon.url}/api/session").headers["Set-Cookie"],
    )
    assert [cookie.partition("=")[0] for cookie in cookies] == [
        f"movinet_edge_session_{port}",
        f"movinet_edge_session_{other_port}",
    ]
    assert owner.get("/api/session").json["role"] == "control"


def test_a_session_from_before_the_login_is_not_taken_over(locked_daemon):
    with Visitor(locked_daemon.url) as attacker, Visitor(locked_daemon.url) as victim:
        attacker.enter(VIEW)
        port = attacker.url.rpartition(":")[2]
        planted = attacker.get("/api/session").headers["Set-Cookie"].partition(";")[0]
        answer = victim.post("/api/login", {"password": CONTROL}, headers={"Cookie": planted})
        assert answer.json["role"] == "control"
        assert planted not in answer.headers["Set-Cookie"]
        assert f"movinet_edge_session_{port}=" in answer.headers["Set-Cookie"]
        assert attacker.get("/api/session").status == 401


def test_logging_out_ends_the_session_and_its_sockets(owner):
    with owner.socket("/api/live") as live:
        live.of_type("status")
        answer = owner.post("/api/logout", {})
        assert answer.status == 200
        assert "cookies" not in answer.headers["Clear-Site-Data"]  # of all that has the same name
        live.ends()
    assert owner.get("/api/session").status == 401


def test_a_guesser_has_to_wait(locked_daemon):
    with Visitor(locked_daemon.url, address="127.0.0.66") as guesser:
        statuses = [guesser.post("/api/login", {"password": f"guess {n}"}).status for n in range(7)]
        assert statuses == [403] * 5 + [429] * 2
        late = guesser.post("/api/login", {"password": CONTROL})
        assert late.status == 429
        assert 1 <= int(late.headers["Retry-After"]) <= 60
    with Visitor(locked_daemon.url) as other:
        other.enter(CONTROL)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": {"password": 5}}, 400),
        ({"json": [CONTROL]}, 400),
        ({"json": None, "data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": None, "data": b"[" * 16_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": None, "data": {"password": CONTROL}}, 415),
        ({"json": None, "data": b"{}", "headers": {"Content-Type": "application/json; charset=klingon"}}, 400),
        ({"json": {"password": "x" * 20_000}}, 413),
        ({"json": {"password": "\ud800"}}, 403),
    ],
)
def test_a_login_that_is_none(stranger, options, status):
    assert stranger.post("/api/login", **options).status == status


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/%2e%2e/config/web.py",
        "/static/....//main.js",
        "/static//etc/passwd",
        "/static/index.html",
        "/../../etc/passwd",
        "/api/events/..%2f..%2fetc/snapshot",
        "/api/events/%00/snapshot",
        f"/api/events/{ID}/../../../etc/passwd",
    ],
)
def test_no_path_leads_out(open_daemon, path):
    host, port = open_daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:  # clients tidy paths up before they send them
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        with raw.makefile("rb") as answer:
            text = answer.read().decode()
    assert text.split()[1] in ("401", "404", "400")
    assert "root:" not in text
    assert "import" not in text


@pytest.mark.parametrize(
    "path", ["/", "/login", "/static/main.js", "/api/session", "/api/live", "/no/such/path", "/healthz"]
)
def test_every_answer_forbids_what_is_not_needed(visitor, path):
    headers = visitor.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] in ("no-store", "no-cache")
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize("file", sorted(STATIC.iterdir()), ids=lambda file: file.name)
def test_the_pages_keep_to_the_policy(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert not re.search(r"https?://(?!www\.w3\.org)", text), "everything comes from the daemon itself"
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    if file.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)


def test_no_secret_is_on_a_page(owner, hashes):
    pages = [owner.get(path).body.decode() for path in ("/", "/login", "/camera", "/api/session", "/metrics")]
    with owner.socket("/api/live") as live:
        pages.append(str(live.of_type("status")))
    for text in pages:
        assert "argon2" not in text
        assert not any(hashed in text for hashed in hashes.values())
        assert CONTROL not in text
