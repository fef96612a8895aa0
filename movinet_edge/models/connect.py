"""Connects to a host within one time-out for all of its addresses together, where Python grants it to each of them.

A firewall that drops packets would otherwise keep us for minutes: the storage of Google answers with sixteen addresses,
and the service manager does not wait for that long.
"""

import socket
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from itertools import zip_longest
from typing import Any
from urllib.request import HTTPHandler, HTTPSHandler, Request

# Of each family: a second one for a server that is down, and no more, since what drops packets to two drops all.
_MOST_ADDRESSES = 2


class HttpHandler(HTTPHandler):
    """urllib's, with connections that are made within the time-out."""

    def http_open(self, req: Request) -> HTTPResponse:
        """Connect and ask."""
        return self.do_open(_HttpConnection, req)


class HttpsHandler(HTTPSHandler):
    """urllib's, with connections that are made within the time-out."""

    def https_open(self, req: Request) -> HTTPResponse:
        """Connect and ask."""
        return self.do_open(_HttpsConnection, req)


def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
    """A connection to the host by one of its addresses, each of which gets an equal share of the time.

    Raises:
        OSError: there is none; the reason is that of the address tried first.
    """
    host, port = address
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = few_of_each_family([(family, place) for family, _, _, _, place in found])
    failures = []
    for family, place in places:
        try:
            connection = _connected(family, place, timeout_s / len(places))
        except OSError as error:
            failures.append(error)
        else:
            connection.settimeout(timeout_s)
            return connection
    raise failures[0]


def _connected(family: int, place: Any, timeout_s: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection


def few_of_each_family(found: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """The first addresses of each family in turn, so that IPv4 has its share where IPv6 leads nowhere."""
    families = dict.fromkeys(family for family, _ in found)
    columns = [[entry for entry in found if entry[0] == family][:_MOST_ADDRESSES] for family in families]
    return [entry for row in zip_longest(*columns) for entry in row if entry is not None]


def _create_connection(address: tuple[str, int], timeout: float, _source_address: object) -> socket.socket:
    return connect(address, timeout)


class _HttpConnection(HTTPConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._create_connection = _create_connection  # http.client has socket.create_connection there


class _HttpsConnection(HTTPSConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._create_connection = _create_connection
