"""One address over real HTTP: what arrives, what is resumed, and what is said when it fails."""

import io
import socket
import ssl
import threading
from http.client import HTTPMessage, IncompleteRead
from urllib.error import URLError
from urllib.request import Request

import pytest
from model_server import model_bytes

from movinet_edge import __version__
from movinet_edge.models.download import (
    ContentRejected,
    DownloadError,
    Limits,
    Partial,
    TransferInterrupted,
    _network_reason,
    _Redirects,
    download,
)

CONTENT = model_bytes()
QUICK = Limits(stall_s=0.5, max_bytes=1_000_000)
PATIENT = Limits(stall_s=20)


def fetch(server_url, folder, limits=PATIENT, progress=None):
    """A download's content, or its error; and what stays in the folder."""
    partial = Partial(folder, "x", server_url)
    download(server_url, partial, limits, progress)
    return partial.data.read_bytes()


def test_plain_download_says_who_asks_and_reports_progress(server, tmp_path):
    seen = []
    content = fetch(server.add("/m", CONTENT), tmp_path, progress=lambda *state: seen.append(state))
    assert content == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    (request,) = server.requests
    assert request.headers["User-Agent"] == f"movinet-edge/{__version__}"
    assert "Range" not in request.headers


@pytest.mark.parametrize("path", ["/m", "/m?lite-format=tflite"])
def test_without_a_length_the_end_of_the_connection_is_the_end(server, tmp_path, path):
    seen = []
    url = server.add(path, CONTENT, length=False)
    assert fetch(url, tmp_path, progress=lambda *state: seen.append(state)) == CONTENT
    assert {total for _, total in seen} == {None}


def test_a_slow_server_is_waited_for(server, tmp_path):
    url = server.add("/m", CONTENT[:20_000], piece=1000, pause_s=0.02)
    assert fetch(url, tmp_path, Limits(stall_s=5)) == CONTENT[:20_000]


@pytest.mark.parametrize("stall_after", [0, 1000])
def test_a_stalled_server_is_given_up(server, tmp_path, stall_after):
    url = server.add("/m", CONTENT, stall_after=stall_after)
    with pytest.raises(TransferInterrupted, match=rf"after {stall_after} bytes: no answer within 0\.5 s"):
        fetch(url, tmp_path, QUICK)


def test_a_server_that_trickles_for_ever_is_given_up(server, tmp_path):
    url = server.add("/m", CONTENT, piece=1, pause_s=0.02)
    with pytest.raises(TransferInterrupted, match="less than 1024 bytes per second"):
        fetch(url, tmp_path, QUICK)
    assert server.requests[0].sent < 10_000


def test_a_server_that_never_answers_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/m"
        with pytest.raises(DownloadError, match=r"no answer within 0\.5 s"):
            fetch(url, tmp_path, QUICK)


def test_a_refused_connection(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DownloadError, match="the connection was refused"):
        fetch(f"http://127.0.0.1:{port}/m", tmp_path)


def test_nonsense_instead_of_http(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/m"

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DownloadError, match="the connection failed"):
            fetch(url, tmp_path)
        thread.join()


@pytest.mark.parametrize("cut", [1, 65_536, 100_000, len(CONTENT) - 1])
def test_a_truncated_transfer_is_resumed_where_it_ended(server, tmp_path, cut):
    url = server.add("/m", CONTENT, cut_after=[cut])
    with pytest.raises(TransferInterrupted, match=rf"ended after {cut} of {len(CONTENT)} bytes"):
        fetch(url, tmp_path)
    seen = []
    assert fetch(url, tmp_path, progress=lambda *state: seen.append(state)) == CONTENT
    assert seen[0] == (cut, len(CONTENT))
    _, second = server.requests
    assert second.headers["Range"] == f"bytes={cut}-"
    assert second.headers["If-Range"] == '"one"'
    assert (second.status, second.sent) == (206, len(CONTENT) - cut)


@pytest.mark.parametrize("habits", [{"ranges": False}, {"etag": ""}, {"etag": 'W/"weak"'}])
def test_without_a_way_to_resume_it_starts_anew(server, tmp_path, habits):
    url = server.add("/m", CONTENT, cut_after=[1000], **habits)
    with pytest.raises(TransferInterrupted):
        fetch(url, tmp_path)
    assert fetch(url, tmp_path) == CONTENT
    assert [request.status for request in server.requests] == [200, 200]


def test_another_file_in_the_meantime_is_never_mixed_with_the_old_one(server, tmp_path):
    url = server.add("/m", CONTENT, cut_after=[1000])
    with pytest.raises(TransferInterrupted):
        fetch(url, tmp_path)
    newer = model_bytes(seed=1)
    server.add("/m", newer, etag='"two"')
    assert fetch(url, tmp_path) == newer
    assert server.requests[1].headers["If-Range"] == '"one"'


def test_a_range_that_the_server_cannot_satisfy_starts_anew(server, tmp_path):
    url = server.add("/m", CONTENT, cut_after=[1000])
    with pytest.raises(TransferInterrupted):
        fetch(url, tmp_path)
    server.add("/m", CONTENT[:500])
    assert fetch(url, tmp_path) == CONTENT[:500]
    assert [request.status for request in server.requests] == [200, 416, 200]


@pytest.mark.parametrize("content_range", ["bytes 0-299999/300000", "bytes nonsense", "bytes */300000"])
def test_a_wrong_part_is_not_appended(server, tmp_path, content_range):
    url = server.add("/m", CONTENT, cut_after=[1000], content_range=content_range)
    with pytest.raises(TransferInterrupted):
        fetch(url, tmp_path)
    with pytest.raises(DownloadError, match="from 1000 on were asked for"):
        fetch(url, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "refuses the request"),
        (401, "refuses access"),
        (403, "refuses access"),
        (404, "not there any more"),
        (410, "not there any more"),
        (429, "try again later"),
        (503, "try again later"),
        (204, "unexpected"),
        (302, "to nowhere"),
    ],
)
def test_what_the_server_answers_is_explained(server, tmp_path, status, said):
    with pytest.raises(DownloadError, match=rf"(?=.*{said}).*\(HTTP {status}\)"):
        fetch(server.add("/m", status=status), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_range_with_them(server, tmp_path, status):
    server.add("/real", CONTENT, cut_after=[1000])
    url = server.add("/m", status=status, location="/real")
    with pytest.raises(TransferInterrupted):
        fetch(url, tmp_path)
    assert fetch(url, tmp_path) == CONTENT
    assert server.requests[-1].path == "/real"
    assert server.requests[-1].status == 206


def test_a_redirect_loop_ends(server, tmp_path):
    url = server.add("/m", status=302, location="/n")
    server.add("/n", status=302, location="/m")
    with pytest.raises(DownloadError, match="in circles"):
        fetch(url, tmp_path)
    assert len(server.requests) < 12


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/m", "data:,x", "gopher://127.0.0.1/m"])
def test_redirects_lead_to_http_only(server, tmp_path, location):
    with pytest.raises(DownloadError, match="redirects"):
        fetch(server.add("/m", status=302, location=location), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_from_https_to_http_is_refused():
    request = Request("https://safe.example/m")
    with pytest.raises(DownloadError, match="redirects from https to http"):
        _Redirects().redirect_request(request, io.BytesIO(), 302, "Found", HTTPMessage(), "http://safe.example/m")


@pytest.mark.parametrize(("length", "said"), [(True, "wants to send 300000"), (False, "sent more than 100000")])
def test_too_much_is_refused_and_leaves_nothing(server, tmp_path, length, said):
    url = server.add("/m", CONTENT, length=length)
    with pytest.raises(ContentRejected, match=said):
        fetch(url, tmp_path, Limits(max_bytes=100_000))
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_from_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.root)
    server.add("http://models.invalid/m", CONTENT)
    assert fetch("http://models.invalid/m", tmp_path) == CONTENT


def not_yet_valid() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate is not yet valid"  # set by the handshake
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (URLError(socket.gaierror(-2, "Name or service not known")), "is this machine online"),
        (URLError(TimeoutError("timed out")), "no answer within 20 s"),
        (TimeoutError(), "no answer within 20 s"),
        (ConnectionResetError(104, "reset"), "the connection was lost"),
        (URLError(not_yet_valid()), "(certificate is not yet valid); is this machine's clock right?"),
        (IncompleteRead(b""), "the connection failed"),
        (URLError(OSError("Tunnel connection failed: 407")), "Tunnel connection failed: 407"),
        (OSError(), "OSError"),
    ],
)
def test_network_errors_are_explained(error, said):
    assert said in _network_reason(error, 20)
