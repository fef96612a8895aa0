"""Connections within one time-out, to real sockets: some answer, some are closed, some drop what comes."""

import socket
import time

import pytest
from peers.black_hole import black_hole

from movinet_edge.models.connect import connect, few_of_each_family
from movinet_edge.models.download import DownloadError, Limits, Partial, download

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def silent_port():
    """Drops whatever knocks."""
    with black_hole() as port:
        yield port


def test_who_listens_is_reached_and_gets_the_whole_time_from_then_on():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with connect(("localhost", port), 5) as connection:
            assert connection.getpeername()[:2] == ("127.0.0.1", port)
            assert connection.gettimeout() == 5


def test_a_firewall_that_drops_packets_costs_the_time_out_once(silent_port):
    began_s = time.monotonic()
    with pytest.raises(TimeoutError):
        connect(("127.0.0.1", silent_port), 0.4)
    assert time.monotonic() - began_s < 2


def test_a_closed_port_is_told_as_such():
    with pytest.raises(ConnectionRefusedError):
        connect(("127.0.0.1", 9), 5)


def test_downloads_connect_this_way(silent_port, tmp_path):
    with pytest.raises(DownloadError, match=r"no answer within 0\.3 s"):
        download(f"http://127.0.0.1:{silent_port}/m", Partial(tmp_path, "m", "u"), Limits(stall_s=0.3))


@pytest.mark.parametrize(
    ("found", "tried"),
    [
        ([(V4, "a")], [(V4, "a")]),
        ([(V4, letter) for letter in "abcdefgh"], [(V4, "a"), (V4, "b")]),
        ([*((V6, letter) for letter in "abcd"), (V4, "x")], [(V6, "a"), (V4, "x"), (V6, "b")]),
        ([(V4, "x"), (V4, "y"), (V6, "a"), (V4, "z")], [(V4, "x"), (V6, "a"), (V4, "y")]),
    ],
)
def test_few_addresses_of_each_family_are_tried_in_turn(found, tried):
    assert few_of_each_family(found) == tried
