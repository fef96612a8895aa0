"""One thread that runs a source: makes it, hands its frames over, closes it, and makes it again when it failed."""

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from movinet_edge.api import Frame, FrameRequest, Source, SourceEnded, SourceRejected, SourceUnavailable

_log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Who is told by a capture's thread what happens. Nothing is told after the capture was asked to stop."""

    def opening(self, capture: "Capture") -> None:
        """A source is about to be made."""

    def opened(self, capture: "Capture", source: Source) -> None:
        """It was made, and its frames are asked for now."""

    def frame(self, capture: "Capture", source: Source, frame: Frame) -> bool:
        """A frame came; False when no more are wanted."""

    def closed(self, source: Source) -> None:
        """The source is about to be closed; told of every source that was opened, in any case."""

    def failed(self, capture: "Capture", reason: str, *, unexpected: bool) -> float | None:
        """The source failed; the seconds to wait before the next is made, or None when there is none to be."""

    def ended(self, capture: "Capture", reason: str, *, rejected: bool) -> None:
        """There will be no more frames."""


class Capture:
    """Runs one source after the other until one ends or is rejected, or somebody asks to stop. Used once."""

    def __init__(
        self, stream: str, make_source: Callable[[], Source], request: FrameRequest, listener: Listener
    ) -> None:
        self.stream = stream
        self._make_source, self._request, self._listener = make_source, request, listener
        self._stopping = threading.Event()
        self._source: Source | None = None
        self._swap = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"source {stream}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def request_stop(self) -> None:
        """Close the source without waiting, so that several can stop at the same time; then call `stop`."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        with self._swap:
            source = self._source
        if source is not None:
            # In a thread, because a plugin's `close` may hang as well as its read.
            closing = threading.Thread(target=self._close, args=(source,), name=f"close {self.stream}", daemon=True)
            closing.start()

    def stop(self, timeout_s: float) -> bool:
        """Close the source and wait for its thread; False when it hangs, and then it is left behind."""
        self.request_stop()
        if self._thread.ident is not None:
            self._thread.join(max(0.0, timeout_s))
        return not self.alive

    @property
    def source(self) -> Source | None:
        """The source that is read now; None while there is none."""
        return self._source

    @property
    def alive(self) -> bool:
        """True while the thread is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause_s = self._open_and_read()
            if pause_s is None:
                return
            self._stopping.wait(pause_s)

    def _open_and_read(self) -> float | None:
        """One life of the source; the seconds to wait before the next, or None when there is none."""
        source = None
        self._listener.opening(self)
        try:
            source = self._make_source()
            with self._swap:
                self._source = source
            # A stop that came while the source was being made did not see it, and so did not close it.
            if self._stopping.is_set():
                return None
            self._listener.opened(self, source)
            if self._read(source):
                self._ended("", rejected=False)
        except SourceEnded as ended:
            self._ended(str(ended), rejected=False)
        except SourceRejected as error:
            self._ended(str(error), rejected=True)
        except SourceUnavailable as error:
            return self._failed(str(error), unexpected=False)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin may raise anything; only its stream suffers
            return self._failed(f"{type(error).__name__}: {error}", unexpected=True)
        finally:
            if source is not None:
                self._listener.closed(source)
                with self._swap:
                    self._source = None
                self._close(source)
        return None

    def _read(self, source: Source) -> bool:
        """Hand the frames over; True when the source has no more."""
        for frame in source.frames(self._request):
            if self._stopping.is_set() or not self._listener.frame(self, source, frame):
                return False
        return True

    def _ended(self, reason: str, *, rejected: bool) -> None:
        if not self._stopping.is_set():
            self._listener.ended(self, reason, rejected=rejected)

    def _failed(self, reason: str, *, unexpected: bool) -> float | None:
        return None if self._stopping.is_set() else self._listener.failed(self, reason, unexpected=unexpected)

    def _close(self, source: Source) -> None:
        try:
            source.close()
        except Exception:  # noqa: BLE001  # a plugin may raise anything, and here nobody can do more
            _log.warning("source did not close cleanly", stream=self.stream, exc_info=True)
