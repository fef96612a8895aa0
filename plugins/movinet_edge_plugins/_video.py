"""Decoding with PyAV, for the sources that read video: cheap where a frame is not looked at, exact where it is.

Imports PyAV at the top, so a plugin imports this module in its constructor.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.format import Flags
from av.stream import Disposition
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from movinet_edge.api import Sampler, SourceInfo, SourceRejected, TakePacket
from movinet_edge_plugins._packet_tap import PacketTap

# Codecs in which nothing refers to what lies before a key frame, unless frames are reordered.
_CLEAN_CUTS = frozenset({"h264", "hevc", "mjpeg"})

# Decoding what was put off delays the frame it was put off for: by a fifth of a second on a small computer.
_MOST_PUT_OFF = 10

# Timestamps that fall by less are jitter; by more, the recording began its clock anew (a camera restarted).
_RESTART_S = 1.0

# For streams that do not say their rate; only used where timestamps are missing.
_ASSUMED_FPS = 25.0

# A file is called cut off when it ends this much before its own header says, which is more than rounding explains.
_CUT_OFF_S = 1.0

# Of a file with sound, the share of its duration that pictures fill at least; less means that they were cut off.
_PICTURES_SHARE = 0.9


class Clock:
    """Seconds since the first frame, never falling, from timestamps that may be missing, repeat or go back."""

    __slots__ = ("_step_s", "_zero_s", "now_s")

    def __init__(self, step_s: float) -> None:
        """Frames without a timestamp follow the one before after `step_s` seconds."""
        self._step_s = step_s
        self._zero_s: float | None = None
        self.now_s: float | None = None

    def tick(self, stamp_s: float | None, step_s: float | None = None) -> float:
        """The time of the next frame in order of presentation, which carries the timestamp `stamp_s` or none.

        Where timestamps do not say, the frame follows the one before after `step_s`, if that is known.
        """
        before_s = 0.0 if self.now_s is None else self.now_s
        time_s = follows_s = 0.0 if self.now_s is None else before_s + (self._step_s if step_s is None else step_s)
        if stamp_s is not None:
            if self._zero_s is None or stamp_s - self._zero_s < before_s - _RESTART_S:
                self._zero_s = stamp_s - follows_s
            time_s = stamp_s - self._zero_s
        self.now_s = max(before_s, time_s)
        return self.now_s

    def foretell(self, stamp_s: float) -> float | None:
        """The time a later frame with this timestamp will get if nothing odd happens; None before the first frame."""
        return None if self._zero_s is None else stamp_s - self._zero_s


class Sieve:
    """A `Sampler` that can also say ahead of decoding, in any order, which frames it will surely pass over."""

    __slots__ = ("_anchor_s", "_period_s", "_sampler")

    def __init__(self, fps: float | None) -> None:
        self._sampler = Sampler(fps)
        self._period_s = 0.0 if fps is None else 1.0 / fps
        self._anchor_s: float | None = None

    def due(self, time_s: float) -> bool:
        """True when the frame at `time_s` is to be looked at; ask in order of presentation, for every frame."""
        due = self._sampler.due(time_s)
        if due and self._anchor_s is None:
            self._anchor_s = time_s
        return due

    def passes_over(self, time_s: float, frame_s: float) -> bool:
        """True when a frame at `time_s` of a stream with `frame_s` between frames cannot be due.

        The due frame is the first one after a point of the grid, so it lies less than one frame behind it; a quarter of
        a frame on either side allows for jitter.
        """
        if self._anchor_s is None or self._period_s == 0.0:
            return False
        return (time_s - self._anchor_s + 0.25 * frame_s) % self._period_s > 1.5 * frame_s

    def reset(self) -> None:
        """Forget the grid; the next frame is due."""
        self._sampler.reset()
        self._anchor_s = None


class Video:
    """An opened video: a file or a live stream. For one thread; a context manager.

    Attributes:
        has_timestamps: False where frames are timed by their arrival.
        info: what the video is; always a whole object, so that other threads may look at it.
        frame_s: usual time between two frames in seconds.
        packets_read: frames that came so far, whether or not they were decoded.
        broken_off: what ended the reading before the end, once that has happened.
    """

    def __init__(
        self,
        video: Path | Any,
        *,
        skip_loop_filter: bool = False,
        keyframes_only: bool = False,
        live: bool = False,
        take_packet: TakePacket | None = None,
    ) -> None:
        """Open a file, or take over a container that PyAV has opened.

        `live` streams are taken to have a steady pace, and frames without timestamps are timed by their arrival.
        `take_packet` gets all packets where their codec allows it.

        Raises:
            SourceRejected: with the reason, which reads on from the video's name.
        """
        self._container = _open_file(video) if isinstance(video, Path) else video
        try:
            self._stream = self._find_stream(skip_loop_filter)
        except BaseException:
            self._container.close()
            raise
        rate = self._stream.average_rate
        self.frame_s = 1.0 / float(rate or _ASSUMED_FPS)
        base = self._stream.base_rate
        codec = self._stream.codec_context
        # What FFmpeg makes up for these formats presumes 25 frames per second.
        self.has_timestamps = not (live and self._container.format.flags & Flags.no_timestamps.value)
        # Looking ahead presumes a steady pace.
        steady = self.has_timestamps and bool(rate) and (live or bool(base and abs(rate / base - 1) < 0.01))
        self._may_skip = steady and bool(codec.has_b_frames) and not keyframes_only
        self._may_put_off = steady and codec.codec.canonical_name in _CLEAN_CUTS and not keyframes_only
        self._put_off: list[Any] = []
        self._foretold_s: float | None = None
        if keyframes_only:
            codec.skip_frame = "NONKEY"
        self.info = SourceInfo(
            codec=codec.codec.canonical_name,
            width_px=codec.width or None,
            height_px=codec.height or None,
            fps=float(rate) if rate and self.has_timestamps else None,
        )
        self._live = live
        self._picture_came_s = 0.0
        self._clock = Clock(self.frame_s)
        self._tap: PacketTap | None = None
        if take_packet is not None and self.has_timestamps and PacketTap.fits(self._stream):
            self._tap = PacketTap(self._stream, take_packet, self._clock.foretell)
        self._reformatter = VideoReformatter()
        self._last_frame_s = self.frame_s
        self._damaged_packets = 0
        self.packets_read = 0
        self.broken_off: Exception | None = None

    def _find_stream(self, skip_loop_filter: bool) -> Any:
        stream = self._container.streams.best("video")
        if stream is None or stream.disposition & Disposition.attached_pic:  # the cover picture of an audio file
            raise SourceRejected("holds no video (audio or other data only)")
        if self._container.format.name == "tty":  # FFmpeg draws any .txt as a film of a terminal
            raise SourceRejected("is a text file, not a video")
        codec = stream.codec_context
        if codec is None:
            raise SourceRejected("is encoded in a way that this FFmpeg cannot decode")
        # Frame threads cost 10 % more processor time and delay the frames; slices keep the order simple.
        codec.thread_count = 1
        codec.thread_type = "SLICE"
        if skip_loop_filter:
            codec.options = {"skip_loop_filter": "all"}
        return stream

    def frames(self, sieve: Sieve, *, start_s: float, stopped: Callable[[], bool]) -> Iterator[tuple[float, Any]]:
        """All decoded frames with their time in seconds, the first one at `start_s`.

        Frames that `sieve` will pass over may be missing. Damaged parts are left out, see `complaint`. `stopped` is
        asked after every packet, before it is decoded.
        """
        for packet in self._packets():
            if stopped():
                return
            self.packets_read += packet.size > 0  # the last, empty one only flushes the decoder
            if self._tap is not None:
                self._tap.came(packet, start_s)
            if packet.duration:
                self._last_frame_s = float(packet.duration * packet.time_base)
            for needed in self._needed(packet, sieve, start_s):
                yield from self._decode(needed, start_s)
        if self._clock.now_s is None:
            raise SourceRejected("holds no picture that can be decoded")

    def _needed(self, packet: Any, sieve: Sieve, start_s: float) -> list[Any]:
        """What is to be decoded now that this packet has come.

        A frame that is not due is put off until one is, since a key frame in between makes it superfluous.
        """
        is_passed_over = self._is_passed_over(packet, sieve, start_s)
        codec = self._stream.codec_context
        if self._may_skip:
            codec.skip_frame = "NONREF" if is_passed_over else "DEFAULT"
        if not self._may_put_off or codec.has_b_frames:  # which the decoder may have found out in the meantime
            needed, self._put_off = [*self._put_off, packet], []
            return needed
        if packet.is_keyframe:
            self._put_off.clear()
        self._put_off.append(packet)
        if is_passed_over and len(self._put_off) < _MOST_PUT_OFF:
            return []
        needed, self._put_off = self._put_off, []
        return needed

    def _decode(self, packet: Any, start_s: float) -> Iterator[tuple[float, Any]]:
        try:
            pictures = packet.decode()
        except av.FFmpegError:
            self._damaged_packets += 1
            return
        for picture in pictures:
            # Some encoders renew the picture strip by strip, and FFmpeg calls the beginning of that a key frame too.
            if packet.is_keyframe and picture.pict_type != PictureType.I:
                self._may_put_off = False
            yield start_s + self._tick(picture), picture

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError as error:
            self.broken_off = error

    def _tick(self, picture: Any) -> float:
        stamp_s = (
            picture.pts * float(self._stream.time_base) if picture.pts is not None and self.has_timestamps else None
        )
        if not self._live:
            return self._clock.tick(stamp_s)
        before_s, self._picture_came_s = self._picture_came_s, time.monotonic()
        return self._clock.tick(stamp_s, self._picture_came_s - before_s)

    def _is_passed_over(self, packet: Any, sieve: Sieve, start_s: float) -> bool:
        if packet.pts is None or not (self._may_skip or self._may_put_off):
            return False
        time_s = self._clock.foretell(float(packet.pts * packet.time_base))
        before_s, self._foretold_s = self._foretold_s, time_s
        if time_s is None or before_s is None:
            return False
        # A camera may send fewer frames than it announces, and more of them are due then.
        return sieve.passes_over(start_s + time_s, max(self.frame_s, time_s - before_s))

    def rgb(self, picture: Any, size_for: Callable[[int, int], tuple[int, int]]) -> NDArray[np.uint8]:
        """A decoded frame as uint8 RGB `[height, width, 3]`, values 0 to 255, upright, scaled to `size_for` it.

        Scales by area and converts in one step, which is cheaper than either alone and nearest to what a model is
        trained with.
        """
        turns = picture.rotation // 90 % 4  # phones film sideways and say so; anticlockwise quarter turns
        if turns:
            self._tap = None  # what is to be turned would be lost in a packet
        size_px = (picture.width, picture.height)
        if size_px != (self.info.width_px, self.info.height_px):
            self.info = self.info.model_copy(update={"width_px": picture.width, "height_px": picture.height})
        if turns % 2:
            height_px, width_px = size_for(*reversed(size_px))
        else:
            width_px, height_px = size_for(*size_px)
        try:
            scaled = self._reformatter.reformat(picture, width_px, height_px, "rgb24", interpolation="AREA")
        except av.FFmpegError as error:
            raise SourceRejected(f"holds pictures that cannot be converted ({reason(error)})") from error
        return np.ascontiguousarray(np.rot90(np.asarray(scaled.to_ndarray(), np.uint8), turns))

    def complaint(self) -> str | None:
        """What was wrong with the file although frames came; to be asked at its end."""
        faults = []
        duration_s = self._announced_s()
        end_s = (self._clock.now_s or 0.0) + self._last_frame_s
        if self.broken_off:
            faults.append(f"could not be read past {end_s:.1f} s ({reason(self.broken_off)})")
        if duration_s is not None and end_s < duration_s - _CUT_OFF_S:
            faults.append(f"ends at {end_s:.1f} s of {duration_s:.1f} s, so it seems cut off")
        elif self._stream.frames > self.packets_read + max(2, _CUT_OFF_S / self.frame_s):
            faults.append(f"holds {self.packets_read} of {self._stream.frames} frames, so it seems cut off")
        if self._damaged_packets:
            faults.append(f"damaged frames left out: {self._damaged_packets}")
        return "; ".join(faults) or None

    def _announced_s(self) -> float | None:
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is None:
            return None
        # The container's duration covers sound too, which may go on for a little longer than the pictures.
        duration_s = float(self._container.duration / av.time_base)
        return duration_s if len(self._container.streams) == 1 else duration_s * _PICTURES_SHARE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()


def _open_file(path: Path) -> Any:
    try:
        # An absolute path cannot be mistaken for an address ("a:b.mp4").
        return av.open(str(path.absolute()), metadata_errors="ignore")
    except (av.FFmpegError, OSError) as error:
        raise SourceRejected(f"is not a video, or its beginning or index is damaged ({reason(error)})") from error


def reason(error: Exception) -> str:
    """What was wrong, without the name or address that PyAV adds to the text of its errors."""
    return getattr(error, "strerror", None) or type(error).__name__
