"""What the `rtsp` source does when a stream freezes, breaks or stalls on the way."""

import socket
import threading
import time
from contextlib import ExitStack, suppress
from itertools import islice, pairwise

import pytest
from live_streams import PATH_S, failure, playing, source, take
from peers.rtsp_server import made_ago_s
from peers.tcp_relay import TcpRelay

from movinet_edge.api import FrameRequest, SourceUnavailable
from movinet_edge_plugins import _live
from movinet_edge_plugins._lateness import STALE_S


def flow_again(relay):
    relay.manner = "whole"


def test_a_frozen_server_is_noticed_and_nothing_old_is_shown(start_rtsp):
    read_timeout_s = 1.5
    server = start_rtsp()
    with playing(server.url(), FrameRequest(10), read_timeout=read_timeout_s) as frames:
        list(islice(frames, 10))
        server.freeze()
        begin_s, ages_s = time.monotonic(), []
        fresh = (ages_s.append(made_ago_s(frame.image)) for frame in frames)
        with pytest.raises(SourceUnavailable, match=r"nothing came any more within 1.5 s \(time-out\)"):
            list(fresh)
    assert time.monotonic() - begin_s < read_timeout_s + 1
    assert all(age_s < STALE_S + PATH_S for age_s in ages_s)


def test_a_killed_server_is_noticed_and_found_again(start_rtsp):
    server = start_rtsp()
    with playing(server.url(), FrameRequest(10)) as frames:
        list(islice(frames, 3))
        server.stop()
        with pytest.raises(SourceUnavailable, match=r"ended the stream|connection broke"):
            list(frames)
    assert "refused" in failure(server.url())
    again = start_rtsp(port=server.port)
    assert len(take(again.url(), 1)) == 1


def test_what_a_stalled_network_held_back_is_not_shown_as_live(camera):
    with TcpRelay(camera.port) as relay:
        url = f"rtsp://127.0.0.1:{relay.port}/h264"
        with playing(url, FrameRequest(10)) as frames:
            before = list(islice(frames, 5))
            relay.manner = "stalled"
            threading.Timer(2.4, flow_again, [relay]).start()
            after, ages_s = [], []
            for frame in islice(frames, 12):
                after.append(frame)
                ages_s.append(made_ago_s(frame.image))
    gaps_s = [two.time_s - one.time_s for one, two in pairwise([before[-1], *after])]
    assert max(gaps_s) > 1.0, "the stall should be missing"
    assert max(ages_s) < STALE_S + PATH_S


def test_what_a_consumer_did_not_fetch_is_not_shown_later(camera):
    with playing(camera.url(), FrameRequest(10)) as frames:
        first = list(islice(frames, 3))[-1]
        time.sleep(2.2)
        later = next(frames)
        assert made_ago_s(later.image) < STALE_S + PATH_S
    assert later.time_s - first.time_s > 1.5


def test_the_last_frame_before_a_freeze_is_not_fetched_later_as_live(start_rtsp):
    server = start_rtsp()
    with playing(server.url(), FrameRequest(10), read_timeout=2) as frames:
        list(islice(frames, 3))
        time.sleep(0.3)  # one more has come, and waits
        server.freeze()
        time.sleep(STALE_S + 0.5)
        with pytest.raises(SourceUnavailable, match="time-out"):
            next(frames)


def test_a_stream_that_stays_behind_is_connected_anew(camera, monkeypatch):
    monkeypatch.setattr(_live, "_BEHIND_S", 0.0)
    with TcpRelay(camera.port) as relay, playing(f"rtsp://127.0.0.1:{relay.port}/h264", FrameRequest(10)) as frames:
        list(islice(frames, 3))
        relay.manner = "stalled"
        threading.Timer(1.7, flow_again, [relay]).start()
        with pytest.raises(SourceUnavailable, match="late"):
            list(islice(frames, 50))


def test_data_without_pictures_is_given_up(web, monkeypatch):
    monkeypatch.setattr(_live, "_NO_PICTURE_S", 0.5)
    assert "no picture that can be decoded" in failure(f"{web}/spoilt")


def test_a_camera_that_rests_is_waited_for(start_rtsp, monkeypatch):
    """Its silence is no data without pictures, however long it is."""
    monkeypatch.setattr(_live, "_NO_PICTURE_S", 1.5)
    server = start_rtsp()
    with playing(server.url(), FrameRequest(10), read_timeout=20) as frames:
        list(islice(frames, 5))
        server.freeze()
        threading.Timer(2.5, server.thaw).start()
        ages_s = [made_ago_s(frame.image) for frame in islice(frames, 10)]
    assert max(ages_s) < STALE_S + PATH_S


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "frozen"])
def test_close_ends_a_wait_at_once(start_rtsp, is_silent):
    with socket.create_server(("127.0.0.1", 0)) as hole, ExitStack() as stack:
        if is_silent:
            opened = source(f"rtsp://127.0.0.1:{hole.getsockname()[1]}/1", open_timeout=4)
        else:
            server = stack.enter_context(start_rtsp())
            opened = source(server.url(), read_timeout=4)
        frames = opened.frames(FrameRequest())
        if not is_silent:
            next(frames)
            server.freeze()
        threading.Timer(0.3, opened.close).start()
        begin_s = time.monotonic()
        assert all(made_ago_s(frame.image) < STALE_S + PATH_S for frame in frames)
        assert time.monotonic() - begin_s < 3


def test_a_cut_connection_is_noticed_and_made_again(camera):
    with TcpRelay(camera.port) as relay:
        url = f"rtsp://127.0.0.1:{relay.port}/h264"
        with playing(url, FrameRequest(10)) as frames:
            list(islice(frames, 3))
            relay.cut()
            with pytest.raises(SourceUnavailable, match=r"ended the stream|connection broke"):
                list(frames)
        assert len(take(url, 1)) == 1


@pytest.mark.parametrize("manner", ["corrupt", "trickling"])
def test_a_bad_network_leads_to_pictures_or_to_an_end(camera, manner):
    with TcpRelay(camera.port) as relay:
        with playing(f"rtsp://127.0.0.1:{relay.port}/h264", FrameRequest(10), read_timeout=1) as frames:
            list(islice(frames, 3))
            relay.manner = manner
            begin_s = time.monotonic()
            with suppress(SourceUnavailable):
                list(islice(frames, 10))
        assert time.monotonic() - begin_s < _live._BEHIND_S + 5
        relay.manner = "whole"
        assert len(take(f"rtsp://127.0.0.1:{relay.port}/h264", 1)) == 1
