"""The contract that every source must keep, as tests to inherit; they need pytest.

    from movinet_edge.testing.sources import SourceContract

    class TestMySource(SourceContract):
        source_class = MySource
        bad_settings = (({"speed": -1}, "speed"),)

        def make_source(self):
            return MySource(MySource.Settings(speed=2))

Fixtures are to be had by an autouse fixture that puts what `make_source` needs on `self`.
"""
# ruff: noqa: S101 (assert is how a test speaks)

import contextlib
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from movinet_edge.api import Frame, FrameRequest, Source, SourceEnded

# Generous, since a machine may be slow; a source that hangs does so for ever.
_PATIENCE_S = 10.0

_CHANNELS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "grey": 1}


class SourceContract:
    """Inherit, set `source_class` and `bad_settings`, and implement `make_source`.

    Attributes:
        source_class: the plugin's class.
        bad_settings: settings (without `type`) that must be refused, each with the key that the error must name.
            An unknown key is always tried.
    """

    source_class: ClassVar[type[Source]]
    bad_settings: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = ()

    def make_source(self) -> Source:
        """A new source that gives at least three frames."""
        raise NotImplementedError

    def make_waiting_source(self) -> Source:
        """A new source that gives at least one frame and then does not end by itself within a minute."""
        raise NotImplementedError

    def test_fits_the_protocol(self) -> None:
        """All that the daemon uses is there."""
        source = self.make_source()
        try:
            assert isinstance(source, self.source_class)
            assert isinstance(source, Source)
            assert isinstance(source.live, bool)
        finally:
            source.close()

    def test_bad_settings_are_refused_by_key(self) -> None:
        """The error names the key, so that the daemon can point at the line."""
        for settings, key in [({"no_such_key": 1}, "no_such_key"), *self.bad_settings]:
            with pytest.raises(ValidationError) as caught:
                self.source_class.Settings.model_validate(settings)
            keys = {str(part) for error in caught.value.errors() for part in error["loc"]}
            assert key in keys, f"settings {settings!r} should be refused for {key!r}; errors name {sorted(keys)}"

    def test_frames_are_as_documented(self) -> None:
        """Pictures have the stated type, shape and colour; times never fall within the stream."""
        frames = _take(self.make_source(), FrameRequest(), 20)
        assert len(frames) >= 3, f"make_source gives {len(frames)} frames, the tests need at least three"
        for frame in frames:
            _check_picture(frame)
        for before, after in pairwise(frames):
            assert after.discontinuity or after.time_s >= before.time_s, (
                f"time falls from {before.time_s} s to {after.time_s} s without a discontinuity"
            )

    def test_hints_may_be_given(self) -> None:
        """Frames stay as documented when the daemon asks for few and small ones."""
        request = FrameRequest(fps=5.0, size_for=lambda width_px, height_px: (min(16, width_px), min(16, height_px)))
        frames = _take(self.make_source(), request, 3)
        assert frames, "no frame came"
        for frame in frames:
            _check_picture(frame)

    def test_close_twice(self) -> None:
        """The second call does nothing, after frames and without any."""
        used, unused = self.make_source(), self.make_source()
        next(iter(used.frames(FrameRequest())))
        for source in (used, used, unused, unused):
            source.close()

    def test_closed_before_the_first_frame(self) -> None:
        """A closed source gives no frames."""
        source = self.make_source()
        source.close()
        assert _take(source, FrameRequest(), 1) == []

    def test_close_between_frames_ends_the_iteration(self) -> None:
        """The one who iterates may also close."""
        source = self.make_waiting_source()
        frames = source.frames(FrameRequest())
        next(frames)
        source.close()
        assert len(_rest(frames, 3)) < 3, "frames go on coming after close()"

    def test_close_from_another_thread_ends_a_read(self) -> None:
        """A read that waits, or runs, ends soon and without an error."""
        source = self.make_waiting_source()
        begun, outcome = threading.Event(), []

        def read() -> None:
            try:
                for _ in source.frames(FrameRequest()):
                    begun.set()
            except SourceEnded:
                pass
            except Exception as error:  # noqa: BLE001 (judged by the test)
                outcome.append(error)
            finally:
                begun.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        assert begun.wait(_PATIENCE_S), "no frame came"
        time.sleep(0.05)  # most likely within the next read by now
        source.close()
        reader.join(_PATIENCE_S)
        assert not reader.is_alive(), "close() does not end a read in another thread"
        assert not outcome, f"close() makes a read fail: {outcome!r}"

    def test_no_thread_is_left_behind(self) -> None:
        """Whatever was started ends with close()."""
        before = set(threading.enumerate())
        source = self.make_waiting_source()
        frames = source.frames(FrameRequest())
        next(frames)
        source.close()
        _rest(frames, 3)
        give_up_s = time.monotonic() + _PATIENCE_S
        while (left := set(threading.enumerate()) - before) and time.monotonic() < give_up_s:
            time.sleep(0.01)
        assert not left, f"threads left behind: {sorted(thread.name for thread in left)}"


def _take(source: Source, request: FrameRequest, count: int) -> list[Frame]:
    try:
        return _rest(source.frames(request), count)
    finally:
        source.close()


def _rest(frames: Any, count: int) -> list[Frame]:
    taken: list[Frame] = []
    with contextlib.suppress(SourceEnded):
        taken.extend(islice(frames, count))
    return taken


def _check_picture(frame: Frame) -> None:
    image = frame.image
    assert image.dtype in (np.uint8, np.uint16), f"pictures are uint8 (or uint16), not {image.dtype}"
    assert image.size > 0, f"the picture is empty: {image.shape}"
    grey_plane = frame.colour == "grey" and image.ndim == 2
    assert grey_plane or (image.ndim == 3 and image.shape[2] == _CHANNELS[frame.colour]), (
        f"a picture of colour {frame.colour!r} has the shape {image.shape}"
    )
