"""Compressed video as it came from the camera: what clips are made of without decoding anything."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What is the same for all packets of a video.

    Attributes:
        codec: as FFmpeg calls it, for example `h264`, `hevc` or `mjpeg`.
        time_base: seconds per tick of `pts` and `dts`.
        header: what a decoder needs before the first packet and does not find in it, such as the parameter sets of
            H.264 from a session description (in Annex B form); often empty.
    """

    codec: str
    time_base: Fraction
    header: bytes = b""


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One compressed picture, in the order in which it is to be decoded.

    Attributes:
        data: of H.264 and H.265 in Annex B form, that is with start codes; of MJPEG a JPEG file.
        time_s: when it is to be shown, in seconds on the stream's own clock, as `Frame.time_s`.
        pts, dts: when it is to be shown and decoded, in ticks of the format's time base; None when not known.
        is_keyframe: decoding can begin here, and nothing after it that is shown later needs what came before it.
        format: what it is.
    """

    data: bytes
    time_s: float
    pts: int | None
    dts: int | None
    is_keyframe: bool
    format: VideoFormat


TakePacket: TypeAlias = Callable[[VideoPacket], None]
"""Takes a packet at once, without raising; called by the thread that reads the source."""


@runtime_checkable
class PacketSource(Protocol):
    """A source that can hand out its video as it comes, still compressed, so that clips cost next to nothing."""

    def tap(self, take: TakePacket) -> None:
        """Called at most once, before `frames`: from then on `take` gets every packet, whether or not it is decoded.

        A source that finds that its video cannot be handed out (no timestamps, for example) hands out nothing.
        """
        ...
