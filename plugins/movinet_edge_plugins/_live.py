"""Reads a live stream with PyAV, in a thread of its own, and says what is wrong when nothing comes.

FFmpeg can be interrupted by time alone, and the look-up of a name not even by that. So all of it happens in a thread
that is waited for as long as its time-outs say and no longer. A thread that is still inside FFmpeg when nobody waits
any more sees it as soon as FFmpeg returns: at the latest after the look-up and twice the longer time-out.

Imports PyAV at the top, so a plugin imports this module in its constructor.
"""

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import av

from movinet_edge.api import (
    Frame,
    FrameRequest,
    SourceError,
    SourceInfo,
    SourceRejected,
    SourceUnavailable,
    TakePacket,
)
from movinet_edge_plugins._lateness import STALE_S, Backlog, Lateness
from movinet_edge_plugins._stream_address import StreamAddress
from movinet_edge_plugins._video import Sieve, Video, reason

# Behind for this long, a stream will not catch up by itself; a new connection begins with what is live.
_BEHIND_S = 10.0

# Further than this from the machine's clock, the wall time of frames is set anew: one of the two clocks was changed.
_WALL_ERROR_S = 2.0

# Longer than the distance of key frames of any usual camera; data that holds no picture for this long never will.
_NO_PICTURE_S = 30.0

# Of a longer pause between two pieces of data only this much counts towards that: a camera may rest between movements.
_PAUSE_S = 1.0

# Formats that come in bursts of several seconds and must be held back to the pace of their timestamps.
_IN_SEGMENTS = ("hls", "dash")

# Enough for a stream that runs to notice, and to say goodbye to the camera, which has few sessions to give.
_FAREWELL_S = 0.5

_REFUSES_LOGIN = "refuses the user and password that are set"
_WANTS_LOGIN = "wants a user and a password, and none are set"
_ANSWERS = {
    av.error.HTTPForbiddenError: "the server refuses access (403); may this user see this stream?",
    av.error.HTTPNotFoundError: "the server answers, but has nothing under this path (404)",
    ConnectionRefusedError: "the connection was refused, nothing listens on this port",
    av.error.InvalidDataError: "the server answers, but not with a video",
    av.error.EOFError: "the server closed the connection at once",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """How to read a stream."""

    address: StreamAddress
    options: Mapping[str, str]
    open_timeout_s: float
    read_timeout_s: float
    keyframes_only: bool
    skip_loop_filter: bool


class LiveReader:
    """One connection: `start` it, call `next_frame` until it is None, and `stop` it from any thread at any time.

    Attributes:
        frames_read: frames that have arrived so far, whether or not they were decoded.
        take_packet: gets what comes, still compressed; to be set before `start`.
    """

    def __init__(self, connection: Connection) -> None:
        self.frames_read = 0
        self.take_packet: TakePacket | None = None
        self._video: Video | None = None
        self._cpu_s = 0.0
        self._connection = connection
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._newest: tuple[Frame, float] | None = None  # with the monotonic time of its arrival
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None
        self._arrival_s = 0.0
        self._fruitless_s = 0.0  # for how long data has come since the last picture
        self._wall_zero_s: float | None = None  # wall time at the stream's time 0
        self._turn_zero_s: float | None = None  # time.monotonic() at the stream's time 0, where frames await their turn
        self._deadline_s = self._within_s = 0.0
        self._otherwise = ""  # what to say when nothing came within that time

    def start(self, request: FrameRequest) -> None:
        """Begin to connect."""
        self._expect(self._connection.open_timeout_s, "the name of the host could not be looked up")
        self._thread = threading.Thread(target=self._run, args=(request,), name="live stream", daemon=True)
        self._thread.start()

    def next_frame(self) -> Frame | None:
        """The newest frame, which is waited for; None once stopped.

        Raises:
            SourceUnavailable: the connection failed, or nothing came within the time-out.
        """
        with self._changed:
            while not self._stopped.is_set():
                newest, self._newest = self._newest, None
                # One that waited here while the caller was busy, and after which nothing came, is no longer live.
                if newest is not None and time.monotonic() - newest[1] <= STALE_S:
                    return newest[0]
                if self._failure is not None:
                    raise self._failure
                wait_s = self._deadline_s - time.monotonic()
                if wait_s <= 0.0:
                    raise self._timed_out()
                self._changed.wait(wait_s)
        return None

    def stop(self) -> None:
        """End the connection, and `next_frame`; may be called twice."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()

    def join(self) -> None:
        """Give the thread a moment to end, which it does unless it is stuck in FFmpeg."""
        if self._thread is not None:
            self._thread.join(_FAREWELL_S)

    @property
    def info(self) -> SourceInfo | None:
        """What the stream is and what it has cost so far; None until it is open."""
        return None if self._video is None else self._video.info.model_copy(update={"cpu_s": self._cpu_s})

    def _run(self, request: FrameRequest) -> None:
        failure: Exception
        try:
            self._read(request)
            failure = self._unavailable("the server ended the stream")
        except SourceRejected as error:  # what will never do in a file may be put right in a camera
            failure = self._unavailable(f"the stream {error}")
        except Exception as error:  # noqa: BLE001 (raised again where the frames are taken)
            failure = error
        with self._changed:
            # FFmpeg has many words for a time-out, from "immediate exit" to "invalid data".
            late = isinstance(failure, SourceError) and time.monotonic() >= self._deadline_s
            self._failure = self._timed_out() if late else failure
            self._changed.notify_all()

    def _read(self, request: FrameRequest) -> None:
        connection = self._connection
        self._look_up()
        if self._stopped.is_set():
            return
        self._expect(connection.open_timeout_s, "no answer with a video in it")
        asked_s = time.monotonic()
        container = self._open()
        self._expect(connection.read_timeout_s, "nothing came any more")
        self._arrival_s = time.monotonic()
        is_in_bursts = _comes_in_bursts(container, connection.address)
        video = Video(
            container,
            skip_loop_filter=connection.skip_loop_filter,
            keyframes_only=connection.keyframes_only,
            live=True,
            take_packet=self.take_packet,
        )
        self._video = video
        with video:
            self._pass_on(video, request, Backlog(asked_s), is_in_bursts=is_in_bursts)

    def _pass_on(self, video: Video, request: FrameRequest, backlog: Backlog, *, is_in_bursts: bool) -> None:
        sieve, lateness = Sieve(request.fps), Lateness()
        for time_s, picture in video.frames(sieve, start_s=0.0, stopped=self._packet_came):
            self.frames_read = video.packets_read
            self._fruitless_s = 0.0
            is_due = sieve.due(time_s)
            may_be_old = self._may_be_old(backlog, video, time_s, is_due=is_due)
            if is_in_bursts:
                self._await_turn(time_s)
            # After a stall, of the network or of this machine, buffers are full of what is long over. It has to be
            # decoded, because what follows refers to it, but it must not be taken for what happens now.
            elif is_due and lateness.is_stale(time_s, self._arrival_s):
                if lateness.stale_for_s > _BEHIND_S:
                    raise self._unavailable(
                        f"pictures have come more than {STALE_S:g} s late for {_BEHIND_S:g} s; the network or this"
                        " machine is too slow for the stream, or the camera's timestamps are wrong"
                    )
                continue
            elif may_be_old:
                continue
            if is_due:
                self._hand_over(Frame(video.rgb(picture, request.size_for), time_s, "rgb", self._wall_time_s(time_s)))
        if video.broken_off is not None:
            raise self._unavailable(f"the connection broke ({reason(video.broken_off)})")

    def _may_be_old(self, backlog: Backlog, video: Video, time_s: float, *, is_due: bool) -> bool:
        if not video.has_timestamps:
            return backlog.holds(None, self._arrival_s)
        # Frames between those that are due may be decoded in groups, so their arrival says nothing.
        return is_due and backlog.holds(time_s, self._arrival_s)

    def _look_up(self) -> None:
        # FFmpeg would say "Input/output error".
        if (server := self._connection.address.connects_to) is not None:
            try:
                socket.getaddrinfo(*server, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise self._unavailable(f"the name {server[0]} is not known ({reason(error)})") from None

    def _open(self) -> Any:
        # What PyAV raises repeats the address with the password, so it must not be the cause of what is raised here.
        try:
            return av.open(
                self._connection.address.full,
                options=dict(self._connection.options),
                metadata_errors="ignore",
                timeout=(self._connection.open_timeout_s, self._connection.read_timeout_s),
            )
        except (av.FFmpegError, OSError) as error:
            has_login = self._connection.address.user is not None
            raise self._unavailable(_explain(error, has_login=has_login)) from None

    def _packet_came(self) -> bool:
        """Note the arrival of a packet; True when nobody waits for more."""
        now_s = time.monotonic()
        # When a read times out, FFmpeg first hands out the last frame, which it had held back until it was whole.
        if now_s >= self._deadline_s:
            raise self._timed_out()
        self._fruitless_s += min(now_s - self._arrival_s, _PAUSE_S)
        if self._fruitless_s > _NO_PICTURE_S:
            raise self._unavailable(f"data has come for {_NO_PICTURE_S:g} s, but no picture that can be decoded")
        self._arrival_s = now_s
        self._deadline_s = now_s + self._connection.read_timeout_s
        self._cpu_s = time.thread_time()  # this thread does nothing else
        return self._stopped.is_set()

    def _await_turn(self, time_s: float) -> None:
        now_s = time.monotonic()
        # Far from its turn: the connection had a hole, or the timestamps a leap, and the pace begins anew.
        if self._turn_zero_s is None or abs(self._turn_zero_s + time_s - now_s) > self._connection.read_timeout_s:
            self._turn_zero_s = now_s - time_s
        self._stopped.wait(max(0.0, self._turn_zero_s + time_s - now_s))
        self._arrival_s = time.monotonic()
        self._deadline_s = self._arrival_s + self._connection.read_timeout_s

    def _wall_time_s(self, time_s: float) -> float:
        came_s = time.time() - (time.monotonic() - self._arrival_s)
        # No picture is from the future; the first ones may have come late, because the server was still starting.
        if self._wall_zero_s is None or not 0.0 <= came_s - time_s - self._wall_zero_s <= _WALL_ERROR_S:
            self._wall_zero_s = came_s - time_s
        return self._wall_zero_s + time_s

    def _hand_over(self, frame: Frame) -> None:
        with self._changed:
            self._newest = frame, self._arrival_s
            self._changed.notify_all()

    def _expect(self, within_s: float, otherwise: str) -> None:
        with self._changed:
            self._within_s, self._otherwise = within_s, otherwise
            self._deadline_s = time.monotonic() + within_s

    def _timed_out(self) -> SourceUnavailable:
        return self._unavailable(f"{self._otherwise} within {self._within_s:g} s (time-out)")

    def _unavailable(self, fault: str) -> SourceUnavailable:
        return SourceUnavailable(f"{self._connection.address}: {fault}")


def _comes_in_bursts(container: Any, address: StreamAddress) -> bool:
    """True for what a server sends faster than it plays: segments, or recorded video over HTTP."""
    is_recorded = container.duration is not None and address.scheme in ("http", "https")
    return is_recorded or container.format.name in _IN_SEGMENTS


def _explain(error: Exception, *, has_login: bool) -> str:
    if isinstance(error, av.error.HTTPUnauthorizedError):
        return f"the server {_REFUSES_LOGIN if has_login else _WANTS_LOGIN} (401)"
    for kind, answer in _ANSWERS.items():
        if isinstance(error, kind):
            return answer
    return f"cannot be opened ({reason(error)})"
